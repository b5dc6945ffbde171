"""Runs the blocks of code of a page in order, in a folder with the files that the page mentions.

Only lengths and sizes differ: a training is a few images long, and networks are narrow. Commands run in this process.
"""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import textwrap
import tomllib
import wave
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

import pytest

ROOT = Path(__file__).parents[1]
FENCED = re.compile(r"^( *)```(\w*|\{[\w-]+\})\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?<=\n\n)((?: {4}.*\n|\n(?= {4}))+)")
SMALL = ("stylegan2", "sngan", "projected")  # architectures without the option `width`, small by default
NO_CODE = {"text", "diff", "{toctree}", "{eval-rst}"}  # `diff` is tested where its page is


def list_blocks(text: str) -> Iterator[tuple[str, str]]:
    """Yield the blocks of a page in order, as (language, text); an indented one is of commands."""
    found = [(match.start(), match[2], textwrap.dedent(match[3])) for match in FENCED.finditer(text)]
    without = FENCED.sub(lambda match: re.sub(r"[^\n]", ".", match[0]), text)  # offsets stay
    for match in INDENTED.finditer(without):
        if not re.match(
            r"[-*\d]", without[: match.start()].rstrip("\n").rpartition("\n\n")[2]
        ):  # else it belongs to a list
            found.append((match.start(), "console", textwrap.dedent(match[0])))
    yield from ((language, body) for _, language, body in sorted(found))


class Reader:
    """A reader of a page, who runs its blocks of code.

    Args:
        folder: The working directory, which is the home directory too.
        patch: Sets the working directory and the environment, and restores them after the test.
        repo: The repository that stands for USER/NAME.
    """

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, repo: str = "user/name") -> None:
        self.folder, self.patch, self.repo = folder, patch, repo
        self.names: dict[str, Any] = {}
        self.lengths: list[int] = []
        self.prepare: Callable[[], object] = lambda: None  # before each command
        patch.chdir(folder)
        patch.setenv("HOME", str(folder))
        patch.setenv("GANZOO_DISABLE_PLUGINS", "")

    def read(self, text: str, names: dict[str, Any] | None = None) -> int:
        """Run the blocks of a page and return their number; `names` are defined in its Python code."""
        self.names = dict(names or {})
        self.lengths = sorted({int(length) for length in re.findall(r"--images (\d+)", text)})
        blocks = [(language, body) for language, body in list_blocks(text) if language not in NO_CODE]
        for language, body in blocks:
            body = body.replace("USER/NAME", self.repo).replace("/data/", f"{self.folder}/")
            if language == "python":
                self.run_python(body)
            elif language == "toml":
                tomllib.loads(body)
            elif language == "sh":
                subprocess.run(["bash", "-n"], input=body, text=True, check=True)
            else:
                assert language in ("console", "bash"), f"there is no way to run a block of {language!r}"
                for line in filter(None, body.replace("\\\n", "").splitlines()):
                    self.run_line(line.removeprefix("$ "))
        return len(blocks)

    def run_python(self, code: str) -> None:
        """Run Python code; code with a `yield` runs as the body of a hook."""
        code = re.sub(r'("train.images": )[\d_]+', r"\g<1>32", code).replace("num=1000", "num=64")
        if any(isinstance(getattr(node, "value", None), ast.Yield) for node in ast.parse(code).body):
            code = "def hook():\n" + textwrap.indent(code, "    ") + "\nassert list(hook())"
        exec(compile(code, "page", "exec"), self.names)

    def run_line(self, line: str) -> None:
        """Run a command; for an installation, only check that the named files exist."""
        line = re.sub(r" +# .*", "", line)
        if completing := re.search(r"_GANZOO_COMPLETE=(\w+) ganzoo", line):
            with self.patch.context() as patch:
                patch.setenv("_GANZOO_COMPLETE", completing[1])
                self.run_ganzoo([])
            return
        for part in line.split(" && "):
            program, *words = shlex.split(part)
            if Path(program).name == "pip":
                self.check_install(words)
            elif Path(program).name == "ganzoo":
                self.run_ganzoo(words)
            elif program == "torchrun":
                self.run_torchrun(words)
            else:
                assert part in ("python3 -m venv .venv", ".venv/bin/python -m pytest"), (
                    f"there is no way to run {part!r}"
                )

    def check_install(self, words: list[str]) -> None:
        """Check that the paths and extras in a `pip install` command exist in this repository."""
        extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
        assert words[0] == "install"
        for before, word in pairwise(words):
            path, _, extra = word.partition("[")
            if before in ("-c", "-e") or word.startswith("."):
                assert (ROOT / path).exists()
                assert not extra or extra.rstrip("]") in extras

    def run_torchrun(self, words: list[str]) -> None:
        """Check torchrun's own options, and the settings of the training that it would start."""
        from torch.distributed.run import parse_args

        parsed = parse_args(words)
        assert (parsed.module, parsed.training_script) == (True, "ganzoo")
        self.run_ganzoo([*parsed.training_script_args, "--dry-run"])

    def run_ganzoo(self, words: list[str]) -> None:
        """Run a command, which must succeed."""
        from ganzoo.cli import main
        from ganzoo.registry import registry
        from ganzoo.report.server import Server

        if words[:1] == ["train"] and "--dry-run" not in words:
            words = self.shorten(words)
        if words[:1] == ["sweep"] and "--print" not in words:
            words = [*words, "--dry-run"]
        if words[:1] == ["evaluate"]:
            words = ["32" if word == "1000" else word for word in words] + ([] if "-n" in words else ["-n", "32"])
        if words[:1] == ["watch"]:
            words = [*words, "--port", "0"]
        registry.cache_clear()
        self.prepare()
        self.patch.setattr(Server, "serve_forever", interrupt)
        with pytest.raises(SystemExit) as stop:
            main([word.replace("~", str(self.folder)) for word in words])
        assert stop.value.code == 0, f"ganzoo {shlex.join(words)} exits with {stop.value.code}"

    def shorten(self, words: list[str]) -> list[str]:
        """Return the words of a short and small training; lengths keep their order."""
        line = re.sub(
            r"--images (\d+)", lambda found: f"--images {self.shorten_length(int(found[1]))}", " ".join(words)
        )
        line = re.sub(r"--time \S+", "--time 1s", line.replace("--size 64", "--size 16"))
        if "--resume" not in line:
            line += "" if "--images" in line or "--time" in line else " --images 32"
            named = re.search(r"--arch (\S+)", line)
            has_width = named is not None and named[1] not in SMALL and "arch.width" not in line
            line += " arch.width=2" if has_width else ""
        return line.split()

    def shorten_length(self, images: int) -> int:
        """Return the short length that stands for a length on the page."""
        return 64 * (1 + self.lengths.index(images))


