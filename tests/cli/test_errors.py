"""Every mistake of a user is one sentence on stderr that says what to type, with the right exit code.

What needs no more than a line and a folder stands in messages.toml.
"""

import json
import os
import pwd
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from cli_calls import TINY, Answer, Ganzoo, process
from forks import start_python
from ganzoo.runs.run import Run
from privileges import bound_by_modes


def check(answer: Answer, code: int, *words: str, before: int = 0) -> None:
    """Assert that a command failed with this code and one sentence, after `before` lines of progress."""
    assert answer.code == code, answer.err
    assert answer.out == ""
    assert "Traceback" not in answer.err
    lines = answer.err.splitlines()
    assert len(lines) == before + 1, answer.err
    assert lines[-1].startswith("ganzoo: ")
    for word in words:
        assert word in lines[-1]


# ----------------------------------------------------------------------------
# Names that cannot be typed in a table.


@pytest.mark.parametrize("args", [("train", "--arch", ""), ("train", "--arch", "a\nb"), ("train", "--arch", "\udcff")])
def test_an_invalid_name_is_reported_on_one_line(ganzoo: Ganzoo, args: tuple[str, ...]) -> None:
    check(ganzoo(*args), 2, f"no architecture {args[-1]!r}")


def test_an_empty_name_or_target_is_a_mistake(ganzoo: Ganzoo) -> None:
    check(ganzoo("train", "--arch", "dcgan", "--name", ""), 2, "--name ''", "use letters")
    check(ganzoo("sample", "x", "--out", ""), 2, "--out ''", ".png")


@pytest.mark.parametrize("device", ["nonsense", "cuda", "cuda:99", "meta:x"])
def test_a_device_that_does_not_exist(ganzoo: Ganzoo, runs: Path, device: str) -> None:
    if device == "cuda" and torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    check(ganzoo("train", *TINY, "--device", device), 2, f"--device {device}", "cpu")
    check(ganzoo("sample", "0", "--device", device), 2, f"--device {device}", "cpu")


# ----------------------------------------------------------------------------
# Recipes and runs.


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("{", 6, ("is damaged",)),
        ("[]", 6, ("is damaged",)),
        ("\x00", 6, ("is damaged",)),
        ("{}", 6, ("is damaged",)),
        ('{"format": 1}', 6, ("damaged", "arch")),
        ('{"format": 99, "ganzoo": "9.0"}', 1, ("newer ganzoo (9.0)", "pip install -U ganzoo")),
    ],
)
def test_a_recipe_that_cannot_be_read(ganzoo: Ganzoo, runs: Path, text: str, code: int, words: tuple[str, ...]) -> None:
    (runs / "0001-stopped" / "recipe.json").write_text(text)
    check(ganzoo("train", "--config", "runs/0001-stopped/recipe.json"), code, *words)
    check(ganzoo("train", "--resume", "1"), code, *words)


def test_a_stored_component_that_is_not_installed(ganzoo: Ganzoo, runs: Path) -> None:
    path = runs / "0001-stopped" / "recipe.json"
    path.write_text(path.read_text().replace('"dcgan:dcgan"', '"acme:blobgan"').replace('"ganzoo",', '"acme-gans",'))
    check(ganzoo("train", "--config", path), 3, "'acme:blobgan'", "python -m pip install -U acme-gans")
    check(ganzoo("sample", "0", "--no-plugin", "dcgan"), 3, "'dcgan:dcgan'", "not installed")


def test_a_run_that_is_being_trained(ganzoo: Ganzoo, runs: Path) -> None:
    with Run(runs / "0001-stopped").training():
        check(ganzoo("train", "--resume", "1"), 7, "0001-stopped is being trained", "wait for it or stop it")
        check(ganzoo("train", "--resume"), 4, "no unfinished run")


def test_folders_that_look_like_runs_do_no_harm(ganzoo: Ganzoo, runs: Path) -> None:
    (runs / "2024x-photos").mkdir()
    (runs / "2024x-photos" / "recipe.json").write_text("{}")
    (runs / "0009-empty").mkdir()
    check(ganzoo("sample", "9"), 4, "no run '9'")
    check(ganzoo("sample", "runs/0009-empty"), 4, "is not a run")
    assert ganzoo("runs").code == 0


# ----------------------------------------------------------------------------
# Damaged checkpoints and packages.


