"""What to type instead of a command or an option that does not exist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import click

from ganzoo.errors import suggest_names
from ganzoo.recipe.synonyms import suggest_setting
from ganzoo.registry import PLURALS, registry
from ganzoo.registry.similar import TYPING_MISTAKE, fold

# What to type, and the words of other programs for it. Hyphens, underscores and capital letters do not matter.
COMMANDS = {
    "`ganzoo train`": "fit start",
    "`ganzoo train --resume`": "resume continue restart",
    "`ganzoo train --init WHAT`": "finetune fine-tune transfer",
    "`ganzoo sample RUN`": "generate gen synthesize infer inference predict samples",
    "`ganzoo evaluate RUN --metric NAME`": "eval test score measure validate calc-metrics fid",
    "`ganzoo package RUN DIR`, which writes the weights as safetensors": "save",
    "`ganzoo export RUN --to FORMAT DIR`": "convert onnx to-onnx export-onnx deploy torchscript",
    "`ganzoo publish RUN USER/NAME`": "upload push share",
    "`ganzoo pull USER/NAME`": "download get fetch clone",
    "`ganzoo runs`": "ls log logs history status experiments",
    "`ganzoo info NAME`": "show describe inspect",
    "`ganzoo list models`": "zoo",
    "`rm -r runs/NAME`, because a run is a directory": "rm remove delete del",
    "Ctrl-C where the run is trained, which saves and stops it": "stop kill cancel abort",
    "`hf auth login`": "login auth",
    "`ganzoo --help`": "help",
    "`ganzoo --version`": "version",
    **{f"`ganzoo list {plural}`": f"{plural} {kind}" for kind, plural in PLURALS.items()},
}
OPTIONS: dict[str, Mapping[str, str]] = {
    "sample": {
        "-n N": "num-samples n-samples num-images samples count number n",
        "--out FILE": "output outfile outdir out-dir output-dir file dest o",
        "--label N": "class classes class-idx labels category",
        "--truncation X": "trunc psi truncation-psi trunc-psi",
        "--seed N": "seeds random-seed",
    },
    "evaluate": {
        "-n N": "num-samples n-samples num-images samples count number n",
        "--metric NAME": "metrics fid kid",
    },
}
WITHOUT_NETWORK = ": searching needs the network; `ganzoo list models` lists the models that need none"


def suggest_command(name: str, known: Iterable[str]) -> str:
    """Return what to type instead of a command that does not exist, as the end of a message."""
    return _find_text(COMMANDS, name) or suggest_names(name, known, TYPING_MISTAKE) or "; `ganzoo --help` lists them"


def describe_usage_error(error: click.ClickException) -> str:
    """Return click's message about a wrong call in the form of ganzoo's own messages."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    if isinstance(error, click.NoSuchOption):
        words = f"there is no option {error.option_name!r}"
        hint = _suggest_option(error, context.info_name or "" if context else "")
    else:
        words, hint = " ".join(error.format_message().split()).rstrip("."), ""
    command = context.command_path if context else "ganzoo"
    return words[:1].lower() + words[1:] + (hint or f"; see `{command} --help`")


def _suggest_option(error: click.NoSuchOption, command: str) -> str:
    """Return what to type instead of an option that a command does not have."""
    typed = error.option_name
    if command == "search" and typed == "--offline":
        return WITHOUT_NETWORK
    letter = len(typed.lstrip("-")) == 1  # of `-b`, or the first one of `-batch`
    hint = suggest_setting(registry(), typed.lstrip("-")) if command == "train" and not letter else ""
    hint = hint or _find_text(OPTIONS.get(command, {}), typed)
    if letter and not hint:
        return _suggest_long_option(error, "--" + typed.lstrip("-"))
    return hint or suggest_names(typed, error.possibilities or (), TYPING_MISTAKE)


def _suggest_long_option(error: click.NoSuchOption, start: str) -> str:
    """Return the options of the command that begin with a letter."""
    options = [name for param in error.ctx.command.get_params(error.ctx) for name in param.opts] if error.ctx else []
    near = [name for name in options if name.startswith(start)]
    return f": did you mean {' or '.join(near)}?" if near else ""


def _find_text(table: Mapping[str, str], word: str) -> str:
    """Return the entry of a table whose words contain a word, as the end of a message; empty if there is none."""
    for text, words in table.items():
        if fold(word) in map(fold, words.split()):
            return f": type {text}"
    return ""
