"""Text: the dataset's pieces and vocabulary, the networks of the paper, the divergence of n-grams, and a small run."""

from __future__ import annotations

import json
import math
import shutil
from collections import Counter
from pathlib import Path

import pytest
import torch

import ganzoo
from ganzoo.compute.streams import seeded
from ganzoo.plugin import DataInfo, NotFound, UsageError
from ganzoo_text import CharGANOptions, TextOptions, cases, char_gan
from ganzoo_text.text import Text, show

GREEK = " ".join(f"σ{word} and ω{word};\n" for word in ("one", "two", "three", "four", "five") * 40)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.txt"
    path.write_text(GREEK, encoding="utf-8")
    return path


def read_lines(text: Text, num: int, seed: int = 0) -> list[str]:
    """Draw samples and return them as lines."""
    data, labels = text.sample(torch.Generator().manual_seed(seed), num)
    assert labels is None
    return show(data.numpy(), text.info)["samples.txt"].decode().removesuffix("\n").split("\n")


# ----------------------------------------------------------------------------
# The dataset.


def test_windows_are_one_hot_and_decode_to_the_text(book: Path) -> None:
    text = Text(TextOptions(path=str(book), length=10))
    vocabulary = text.info.meta["vocabulary"]
    assert vocabulary == sorted({*GREEK} - {"\n"})
    shape = (len(vocabulary), 10)
    assert text.info == DataInfo(shape=shape, dtype="float32", modality="text", meta={"vocabulary": vocabulary})
    data, _ = text.sample(torch.Generator().manual_seed(0), 200)
    assert (data.shape, data.dtype) == ((200, *shape), torch.float32)
    assert torch.equal(data.sum(1), torch.ones(200, 10))
    assert sorted(data.unique().tolist()) == [0, 1]
    whole, read = " ".join(GREEK.split()), read_lines(text, 200)
    assert all(line in whole for line in read)
    assert len({whole.index(line) for line in read}) > 20


def test_the_included_text_is_alice() -> None:
    text, lower = Text(TextOptions()), Text(TextOptions(lowercase=True))
    assert text.info.shape == (69, 32)
    assert (lower.info.shape, lower.info.meta["vocabulary"][-3:]) == ((43, 32), ["x", "y", "z"])
    assert len(text.codes) == 142_393 - 14_239
    assert all(line.startswith(" ") or line[0] in text.info.meta["vocabulary"] for line in read_lines(text, 8))


def test_the_end_is_held_out_and_windows_begin_everywhere_in_a_part(book: Path) -> None:
    start = "".join(chr(0x4E00 + index) for index in range(900))  # each character gives its position
    book.write_text(start + start[:99] + "!", encoding="utf-8")
    options = {"path": str(book), "length": 5, "characters": 1000}
    trained, held_out = (Text(TextOptions(**options, split=split)) for split in ("train", "held-out"))
    assert held_out.info == trained.info
    assert trained.info.meta["vocabulary"] == [*start, "\ufffd"]  # the sign stands for the held-out "!" alone
    assert trained.codes.tolist() == [*range(900)]
    assert held_out.codes.tolist() == [*range(99), 900]
    windows = held_out.sample(torch.Generator().manual_seed(0), 3000)[0].argmax(1)
    assert {*windows[:, 0].tolist()} == {*range(96)}  # the last one begins 5 before the end
    whole = Text(TextOptions(**options, held_out=0.0))
    assert (len(whole.codes), len(whole.info.meta["vocabulary"])) == (1000, 901)


def test_rare_characters_become_one_sign(book: Path) -> None:
    book.write_text("AAAA bbb\n\n cc\td " * 50, encoding="utf-8")
    text = Text(TextOptions(path=str(book), length=4, characters=4, lowercase=True))
    assert text.info.meta["vocabulary"] == [" ", "a", "b", "\ufffd"]
    assert text.codes[:13].tolist() == [1, 1, 1, 1, 0, 2, 2, 2, 0, 3, 3, 0, 3]
    exact = Text(TextOptions(path=str(book), length=4, characters=6))
    assert exact.info.meta["vocabulary"] == [" ", "A", "b", "c", "d"]