def damage(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    if how == "cut":
        del content[-100:]
    elif how == "empty":
        content.clear()
    else:
        content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("how", ["cut", "empty", "changed"])
def test_a_damaged_checkpoint_is_set_aside_for_the_last_good_one(ganzoo: Ganzoo, runs: Path, how: str) -> None:
    run = Run(runs / "0001-stopped")
    *_, good, last = run.checkpoints
    damage(last, how)
    done = ganzoo("train", "--resume", "1")
    assert (done.code, done.out) == (0, "runs/0001-stopped\n")
    assert f"{last.name} is damaged" in done.err
    assert f"going on from {int(good.stem)} images" in done.err
    assert run.finished
    assert last.with_name(last.name + ".damaged").exists()


def test_a_run_without_an_undamaged_checkpoint(ganzoo: Ganzoo, runs: Path) -> None:
    checkpoints = Run(runs / "0001-stopped").checkpoints
    for path in checkpoints:
        damage(path, "changed")
    done = ganzoo("train", "--resume", "1")
    check(done, 6, "is whole", "ganzoo train --config runs/0001-stopped", before=len(checkpoints))


@pytest.mark.parametrize("how", ["cut", "empty", "changed"])
def test_a_damaged_package(ganzoo: Ganzoo, runs: Path, how: str) -> None:
    damage(runs / "0000-dcgan-bce-digits" / "package" / "model.safetensors", how)
    check(ganzoo("sample", "0"), 6, "model.safetensors is damaged")
    assert os.listdir() == ["runs"]


def test_a_package_that_is_incomplete(ganzoo: Ganzoo, runs: Path) -> None:
    package = runs / "0000-dcgan-bce-digits" / "package"
    (package / "model.safetensors").unlink()
    check(ganzoo("sample", "0"), 6, "has no model.safetensors")
    for text in ("{", "[1]", '{"format": 1, "recipe": 3}'):
        (package / "config.json").write_text(text)
        check(ganzoo("sample", package), 6, "config.json is damaged")
    (package / "config.json").write_text('{"format": 99}')
    check(ganzoo("sample", package), 1, "newer ganzoo", "pip install -U ganzoo")
    (package / "config.json").unlink()
    check(ganzoo("sample", "0"), 4, "no model package yet")


# ----------------------------------------------------------------------------
# Impossible samples.


def test_a_file_where_the_folder_should_be(ganzoo: Ganzoo, runs: Path, tmp_path: Path) -> None:
    (tmp_path / "pictures").write_text("")
    check(ganzoo("sample", "0", "--out", "pictures/"), 1, "cannot write pictures")


# ----------------------------------------------------------------------------
# Plugins that fail.

FAILS = {
    "raises.py": ("1/0", "ZeroDivisionError: division by zero"),
    "exits.py": ("raise SystemExit(3)", "SystemExit: 3"),
    "garbled.py": ("def (", "SyntaxError"),
    "missing.py": ("import no_such_module", "No module named 'no_such_module'"),
}


@pytest.mark.parametrize("name", FAILS)
def test_a_plugin_file_that_fails(ganzoo: Ganzoo, tmp_path: Path, name: str) -> None:
    source, words = FAILS[name]
    (tmp_path / name).write_text(source)
    check(ganzoo("list", "--plugin", name), 1, f"--plugin {name} failed", words)
    check(ganzoo("--plugin", name, "list"), 1, f"--plugin {name} failed", words)


def test_a_plugin_file_of_another_kind_or_name(ganzoo: Ganzoo, tmp_path: Path) -> None:
    (tmp_path / "plugin.txt").write_text("")
    check(ganzoo("list", "--plugin", "plugin.txt"), 2, "ends in .py")
    (tmp_path / "json.py").write_text("")
    check(ganzoo("list", "--plugin", "json.py"), 2, "'json' is loaded already", "rename the file")


def test_a_component_that_fails_is_named(ganzoo: Ganzoo, tmp_path: Path) -> None:
    (tmp_path / "brittle.py").write_text(
        "from ganzoo.plugin import Loss, hookimpl\n"
        "@hookimpl\n"
        "def ganzoo_losses():\n"
        '    yield Loss(name="brittle", summary="Fails.", factory="brittle:build")\n'
        '    yield Loss(name="needy", summary="Needs.", factory="brittle:build", requires=("no-such-thing>=2",))\n'
        "def build(options, data):\n"
        "    1/0\n"
    )
    wrong = ganzoo("train", *TINY, "--plugin", "brittle.py", "--loss", "brittle")
    check(wrong, 1, "loss 'brittle' of plugin 'brittle' failed in brittle:build", "ZeroDivisionError")
    wrong = ganzoo("train", *TINY, "--plugin", "brittle.py", "--loss", "needy")
    check(wrong, 3, "loss 'needy' needs no-such-thing>=2", "python -m pip install")


# ----------------------------------------------------------------------------
# Files that may not be read or written, and full disks.


def test_a_folder_that_may_not_be_written(ganzoo: Ganzoo, templates: Path, public: Path) -> None:
    trained = Run(templates / "0000-dcgan-bce-digits").package
    package = public / "package"
    package.mkdir()
    for path in trained.iterdir():
        (package / path.name).write_bytes(path.read_bytes())
    public.chmod(0o555)
    with bound_by_modes():
        wrong = [
            ganzoo("train", *TINY),
            ganzoo("sample", package),
            ganzoo("sample", package, "--out", "pictures/"),
        ]
    public.chmod(0o755)
    for answer, what in zip(wrong, ("runs", "public-seed0.png", "pictures"), strict=True):
        check(answer, 1, f"cannot write {what.replace('public', public.name)}", "choose a folder that you can write to")


def test_a_file_that_may_not_be_read(ganzoo: Ganzoo, public: Path) -> None:
    closed = public / "closed"
    closed.mkdir()
    closed.chmod(0)
    with bound_by_modes():
        wrong = [
            ganzoo("sample", "closed/run"),
            ganzoo("train", "--resume", "closed/run"),
            ganzoo("train", "--config", "closed/recipe.json"),
            ganzoo("list", "--plugin", "closed/plugin.py"),
        ]
    closed.chmod(0o755)
    for answer in wrong:
        check(answer, 4, "no permission to open closed", "make it readable")


def test_a_dataset_cache_that_may_not_be_written(ganzoo: Ganzoo, public: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (public / "photos").mkdir()
    Image.effect_noise((20, 20), 80).save(public / "photos" / "one.png")
    public.chmod(0o555)
    monkeypatch.setenv("GANZOO_CACHE", str(public / "cache"))
    with bound_by_modes():
        answer = ganzoo("train", *TINY, "--dataset", "photos")
    public.chmod(0o755)
    check(answer, 1, f"cannot write the packed dataset 'folder' to {public}/cache", "set GANZOO_CACHE")


def test_no_home_directory(ganzoo: Ganzoo, public: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (public / "photos").mkdir()
    Image.effect_noise((20, 20), 80).save(public / "photos" / "one.png")
    for name in ("HOME", "GANZOO_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)  # a user that the system does not know
    assert ganzoo("list").code == 0
    assert ganzoo("runs").code == 0
    answer = ganzoo("train", *TINY, "--dataset", "photos")
    check(answer, 1, "no home directory was found", "set GANZOO_CACHE")


def test_a_full_disk(ganzoo: Ganzoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("no disk can be mounted here")
    try:
        monkeypatch.setenv("GANZOO_RUNS", str(disk))
        answer = ganzoo("train", *TINY)
        left = [path.name for path in disk.rglob("*") if path.name.endswith(".tmp")]
    finally:
        subprocess.run(["umount", disk], check=True)
    check_unwritten(answer, f"cannot write {disk}", "the disk is full; free some space")
    assert left == []


def test_files_that_may_not_grow(ganzoo: Ganzoo) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        answer = ganzoo("train", *TINY)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    check_unwritten(answer, "cannot write runs/0000-dcgan-bce-digits", "ulimit -f")


def check_unwritten(answer: Answer, *words: str) -> None:
    """Assert that a run reported the first checkpoint that it could not write, continued, and failed at the last."""
    *told, _ = answer.err.splitlines()
    check(answer, 1, *words, before=len(told))
    (first,) = [line for line in told if line.startswith("could not write the checkpoint at 0 images: cannot write")]
    assert first.endswith("none is good yet; trying again at the next")
    assert any(line.startswith("0:00 left  256/256  ") for line in told)


# ----------------------------------------------------------------------------
# Signals and closed pipes: a process of its own.


def finish(started: "subprocess.Popen[str]") -> Answer:
    out, err = started.communicate(timeout=60)
    return Answer(started.returncode, out, err.lstrip("\n"))


def test_interrupted_while_it_starts(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import sys, time\nprint('here', file=sys.stderr, flush=True)\ntime.sleep(60)")
    started = process("train", *TINY, "--plugin", "slow.py")
    assert started.stderr is not None
    assert started.stderr.readline() == "here\n"
    started.send_signal(signal.SIGINT)
    check(finish(started), 130, "interrupted")
    assert not (tmp_path / "runs").exists()


SCRIPT = "from importlib.metadata import entry_points as e; e(group='console_scripts')['ganzoo'].load()()"
INTERRUPTS = """
import os, signal, sys

class Interrupter:
    def find_spec(self, name, path, target=None):
        if name == os.environ["INTERRUPTED_AT"]:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupter())
"""


@pytest.mark.parametrize("module", ["ganzoo.cli", "ganzoo.registry.discovery"])
@pytest.mark.parametrize("command", [("-m", "ganzoo"), ("-c", SCRIPT)], ids=["module", "script"])
def test_interrupted_while_the_command_line_is_imported(tmp_path: Path, command: tuple[str, str], module: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(INTERRUPTS)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "INTERRUPTED_AT": module}
    started = subprocess.Popen(
        [sys.executable, *command, "list"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    check(finish(started), 130, "interrupted")


SWALLOWS = """
import os, signal, sys
from ganzoo.cli import main

class Swallower:
    def find_spec(self, name, path, target=None):
        if name == "torch.nn":
            try:
                os.kill(os.getpid(), signal.SIGINT)
            except KeyboardInterrupt:
                print("swallowed", file=sys.stderr)

sys.meta_path.insert(0, Swallower())
main()
"""


@pytest.mark.parametrize("args", [("train", *TINY), ("sample", "0")])
def test_an_interrupt_is_not_lost_while_torch_is_imported(runs: Path, args: tuple[str, ...]) -> None:
    before = sorted(runs.rglob("*"))
    done = subprocess.run([sys.executable, "-c", SWALLOWS, *args], capture_output=True, text=True, check=False)
    check(Answer(done.returncode, done.stdout, done.stderr.lstrip("\n")), 130, "interrupted")
    assert sorted(runs.rglob("*")) == before
    assert os.listdir() == ["runs"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_while_it_trains(ganzoo: Ganzoo, tmp_path: Path, number: signal.Signals) -> None:
    with start_python("-m", "ganzoo", "train", *TINY, "--images", "1000000", folder=tmp_path) as started:
        started.wait_for_lines(3, stderr=True)
        os.kill(started.process.pid, number)
        done = started.finish(timeout=60)
    _, _, progress, err = done.stderr.split("\n", 3)
    assert "/1M  " in progress
    answer = Answer(done.returncode, done.stdout, err.lstrip("\n"))
    (run,) = (tmp_path / "runs").iterdir()
    check(answer, 130, f"stopped and saved at {Run(run).images:,} images", f"ganzoo train --resume runs/{run.name}")
    assert 0 < Run(run).images < 1_000_000
    (row,) = json.loads(ganzoo("runs", "--json").out)
    assert (row["images"], row["status"]) == (Run(run).images, "unfinished")
    assert ganzoo("sample", run).code == 0


BUFFERED = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}

PRINTS = """
import click
from ganzoo.plugin import Command, hookimpl

@hookimpl
def ganzoo_commands():
    yield Command(name="talk", summary="Prints.", factory="talkative:talk")

@click.command()
def talk():
    print("a word")
"""


@pytest.mark.parametrize("args", [("list", "--json"), ("--plugin", "talkative.py", "talk")])
def test_a_reader_that_leaves(tmp_path: Path, args: tuple[str, ...]) -> None:
    (tmp_path / "talkative.py").write_text(PRINTS)
    with process(*args, env=BUFFERED) as started:
        assert started.stdout is not None
        assert started.stderr is not None
        started.stdout.close()
        assert (started.wait(timeout=60), started.stderr.read()) == (1, "")


def redirected(to: str) -> tuple[int, str]:
    """Return exit code and stderr of ``ganzoo list`` with its stdout redirected."""
    command = f"{sys.executable} -m ganzoo list {to}"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False, env=BUFFERED)
    return done.returncode, done.stderr


def test_stdout_that_is_closed() -> None:
    assert redirected(">&-") == (0, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_stdout_that_is_full() -> None:
    assert redirected(">/dev/full") == (1, "ganzoo: the system reports: no space left on device; -v shows where\n")


def test_a_mistake_in_a_process() -> None:
    check(finish(process("train", "--arch", "dcgn")), 2, "did you mean 'dcgan'?")


# ----------------------------------------------------------------------------
# Several processes.

LAUNCH = {"RANK": "2", "WORLD_SIZE": "4", "MASTER_ADDR": "here", "MASTER_PORT": "1"}


@pytest.mark.parametrize(
    "args", [("train", "--archh", "dcgan"), ("train", "dcgan"), ("train", "--plugin", "nothing.py"), ("trian",)]
)
def test_of_the_processes_on_a_machine_the_first_reports_a_mistake(
    ganzoo: Ganzoo, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...]
) -> None:
    for name, value in LAUNCH.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LOCAL_RANK", "0")
    said = ganzoo(*args)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert ganzoo(*args) == Answer(said.code, "", "")
    assert said.err.startswith("ganzoo: ")


def test_of_the_processes_on_a_machine_the_first_reports_a_broken_plugin(tmp_path: Path) -> None:
    installed = tmp_path / "broken-1.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Name: broken\nVersion: 1\n")
    (installed / "entry_points.txt").write_text("[ganzoo]\nbroken = broken_module\n")
    said = []
    for rank in ("0", "1"):
        environment = {**os.environ, **LAUNCH, "LOCAL_RANK": rank, "PYTHONPATH": str(tmp_path)}
        said.append(process("list", "losses", env=environment).communicate(timeout=60)[1])
    assert said[0].startswith("ganzoo: plugin 'broken' (broken 1): ModuleNotFoundError")
    assert said[1] == ""
