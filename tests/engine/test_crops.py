"""Crops at random places of stored samples that have a margin: sounds whose values say where they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import ganzoo
from ganzoo.data.opening import open_source
from ganzoo.data.source import ArraySource
from ganzoo.engine import checkpoint, execution
from ganzoo.engine.batches import Batches, Part
from ganzoo.engine.update import update_discriminator
from ganzoo.errors import GanzooError
from ganzoo.evaluate.reals import RealSamples
from ganzoo.layers import MelSpectrogram
from ganzoo.plugin import DataInfo
from ganzoo_datasets import sounds

RATE, LENGTH, MARGIN, NUM = 8000, 512, 700, 8
MEL = {"dataset.mel": 8, "dataset.n_fft": 256, "dataset.mel_hop": 64}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Eight WAV files, number i of which has the values 1212 i, 1212 i + 1 ... : one piece each."""
    path = tmp_path / "sounds"
    path.mkdir()
    for number in range(NUM):
        values = (LENGTH + MARGIN) * number + np.arange(LENGTH + MARGIN)
        (path / f"{number}.wav").write_bytes(sounds.write_wav(values.astype(np.int16)[None], RATE))
    return path


def choose_settings(folder: Path, **changes: Any) -> dict[str, Any]:
    given = {
        "arch": "toy-translator", "dataset": "audio", "dataset.path": str(folder), "dataset.rate": RATE,
        "dataset.length": LENGTH, "dataset.margin": MARGIN, "train.batch": NUM, "loss": "toy-pairs", **MEL,
    }  # fmt: skip
    return {**given, **changes}


def read(batches: Batches, images: int, step: int | None = None) -> list[Part]:
    parts = batches.discriminator(images) if step is None else batches.generator(images, step)
    return [batches.finish(part) for part in parts]


def find_starts(real: Tensor) -> Tensor:
    """Return where the crops begin in their pieces, after a check that their values follow one another."""
    values = (real * 32768).round().long()[:, 0]
    assert torch.equal(values, values[:, :1] + torch.arange(values.shape[1]))
    return values[:, 0] % (LENGTH + MARGIN)


@pytest.mark.parametrize(("length", "hop", "n_fft"), [(512, 64, 256), (64, 16, 64), (300, 50, 100), (200, 8, 16),
                                                      (1024, 256, 512), (111, 37, 80), (1212, 101, 202)])  # fmt: skip
