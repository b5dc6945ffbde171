"""The codec of sounds: residual codebooks against brute force, lengths, bit rates, exact resuming, what users type."""

from __future__ import annotations

import math
from importlib import import_module
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import ganzoo
from ganzoo.engine import checkpoint
from ganzoo.errors import UsageError
from ganzoo.plugin import DataInfo
from ganzoo.recipe.resolve import resolve
from ganzoo_datasets import mels, sounds
from ganzoo_sound import cases, dac, recipes
from ganzoo_sound.options import DACOptions
from ganzoo_sound.residual import ResidualQuantiser

TINY = {"width": 2, "rates": (2, 3), "codebooks": 3, "codes": 5, "code_width": 2, "width_d": 1, "windows": (64, 32)}
TINY |= {"periods": (2, 3)}


def draw(*shape, seed=1, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def describe(length=240, **meta):
    return DataInfo(shape=(1, length), dtype="int16", modality="audio", label_shape=(1, length), meta=meta)


def build(data=None, **values):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ganzoo.create("architecture", "dac", data=data or describe(), **{**TINY, **values})


def make_quantiser(num=3, codes=5, channels=4, width=2, dropout=0.5, beta=0.25):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ResidualQuantiser(num, codes, channels, width, dropout, beta).double()


# ----------------------------------------------------------------------------
# Codebooks.


@torch.no_grad()
def test_each_codebook_quantises_what_is_left_and_the_search_is_by_angle():
    quantiser, x = make_quantiser().eval(), draw(2, 4, 6)
    found, codes = quantiser(x).latents, quantiser.find_codes(x)
    for n, frame in np.ndindex(2, 6):
        left, total = x[n, :, frame], torch.zeros(4, dtype=torch.float64)
        for number, stage in enumerate(quantiser.stages):
            z = stage.narrow.weight[:, :, 0] @ left + stage.narrow.bias
            angles = [float(z @ code / (z.norm() * code.norm())) for code in stage.book.codebook]
            nearest = max(range(5), key=angles.__getitem__)
            assert nearest == codes[n, number, frame]
            step = stage.widen.weight[:, :, 0] @ stage.book.codebook[nearest] + stage.widen.bias
            left, total = left - step, total + step
        torch.testing.assert_close(found[n, :, frame], total)
    torch.testing.assert_close(quantiser.sum_codes(codes), found)


def test_each_sample_has_its_own_number_of_codebooks(monkeypatch):
    quantiser, x = make_quantiser(), draw(3, 4, 6)
    monkeypatch.setattr(quantiser, "draw_kept", lambda x: torch.tensor([1, 3, 2]))
    found, codes = quantiser(x), quantiser.find_codes(x)
    terms = torch.zeros(2, dtype=torch.float64)
    for n, kept in enumerate([1, 3, 2]):
        torch.testing.assert_close(found.latents[n : n + 1], quantiser.sum_codes(codes[n : n + 1, :kept]))
        left = x[n : n + 1]
        for number, stage in enumerate(quantiser.stages[:kept]):  # the losses count no further codebook
            z, code = stage.narrow(left), stage.book.codebook[codes[n, number]].T
            terms += (z - code).square().mean() * torch.tensor([0.25, 1.0]) / 3
            left = x[n : n + 1] - quantiser.sum_codes(codes[n : n + 1, : number + 1])
    torch.testing.assert_close(torch.stack([found.losses["commitment"], found.losses["codebook"]]), terms)


def test_a_share_of_the_samples_has_fewer_codebooks_each_number_equally_often():
    quantiser = make_quantiser(num=4, dropout=0.4)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        kept = quantiser.draw_kept(torch.zeros(8000, 4, 1))
    counts, expected = torch.bincount(kept, minlength=5)[1:], torch.tensor([800.0, 800, 800, 5600])
    assert float(((counts - expected).square() / expected).sum()) < 16.3  # chi-square, once in 1,000 seeds
    whole = make_quantiser(dropout=0.0)
    assert whole.draw_kept(torch.zeros(9, 4, 1)).tolist() == [3] * 9


def test_gradients_are_those_of_fixed_distances_between_latents_and_codes():
    """Straight-through: a code moves with its latent. The codes themselves learn from the second loss alone."""
    quantiser, x = make_quantiser(dropout=0.0), draw(2, 4, 6).requires_grad_()
    weights, found = draw(2, 4, 6, seed=3), quantiser(x)
    surrogate, left, losses = 0.0, x, 0.0
    for stage, numbers in zip(quantiser.stages, quantiser.find_codes(x).unbind(1), strict=True):
        z, codes = stage.narrow(left), F.embedding(numbers, stage.book.codebook).movedim(2, 1)
        losses = losses + 0.25 * (z - codes.detach()).square().mean() + (codes - z.detach()).square().mean()
        step = stage.widen(z + (codes.detach() - z.detach()))
        surrogate, left = surrogate + step, left - step
    given = [x, *quantiser.parameters()]
    mine = torch.autograd.grad((found.latents.sin() * weights).sum() + sum(found.losses.values()), given)
    other = torch.autograd.grad((surrogate.sin() * weights).sum() + losses, given)
    for one, two in zip(mine, other, strict=True):
        torch.testing.assert_close(one, two)


def test_the_report_has_the_bit_rate_and_the_entropy_of_the_codes():
    generator = build(describe(sample_rate=44_100), codes=8, dropout=0.0).generator
    found = generator(torch.zeros(2, 0), draw(2, 1, 240, dtype=torch.float32))
    assert float(found.report["kbps"]) == pytest.approx(3 * 3 * 44_100 / 6 / 1000)
    codes = generator.find_codes(draw(2, 1, 240, dtype=torch.float32))
    shares = [torch.bincount(book.flatten(), minlength=8) / book.numel() for book in codes.unbind(1)]
    entropy = sum(float(-torch.xlogy(each, each).sum()) for each in shares) / math.log(8) / 3
    assert float(found.report["efficiency"]) == pytest.approx(entropy, rel=1e-4)
    assert "kbps" not in build().generator(torch.zeros(2, 0), torch.zeros(2, 1, 240)).report


# ----------------------------------------------------------------------------
# Networks.


def test_the_published_model_has_76_million_parameters():
    counts = cases.count_codec(64, (2, 4, 8, 8), 9, 1024, 8)
    assert counts == (22_307_968, 239_760, 54_104_162)
    assert round(4 * sum(counts) / 1e6) == 307  # megabytes of the published file of float32
    with torch.device("meta"):
        options = {"width": 64, "rates": (2, 4, 8, 8), "codebooks": 9, "codes": 1024, "code_width": 8}
        generator = dac.Codec(DACOptions(**options), describe(16_896))
    parts = (generator.encoder, generator.quantiser, generator.decoder)
    assert tuple(sum(p.numel() for p in part.parameters()) for part in parts) == counts
    assert generator.decoder[0].weight.shape == (1536, 1024, 7)


def test_frames_begin_with_different_codes():
    """With torch's biases all frames would have nearly one direction."""
    codes = build(width=8, codes=64, code_width=8).generator.find_codes(draw(4, 1, 240, dtype=torch.float32))
    assert all(len(book.unique()) > 16 for book in codes.unbind(1))


@pytest.mark.parametrize("rates", [(2,), (3,), (5,), (8,), *permutations((2, 3, 4)), (2, 2, 7), (3, 5, 2)])
def test_a_sound_keeps_its_length_with_every_rate(rates):
    generator, hop = build(describe(420), rates=rates).generator.eval(), math.prod(rates)
    for length in (1, hop - 1, hop, hop + 1, 3 * hop, 100):
        x = draw(2, 1, length, dtype=torch.float32)
        with torch.no_grad():
            assert generator(torch.zeros(2, 0), x).shape == x.shape
            assert generator.encode(x).shape == (2, 2 << len(rates), -(-length // hop))
            codes = generator.find_codes(x)
            whole = generator.decode_codes(codes)
            assert whole.shape == (2, 1, codes.shape[2] * hop)
            torch.testing.assert_close(whole[..., :length], generator(torch.zeros(2, 0), x))
            torch.testing.assert_close(generator.decode(generator.encode(x)), whole)
            assert not torch.allclose(generator.decode_codes(codes[:, :1]), whole)


def test_data_and_widths_that_do_not_fit_are_refused():
    with pytest.raises(UsageError, match=r"must be their own labels: use --dataset audio dataset.labels=self"):
        build(DataInfo(shape=(1, 240), modality="audio", label_shape=(8, 10)))
    with pytest.raises(UsageError, match=r"arch.width=3 is odd, .* use an even number"):
        build(width=3)


def test_the_recipe_has_the_published_numbers():
    recipe = resolve(ganzoo.registry(), recipe="dac-44khz", pairs={"dataset.path": "."})
    options, audio = recipe.arch.options, recipe.dataset.options
    assert options.codebooks * math.log2(options.codes) * audio.rate / math.prod(options.rates) == 7751.953125
    assert (recipe.train.batch, recipe.train.images) == (72, 72 * 400_000)
    assert audio.length / audio.rate == pytest.approx(0.38, abs=0.005)
    assert audio.length % math.prod(options.rates) == 0
    assert recipes.DAC_STEPS == 400_000


# ----------------------------------------------------------------------------
# Data and runs.


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four tones of 4,000 values at 8 kHz."""
    path = tmp_path / "sounds"
    path.mkdir()
    for number in range(4):
        tone = 0.5 * np.sin(0.05 * (1 + number) * np.arange(4000))
        (path / f"{number}.wav").write_bytes(sounds.write_wav(sounds.round_to_int16(tone[None]), 8000))
    return path


def choose_settings(folder: Path, **more):
    options = {f"arch.{key}": value for key, value in TINY.items()}
    options |= {"dataset.path": str(folder), "dataset.labels": "self", "dataset.rate": 8000, "dataset.length": 240}
    options |= {"train.batch": 4, "train.checkpoint_every": 8, "train.grid_every": 1000, "train.threads": 1}
    return {"arch": "dac", "dataset": "audio", "options": {**options, "dataset.margin": 500, **more}}


def test_a_sound_is_its_own_label_and_files_are_read_as_labels(folder: Path):
    dataset = ganzoo.create("dataset", "audio", path=str(folder), labels="self", rate=8000, length=240)
    assert (dataset.info.label_shape, dataset.info.num_classes) == ((1, 240), 0)
    x = draw(2, 1, 240)
    assert dataset.condition(x, torch.Generator()) is x
    sound = mels.read(str(folder / "1.wav"), dataset.info)
    assert sound.shape == (1, 4000)
    np.testing.assert_allclose(sound[0], 0.5 * np.sin(0.1 * np.arange(4000)), atol=2e-5)
    with pytest.raises(UsageError, match="two kinds of labels: remove one of them"):
        ganzoo.create("dataset", "audio", path=str(folder), labels="self", mel=8)


def test_a_run_is_resumed_exactly_applied_to_files_and_its_latents_are_data(folder: Path):
    torch.set_num_threads(1)
    whole = ganzoo.train(**choose_settings(folder), images=16, name="whole")
    cut = ganzoo.train(**choose_settings(folder), images=8, name="cut")
    resumed = ganzoo.train(resume=cut.path, images=16)
    one, other = (checkpoint.load(run.checkpoints[-1])[0] for run in (whole, resumed))
    assert all(torch.equal(one[name], other[name]) for name in one)
    generator = ganzoo.load(whole.path)
    ganzoo.apply(whole.path, folder / "2.wav", folder.parent / "copy.wav")
    copy = sounds.read_at_rate(str(folder.parent / "copy.wav"), 8000, 1)
    assert copy.shape == (1, 4000)
    settings = (f"path={folder}", "rate=8000", "length=240", "labels=none")
    encoded = ganzoo.create("dataset", "encoded", of="audio", settings=settings, model=str(whole.path))
    assert encoded.data.shape == (64, 8, 40)
    assert float(encoded.data.abs().max()) == 1
    first = torch.from_numpy(sounds.read_at_rate(str(folder / "0.wav"), 8000, 1)).float()[None, :, :240]
    latents = generator.network.encode(first)
    shown = import_module("ganzoo_autoencoders.latents").show(encoded.data[:2].numpy(), encoded.info)
    assert list(shown) == ["samples.wav"]
    torch.testing.assert_close(encoded.data[:1] * encoded.info.meta["latents"]["scale"], latents)