def interrupt(*args: object, **keywords: object) -> NoReturn:
    """Do what Ctrl-C does to a server."""
    raise KeyboardInterrupt


def make_folder(folder: Path) -> None:
    """Write the files that pages mention: pictures, a sound, a finished run, two stopped runs, and foreign weights."""
    import torch
    from PIL import Image
    from torch import nn

    import ganzoo
    from ganzoo.registry import registry

    for name in ("photos", "drawings", "held-out"):
        (folder / name).mkdir()
        for number in range(40):
            color = (number * 6, 255 - number * 6, len(name) * 20)
            Image.new("RGB", (20, 24), color).save(folder / name / f"{number}.png")
    Image.new("RGB", (20, 24), (200, 30, 60)).save(folder / "small.png")
    with wave.open(str(folder / "speech.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(16000))
    registry.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        settings: dict[str, Any] = {"arch": "dcgan", "batch": 16, "options": {"arch.width": 2}, "device": "cpu"}
        ganzoo.train(**settings, dataset=folder / "photos", size=16, images=32)
        for _ in range(2):
            run = ganzoo.train(**settings, dataset=folder / "photos", size=16, images=32)
            recipe = run.recipe()
            recipe["train"]["images"] = 48  # as if it had been stopped
            run.write_recipe(recipe)
    layers: list[nn.Module] = []
    for inputs, outputs in ((100, 16), (16, 8), (8, 4), (4, 2)):
        first = {"stride": 1, "padding": 0} if inputs == 100 else {"stride": 2, "padding": 1}
        layers += [nn.ConvTranspose2d(inputs, outputs, 4, **first, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
    layers += [nn.ConvTranspose2d(2, 3, 4, stride=2, padding=1, bias=False), nn.Tanh()]
    torch.save(nn.ModuleDict({"main": nn.Sequential(*layers)}).state_dict(), folder / "netG_epoch_24.pth")