def test_lines_are_cut_or_filled_and_every_tenth_is_held_out(book: Path) -> None:
    names = [f"name{number:03}" + "s" * (number % 4) for number in range(100)]
    book.write_text("\n\n  ".join(names), encoding="utf-8")
    options = {"path": str(book), "length": 9, "unit": "line"}
    trained, held_out = (Text(TextOptions(**options, split=split)) for split in ("train", "held-out"))
    wanted = [name[:9].ljust(9) for name in names]
    assert {*read_lines(held_out, 500)} == {*wanted[9::10]}
    assert {*read_lines(trained, 3000)} == {*wanted} - {*wanted[9::10]}


def test_a_folder_is_its_text_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name, words in (("b.md", "zwei"), ("a.txt", "\ufeffeins"), ("c/d.TXT", "drei"), ("e.py", "no")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(words, encoding="utf-8")
    text = Text(TextOptions(path=str(tmp_path), length=4, held_out=0.0))
    vocabulary = text.info.meta["vocabulary"]
    assert "".join(vocabulary[code] for code in text.codes.tolist()) == "eins zwei drei"


MISTAKES = [
    (b"", {}, "has no text: give another file"),
    (b" \n\t", {}, "has no text: give another file"),
    (b"a b c", {}, "is too short: its part that is trained on has 5 characters, and a sample 32: give a longer text, "),
    (b"ab " * 99, {}, "is too short: its held-out part has 29 characters, and a sample 32: give a longer text, "),
    (b"ab\n" * 9, {"unit": "line"}, "is too short: its held-out part has 0 characters"),
    (b"ab " * 99, {"held_out": 0.0, "split": "held-out"}, "nothing is held out with dataset.held_out=0: give a share"),
    (b"a" * 999, {}, "repeats one character: give another text"),
    (b"\xe4" * 999, {}, "is not text in UTF-8: convert it, such as with iconv"),
]


@pytest.mark.parametrize(("content", "options", "words"), MISTAKES)
def test_mistakes_of_a_file_are_one_sentence(book: Path, content: bytes, options: dict, words: str) -> None:
    book.write_bytes(content)
    with pytest.raises(UsageError) as error:
        Text(TextOptions(path=str(book), **options))
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_text_is_reported(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"cannot read '.*no.txt' \(no such file or directory\): give a text file"):
        Text(TextOptions(path=str(tmp_path / "no.txt")))
    with pytest.raises(NotFound, match=r"has no .txt or .md files: give another folder or a file"):
        Text(TextOptions(path=str(tmp_path)))


# ----------------------------------------------------------------------------
# The networks.


def count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_networks_have_as_many_parameters_as_the_papers_layers() -> None:
    with torch.device("meta"):
        pair = char_gan.build(CharGANOptions(width=512), DataInfo(shape=(100, 32), modality="text"))
    blocks = 5 * 2 * (5 * 512 * 512 + 512)  # by hand: 13,112,320
    g, d = 128 * 32 * 512 + 32 * 512 + blocks + 512 * 100 + 100, 100 * 512 + 512 + blocks + 32 * 512 + 1
    assert (count(pair.generator), count(pair.discriminator)) == (g, d) == (15_277_156, 13_180_417)
    assert cases.count_parameters(100, 32, 512, 5, 128) == (g, d)


def test_a_block_adds_three_tenths_of_its_branch() -> None:
    block, x = char_gan.Residual(3).double(), torch.randn(2, 3, 9, dtype=torch.float64)
    first, second = (torch.nn.functional.pad(layer.weight, (0, 0)) for layer in (block.conv1, block.conv2))

    def convolve(h: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        windows = torch.nn.functional.pad(h, (2, 2)).unfold(2, 5, 1)  # [N, C, L, 5]
        return torch.einsum("nclk,ock->nol", windows, weight) + bias[:, None]

    branch = convolve(convolve(x.relu(), first, block.conv1.bias).relu(), second, block.conv2.bias)
    torch.testing.assert_close(block(x), x + 0.3 * branch)


def test_each_character_depends_on_forty_one_places() -> None:
    """Two convolutions of five characters add eight places, so five blocks see 1 + 5 * 8 of them."""
    with seeded(0):
        generator = char_gan.Generator(4, 6, 5, 7, 64)
        x = torch.randn(1, 6, 64, requires_grad=True)
        (gradient,) = torch.autograd.grad(generator.last(generator.blocks(x)).softmax(1)[0, 0, 32], x)
    (seen,) = gradient[0].abs().sum(0).nonzero(as_tuple=True)
    assert seen.tolist() == [*range(32 - 20, 32 + 21)]


def test_the_generator_makes_distributions_and_the_discriminator_one_logit() -> None:
    networks = ganzoo.create("architecture", "char-gan", data=DataInfo(shape=(7, 11), modality="text"), width=4)
    samples = networks.generator(torch.randn(6, 128))
    assert samples.shape == (6, 7, 11)
    assert samples.min() > 0
    torch.testing.assert_close(samples.sum(1), torch.ones(6, 11))
    assert networks.discriminator(samples).shape == (6,)


# ----------------------------------------------------------------------------
# The metric.


def test_the_metric_agrees_with_the_definition() -> None:
    draws = torch.Generator().manual_seed(0)
    real, fake = (torch.rand(num, 5, 9, generator=draws) for num in (50, 30))
    metric = ganzoo.create("metric", "ngram-js", data=DataInfo(shape=(5, 9), modality="text"), orders=(1, 3, 4))
    for part in (real[:20], real[20:]):
        metric.real(part)
    metric.fake(fake)
    found = metric.compute()
    for n in (1, 3, 4):
        p, q = (
            Counter(tuple(row[i : i + n]) for row in samples.argmax(1).tolist() for i in range(9 - n + 1))
            for samples in (real, fake)
        )
        wanted = 0.0
        for gram in p | q:
            shares = p[gram] / p.total(), q[gram] / q.total()
            wanted += sum(share * math.log2(share / (sum(shares) / 2)) for share in shares if share) / 2
        assert found[f"{n}-gram"] == pytest.approx(wanted, abs=1e-12)


def test_the_metric_declines_samples_that_it_cannot_count() -> None:
    with pytest.raises(UsageError, match="samples of 3 characters have no 4-grams: choose shorter ones"):
        ganzoo.create("metric", "ngram-js", data=DataInfo(shape=(5, 3), modality="text"))
    with pytest.raises(UsageError, match="counts at most 4096 characters: these samples have 5000"):
        ganzoo.create("metric", "ngram-js", data=DataInfo(shape=(5000, 8), modality="text"))


# ----------------------------------------------------------------------------
# A run.


def test_a_text_file_is_trained_on_measured_and_its_model_needs_no_text(
    book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    small = {"arch.width": 8, "arch.blocks": 1, "dataset.length": 12}
    run = ganzoo.train(recipe="char-gan-short", dataset=str(book), images=64, options=small, device="cpu")
    recipe = json.loads((run.path / "recipe.json").read_text())
    assert [recipe[kind]["name"] for kind in ("arch", "loss", "dataset")] == [
        "text:char-gan", "losses:wasserstein", "text:text",
    ]  # fmt: skip
    assert [(reg["name"], reg["options"]["weight"]) for reg in recipe["reg"]] == [("regularizers:wgan-gp", 10)]
    whole = " ".join(GREEK.split())
    reals = (run.path / "reals.txt").read_text().removesuffix("\n").split("\n")
    assert len(reals) == 64
    assert all(line in whole for line in reals)
    measured = ganzoo.evaluate(run, metric="ngram-js", num=64, held_out=True, device="cpu")
    assert {f"ngram-js/{n}-gram" for n in (1, 2, 3, 4)} == set(measured.values)

    package = shutil.copytree(run.path / "package", tmp_path / "package")
    shutil.rmtree(tmp_path / "runs")
    book.unlink()
    generator = ganzoo.load(package, device="cpu")
    lines = generator.show(generator.sample_raw(50, seed=3))["samples.txt"].decode().splitlines()
    assert [len(line) for line in lines] == [12] * 50
    assert {*"".join(lines)} <= {*whole}
