"""Light commands import nothing heavy; each command runs in a separate process."""

from pathlib import Path

import pytest

from outside_dist import list_loaded

HEAVY = "torch,numpy,safetensors,huggingface_hub,PIL,rich"
COMMANDS = [
    "--help",
    "--version",
    "list",
    "list losses --json",
    "info dcgan",
    "plugins",
    "runs",
    "doctor --help",
    "doctor 0",
    "report 0",
    "watch --help",
    "train --help",
    "train --arch dcgan --dry-run",
    "train --arch dcgan --size 64 --dataset . arch.width=64 --dry-run",
    "sample --help",
    "export --help",
    "evaluate --help",
    "publish --help",
    "pull --help",
    "verify --help",
    "search --help",
    "latent project --help",
    "new-plugin --help",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_light_command_imports_nothing_heavy(command: str, runs: Path) -> None:
    assert list_loaded(HEAVY, *command.split()) == ([0, []], "")


@pytest.mark.parametrize(
    "command",
    [
        "train --arch dcgn",
        "train --arch dcgan --size 28",
        "train --arch dcgan --dataset ./photos --dry-run",
        "train --arch dcgan --name a/b",
        "sample nothing",
        "evaluate nothing --metric pixel-moments",
        "publish nothing alice/model",
        "pull nothing",
        "verify nothing",
        "doctor nothing",
        "report nothing",
        "watch nothing",
        "new-plugin torch",
        "train --resume",
    ],
)
def test_a_mistake_is_reported_before_torch_is_imported(command: str) -> None:
    (code, heavy), stderr = list_loaded(HEAVY, *command.split(), GANZOO_RUNS="/nonexistent")
    assert (code in (2, 4), heavy) == (True, [])
    assert stderr.startswith("ganzoo: ")


def test_writing_a_plugin_imports_nothing_heavy() -> None:
    assert list_loaded(HEAVY, "new-plugin", "acme-gans")[0] == [0, []]


@pytest.mark.parametrize("mistake", ["--metric pixel-moment", "--metric pixel-moments arch.width=3", "-n 0"])
def test_an_impossible_measurement_is_reported_before_torch_is_imported(mistake: str, runs: Path) -> None:
    assert list_loaded(HEAVY, "evaluate", "0", *mistake.split())[0] == [2, []]


@pytest.mark.parametrize(
    "words",
    [
        "ganzoo ",
        "ganzoo evaluate 0 --metric ",
        "ganzoo train --arch ",
        "ganzoo train --arch dcgan arch.",
        "ganzoo sample ",
    ],
)
def test_completion_imports_nothing_heavy(words: str) -> None:
    environ = {"_GANZOO_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    assert list_loaded(HEAVY, **environ) == ([0, []], "")


def test_the_check_finds_a_heavy_import() -> None:
    (code, heavy), _ = list_loaded(HEAVY, "train", "--arch", "dcgan", "--device", "nonsense")
    assert code == 2
    assert {"torch", "numpy", "rich"} <= set(heavy)
