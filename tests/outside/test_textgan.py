"""A GAN on text that lives outside: installed with pip, trained, measured, sampled back without its text."""

from __future__ import annotations

import json
import math
import re
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

import ganzoo
from ganzoo.plugin import DataInfo, NotFound, UsageError
from ganzoo.registry import registry
from strangers import Outside

NAME = "acme-textgan"
HERE = Path(__file__).parent / NAME
TEXT = " ".join(f"σ{word} and ω{word};\n" for word in ("one", "two", "three", "four", "five") * 40)
UPDATES = ("--batch", "8", "arch.width=8")  # of each network: --images over 8


@pytest.fixture(scope="module", autouse=True)
def plugin(install: Callable[[str], Path]) -> Iterator[None]:
    """Put the installed distribution on this process's path as well."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(install(NAME))
        registry.cache_clear()
        yield
    registry.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "acme_textgan"]:
        del sys.modules[name]


# ----------------------------------------------------------------------------
# From the command line.


@pytest.mark.slow
def test_it_trains_goes_on_is_measured_and_sampled(outside: Callable[[str], Outside]) -> None:
    stranger = outside(NAME)
    assert re.search(r"^  text +acme-textgan 1\.0\.0 +Windows of", stranger.ganzoo("list", "datasets"), re.MULTILINE)
    said = stranger.ganzoo("train", "--arch", "char-gan", "--dataset", "text", "--images", "160", *UPDATES)
    run = stranger.folder / said.strip()
    recipe = json.loads((run / "recipe.json").read_text())
    assert [recipe[kind]["name"] for kind in ("arch", "loss", "dataset")] == [
        "textgan:char-gan", "losses:wasserstein", "textgan:text",
    ]  # fmt: skip
    assert [(reg["name"], reg["options"]["weight"]) for reg in recipe["reg"]] == [("regularizers:wgan-gp", 10)]
    alice = " ".join((HERE / "src/acme_textgan/alice.txt").read_text().lower().split())
    reals = (run / "reals.txt").read_text().removesuffix("\n").split("\n")
    assert len(reals) == 64
    assert all(line in alice for line in reals)
    assert len((run / "fakes-000000160.txt").read_text().split("\n")) == 65

    stranger.ganzoo("train", "--resume", "0", "--images", "320")
    assert (run / "fakes-000000320.txt").exists()
    measured = json.loads(
        stranger.ganzoo("evaluate", "0", "--metric", "ngram-js", "dataset.split=held-out", "-n", "128", "--json")
    )
    assert {"ngram-js/2-gram", "ngram-js/4-gram"} == set(measured["values"])
    done = stranger.python(HERE / "measure.py", run.name)  # what it prints of a longer run stands in the README
    assert done.returncode == 0, done.stderr
    assert {*json.loads(done.stdout)} == {"char-gan", "single characters"}
    assert stranger.ganzoo("sample", "0", "-n", "9") == f"{run.name}-seed0.txt\n"
    lines = (stranger.folder / f"{run.name}-seed0.txt").read_text().splitlines()
    assert [len(line) for line in lines] == [32] * 9


@pytest.mark.slow
def test_its_model_makes_samples_without_the_text(outside: Callable[[str], Outside]) -> None:
    stranger = outside(NAME)
    text = stranger.folder / "greek.txt"
    text.write_text(TEXT, encoding="utf-8")
    options = ("dataset.length=12", "--images", "160", *UPDATES)
    run = stranger.ganzoo("train", "--arch", "char-gan", "--dataset", "./greek.txt", *options).strip()
    package = shutil.copytree(stranger.folder / run / "package", stranger.folder / "package")
    shutil.rmtree(stranger.folder / "runs")
    text.unlink()
    code = f"""