def test_a_crop_is_a_part_of_its_piece_and_its_label_is_made_of_it(pairs, make, folder, length, hop, n_fft):
    changes = {
        "dataset.length": length, "dataset.margin": LENGTH + MARGIN - length, "dataset.mel_hop": hop,
        "dataset.n_fft": n_fft, "dataset.mel": 2,
    }  # fmt: skip
    _, batches = make(choose_settings(folder, **changes))
    for part in (*read(batches, 0), *read(batches, 80), *read(batches, 0, 0)):
        assert part.real is not None
        starts = find_starts(part.real)
        assert part.real.shape == (NUM, 1, length)
        assert int(starts.max()) <= LENGTH + MARGIN - length
        assert torch.equal(part.labels, MelSpectrogram(RATE, 2, n_fft, hop)(part.real))
        assert part.labels.shape == (NUM, 2, length // hop)


def test_every_place_is_equally_likely_and_both_ends_occur(pairs, make, folder):
    changes = {"dataset.margin": 3, "dataset.hop": LENGTH + MARGIN, "train.batch": 500}
    _, batches = make(choose_settings(folder, **changes))
    starts = torch.cat([find_starts(part.real) for at in range(0, 4000, 500) for part in read(batches, at)])
    counts = torch.bincount(starts)
    assert len(counts) == 4
    assert float(((counts - 1000.0).square() / 1000).sum()) < 16.3  # chi-square with 3 degrees, once in 1,000 seeds


def test_crops_depend_on_seed_images_and_stream_alone(pairs, make, folder):
    (_, one), (_, two), (_, other) = (make(choose_settings(folder, **{"train.seed": seed})) for seed in (0, 0, 1))
    read(two, 8), read(two, 0, 3)
    for images, step in ((0, None), (64, None), (64, 0), (64, 1)):
        (mine,), (yours,), (another,) = (read(each, images, step) for each in (one, two, other))
        assert torch.equal(mine.real, yours.real)
        assert not torch.equal(mine.real, another.real)
    (first,), (later,) = read(one, 0), read(one, 64)  # the next epochs have the same pieces
    assert not torch.equal(find_starts(first.real).sort()[0], find_starts(later.real).sort()[0])


def test_micro_batches_and_ranks_are_slices_of_the_total_batch(pairs, make, folder):
    (_, whole), (_, parted) = make(choose_settings(folder)), make(choose_settings(folder, **{"train.micro_batch": 2}))
    (part,), parts = read(whole, 16), read(parted, 16)
    assert len(parts) == 4
    assert torch.equal(part.real, torch.cat([each.real for each in parts]))
    whole.world = SimpleNamespace(rank=1, size=2)
    assert torch.equal(part.real[4:], read(whole, 16)[0].real)


def test_recorded_updates_cut_the_same_crops_as_eager_ones(pairs, make, folder, imitated_graphs):
    weights = []
    for name in ("eager", "cuda-graph"):
        gan, batches = make(choose_settings(folder, **{"train.batch": 4}))
        gan.recipe = replace(gan.recipe, train=replace(gan.recipe.train, execution=name))
        execution.install(gan, pytest.fail)
        for images in range(0, 16, 4):  # the first updates run eagerly
            update_discriminator(gan, batches, images)
        weights.append(torch.cat([weight.flatten() for weight in gan.networks.discriminator.parameters()]))
    assert imitated_graphs.graphs
    assert torch.allclose(*weights, rtol=0, atol=1e-5)


def test_grids_and_metrics_read_the_beginnings(pairs, make, folder):
    _, batches = make(choose_settings(folder))
    source = batches.source
    assert isinstance(source, ArraySource)
    assert (source.info.shape, source.data.shape) == ((1, LENGTH), (NUM, 1, LENGTH + MARGIN))
    assert find_starts(batches.draw_examples(5)[0]).tolist() == [0] * 5
    reals = RealSamples(source, NUM, 0, torch.device("cpu"))
    samples, labels = next(reals.iterate_batches())
    assert find_starts(samples).tolist() == [0] * NUM
    assert torch.equal(labels, MelSpectrogram(RATE, 8, 256, 64)(samples))


def test_shards_give_the_same_pieces(pairs, make, folder, tmp_path):
    dataset = make(choose_settings(folder))[0].recipe.dataset.build()
    source = open_source(dataset, name="audio", key="k", notify=list, cache=tmp_path / "c", shard=3)
    assert source.margin == MARGIN
    assert source.data.shape == (NUM, 1, LENGTH + MARGIN)
    (samples, _), *_ = RealSamples(source, NUM, 0, torch.device("cpu")).iterate_batches()
    assert find_starts(samples).tolist() == [0] * NUM


def test_samples_that_are_drawn_have_no_margin():
    info = DataInfo(shape=(1, 8), modality="audio")
    dataset = SimpleNamespace(info=info, margin=4, sample=lambda generator, num: (torch.zeros(num, 1, 8), None))
    with pytest.raises(GanzooError, match="dataset 'mine' has a margin of 4 and draws its samples"):
        open_source(dataset, name="mine", key="k", notify=list)


def test_a_resumed_run_reads_the_same_crops(pairs, folder):
    torch.set_num_threads(1)
    changes = {"train.update": "shared", "train.checkpoint_every": 16, "train.grid_every": 1000, "dataset.holdout": 0.3}
    changes |= {"train.batch": 4}
    whole = ganzoo.train(options=choose_settings(folder, **changes, **{"train.images": 48}), name="whole")
    cut = ganzoo.train(options=choose_settings(folder, **changes, **{"train.images": 16}), name="cut")
    resumed = ganzoo.train(resume=cut.path, images=48)
    one, other = (checkpoint.load(run.checkpoints[-1])[0] for run in (whole, resumed))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
