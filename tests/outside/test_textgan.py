"""Networks and a metric of another author for ganzoo's own text: installed with pip, checked, trained, measured."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from strangers import Outside

NAME = "acme-textgan"
SMALL = ("arch.width=8", "dataset.length=12", "--batch", "8")


@pytest.mark.slow
def test_it_trains_goes_on_is_measured_and_sampled(outside: Callable[[str], Outside]) -> None:
    stranger = outside(NAME)
    assert re.search(r"^  gru-gan +acme-textgan 1\.0\.0 +Gated", stranger.ganzoo("list", "architectures"), re.MULTILINE)
    said = stranger.ganzoo("train", "--arch", "gru-gan", "--dataset", "text", "--images", "160", *SMALL)
    run = stranger.folder / said.strip()
    recipe = json.loads((run / "recipe.json").read_text())
    assert [recipe[kind]["name"] for kind in ("arch", "loss", "dataset")] == [
        "textgan:gru-gan", "losses:wasserstein", "text:text",
    ]  # fmt: skip
    config = json.loads((run / "package" / "config.json").read_text())
    assert {"distribution": NAME, "version": "1.0.0"} in config["requires"]
    assert len((run / "fakes-000000160.txt").read_text().split("\n")) == 65

    stranger.ganzoo("train", "--resume", "0", "--images", "320")
    assert (run / "fakes-000000320.txt").exists()
    metrics = ("--metric", "known-words,ngram-js", "-n", "128", "--json")
    measured = json.loads(stranger.ganzoo("evaluate", "0", *metrics))["values"]
    assert {"known-words/share", "ngram-js/2-gram"} < set(measured)
    assert stranger.ganzoo("sample", "0", "-n", "9") == f"{run.name}-seed0.txt\n"
    lines = (stranger.folder / f"{run.name}-seed0.txt").read_text().splitlines()
    assert [len(line) for line in lines] == [12] * 9


@pytest.mark.slow
def test_it_passes_the_kit(outside: Callable[[str], Outside]) -> None:
    done = outside(NAME).python("-m", "ganzoo", "check", "textgan")
    assert done.returncode == 0, done.stdout
    assert "PASS" in done.stdout
    assert "case[two of three words]" in done.stdout


def test_labels_are_not_taken(outside: Callable[[str], Outside]) -> None:
    said = outside(NAME).refused("train", "--arch", "gru-gan", "--dataset", "text", "--conditional")
    assert "arch 'gru-gan' takes no labels: remove --conditional" in said