import sys
sys.addaudithook(lambda event, args: event == "open" and str(args[0]).endswith("alice.txt") and sys.exit("opened"))
import ganzoo
generator = ganzoo.load({str(package)!r}, device="cpu")
print(generator.show(generator.sample_raw(100, seed=3))["lines.txt"].decode(), end="")
"""
    done = stranger.python("-c", code)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [len(line) for line in lines] == [12] * 100
    assert set(done.stdout) <= {*TEXT}
    assert "σ" in done.stdout or "ω" in done.stdout


def test_labels_are_not_taken(outside: Callable[[str], Outside]) -> None:
    said = outside(NAME).refused("train", "--arch", "char-gan", "--dataset", "text", "--conditional")
    assert "arch 'char-gan' takes no labels: remove --conditional" in said


# ----------------------------------------------------------------------------
# The dataset.


@pytest.fixture
def greek(tmp_path: Path) -> str:
    path = tmp_path / "greek.txt"
    path.write_text(TEXT, encoding="utf-8")
    return str(path)


def test_windows_are_one_hot_and_decode_to_the_text(greek: str) -> None:
    from acme_textgan.data import write_lines

    text = ganzoo.create("dataset", "text", path=greek, length=10, characters=30)
    vocabulary = text.info.meta["vocabulary"]
    assert vocabulary == sorted({*TEXT} - {"\n"})
    assert text.info == DataInfo(shape=(len(vocabulary), 10), modality="text", meta={"vocabulary": vocabulary})
    data, labels = text.sample(torch.Generator().manual_seed(0), 200)
    assert (data.shape, data.dtype, labels) == ((200, len(vocabulary), 10), torch.float32, None)
    assert torch.equal(data.sum(1), torch.ones(200, 10))
    assert sorted(data.unique().tolist()) == [0, 1]
    read = write_lines(data.numpy(), text.info).split("\n")
    whole = " ".join(TEXT.split())
    assert all(line in whole for line in read)
    assert len({whole.index(line) for line in read}) > 20


def test_the_last_tenth_is_held_out(greek: str) -> None:
    start = "".join(chr(0x4E00 + index) for index in range(900))  # each character gives its position
    Path(greek).write_text(start + start[:99] + "!", encoding="utf-8")
    trained, held_out = (
        ganzoo.create("dataset", "text", path=greek, length=5, characters=10**6, split=split)
        for split in ("train", "held-out")
    )
    assert held_out.info == trained.info
    assert trained.info.meta["vocabulary"] == [*start]
    assert trained.codes.tolist() == [*range(900)]
    assert held_out.codes.tolist() == [*range(99)]  # the held-out part does not change the vocabulary
    windows = held_out.sample(torch.Generator().manual_seed(0), 3000)[0].argmax(1)
    assert {*windows[:, 0].tolist()} == {*range(95)}  # from the first position to the last at which a window fits


def test_of_the_characters_the_most_frequent_are_kept(greek: str) -> None:
    Path(greek).write_text("AAAA bbb\n\n cc\td " * 50, encoding="utf-8")
    text = ganzoo.create("dataset", "text", path=greek, length=4, characters=3)
    assert text.info.meta["vocabulary"] == [" ", "a", "b"]
    assert text.codes[:10].tolist() == [1, 1, 1, 1, 0, 2, 2, 2, 0, 0]


def test_a_file_that_is_not_a_text_is_reported(greek: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"cannot read '.*nothing.txt' \(no such file or directory\): give a text file"):
        ganzoo.create("dataset", "text", path=str(tmp_path / "nothing.txt"))
    with pytest.raises(UsageError, match=r"the tenth that is held out has .* characters, a window 1000: give a longer"):
        ganzoo.create("dataset", "text", path=greek, length=1000)
    Path(greek).write_bytes(b"")
    with pytest.raises(UsageError, match="has 0 characters"):
        ganzoo.create("dataset", "text", path=greek)
    Path(greek).write_bytes("\xe4".encode("latin1") * 1000)
    with pytest.raises(UsageError, match="is not text in UTF-8"):
        ganzoo.create("dataset", "text", path=greek)


# ----------------------------------------------------------------------------
# The metric.


def test_the_metric_has_its_exact_values_and_takes_samples_bit_by_bit() -> None:
    from acme_textgan.metric import cases

    for case in cases():
        metric = ganzoo.create("metric", "ngram-js", **case.options)
        for _ in range(2):
            metric.reset()
            metric.real(case.given["real"])
            metric.fake(case.given["fake"])
            assert metric.compute() == pytest.approx(case.expected, abs=1e-9), case.name
            metric.real(case.given["fake"])
            metric.fake(case.given["real"])
            assert metric.compute() == pytest.approx(dict.fromkeys(case.expected, 0.0), abs=1e-9)


def test_the_metric_agrees_with_the_definition() -> None:
    draws = torch.Generator().manual_seed(0)
    real, fake = (torch.rand(50, 5, 9, generator=draws) for _ in range(2))
    metric = ganzoo.create("metric", "ngram-js", orders=(1, 3))
    metric.real(real)
    metric.fake(fake)
    found = metric.compute()
    for n in (1, 3):
        p, q = (
            Counter(tuple(row[i : i + n]) for row in samples.argmax(1).tolist() for i in range(9 - n + 1))
            for samples in (real, fake)
        )
        total, wanted = p.total(), 0.0
        for gram in p | q:
            middle = (p[gram] + q[gram]) / 2
            wanted += sum(share[gram] * math.log2(share[gram] / middle) for share in (p, q) if share[gram]) / 2 / total
        assert found[f"{n}-gram"] == pytest.approx(wanted, abs=1e-12)


def test_the_metric_declines_samples_without_ngrams() -> None:
    metric = ganzoo.create("metric", "ngram-js")
    with pytest.raises(UsageError, match=r"compares text, samples \[N, V, L\]; these are \[3, 2\]"):
        metric.fake(torch.zeros(3, 2))
    metric.real(torch.rand(2, 5, 3))
    metric.fake(torch.rand(2, 5, 3))
    with pytest.raises(UsageError, match="samples of 3 characters have no 4-grams: choose shorter ones"):
        metric.compute()


# ----------------------------------------------------------------------------
# The networks.


def test_the_generator_makes_distributions_and_the_discriminator_one_logit() -> None:
    data = DataInfo(shape=(7, 11), modality="text")
    networks = ganzoo.create("architecture", "char-gan", data=data, width=4, depth=3, z_dim=5)
    samples = networks.generator(torch.randn(6, 5))
    assert samples.shape == (6, 7, 11)
    assert samples.min() >= 0
    assert torch.allclose(samples.sum(1), torch.ones(6, 11))
    assert networks.discriminator(samples).shape == (6,)


def test_a_kernel_has_a_middle() -> None:
    with pytest.raises(UsageError, match=r"arch\.kernel=4 is even: use 5"):
        ganzoo.create("architecture", "char-gan", data=DataInfo(shape=(7, 11), modality="text"), kernel=4)
