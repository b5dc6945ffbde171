"""The batches of updates: the order of the epochs, the draws, the parts, the conversion."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from ganzoo.engine.batches import Batches, Part
from ganzoo.errors import UsageError
from ganzoo.plugin import DataInfo
from ganzoo.recipe.check import check_data


def read(batches: Batches, images: int, step: int | None = None) -> list[Part]:
    """Return the parts of D's update, or of G's `step`-th, as the networks read them."""
    parts = batches.discriminator(images) if step is None else batches.generator(images, step)
    return [batches.finish(part) for part in parts]


def indices(part: Part) -> list[int]:
    """Return the numbers of the toy array's items (item i is filled with i) in a part."""
    assert part.real is not None
    return ((part.real[:, 0, 0, 0] + 1) * 127.5).round().int().tolist()


def order(batches: Batches, start: int, end: int) -> list[int]:
    """Return the items in the order in which D sees them between two counts of images."""
    seen = []
    for images in range(start, end, batches.batch):
        seen += [index for part in read(batches, images) for index in indices(part)]
    return seen


def equal(one: Part, two: Part) -> bool:
    pairs = [(one.z, two.z), (one.real, two.real), (one.labels, two.labels)]
    return all(torch.equal(a, b) if isinstance(a, Tensor) else a is b for a, b in pairs)


# ----------------------------------------------------------------------------
# Order.


@pytest.mark.parametrize("batch", [1, 7, 16, 40, 56, 100])  # under, at and over the 40 items of an epoch
def test_every_epoch_visits_every_item_once_across_batch_borders(make, batch):
    _, batches = make({"train.batch": batch})
    seen = order(batches, 0, 160 + batch)
    epochs = [seen[start : start + 40] for start in (0, 40, 80, 120)]
    assert all(sorted(epoch) == list(range(40)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4
    assert list(range(40)) not in epochs


def test_the_order_is_the_same_from_any_start_and_for_any_batch(make):
    _, batches = make()
    seen = order(batches, 0, 160)
    for start in (16, 32, 48, 112):
        _, fresh = make()
        assert order(fresh, start, 160) == seen[start:]
    _, small = make({"train.batch": 5})
    assert order(small, 0, 160) == seen
    assert order(batches, 32, 48) == seen[32:48]  # and backwards
    _, other = make({"train.seed": 1})
    assert order(other, 0, 160) != seen


def test_fewer_items_than_a_batch(make):
    _, batches = make({"dataset.num": 3})
    seen = order(batches, 0, 48)
    assert all(sorted(seen[start : start + 3]) == [0, 1, 2] for start in range(0, 48, 3))


# ----------------------------------------------------------------------------
# Draws.


@pytest.mark.parametrize("dataset", ["toy-array", "toy-points"])
def test_all_draws_depend_on_seed_images_and_stream_alone(make, dataset):
    settings = {"dataset": dataset, "loss": "toy-pairs", "train.conditional": dataset == "toy-array"}
    (_, one), (_, two), (_, other) = make(settings), make(settings), make({**settings, "train.seed": 1})
    read(two, 0), read(two, 0, 3), two.draw_examples(5)
    for images in (32, 64, 320):
        for feed in (lambda b, i=images: read(b, i), lambda b, i=images: read(b, i, 1)):
            (mine,), (yours,), (another,) = feed(one), feed(two), feed(other)
            assert equal(mine, yours)
            assert not torch.equal(mine.z, another.z)
            assert not torch.equal(mine.real, another.real)


@pytest.mark.parametrize("dataset", ["toy-array", "toy-points"])
def test_every_update_has_draws_of_its_own(make, dataset):
    _, batches = make({"dataset": dataset, "loss": "toy-pairs"})
    parts = [
        part
        for images in (16, 32)
        for feed in (read(batches, images), read(batches, images, 0), read(batches, images, 1))
        for part in feed
    ]
    for name in ("z", "real"):
        drawn = [getattr(part, name) for part in parts]
        assert all(not torch.equal(a, b) for i, a in enumerate(drawn) for b in drawn[:i])


def test_examples_are_the_same_at_every_call(make):
    _, batches = make({"train.conditional": True})
    images, labels = batches.draw_examples(6)
    again, _ = batches.draw_examples(6)
    assert torch.equal(images, again)
    assert images.shape == (6, 1, 4, 4)
    assert torch.equal(labels, ((images[:, 0, 0, 0] + 1) * 127.5).round().long() % 2)


def test_latents_are_those_of_the_architecture(make):
    gan, batches = make()
    gan.networks = replace(gan.networks, latent="uniform", latent_dim=6)
    (part,) = Batches(batches.source, batches.streams, gan).discriminator(0)
    assert part.z.shape == (16, 6)
    assert part.z.abs().max() <= 1


# ----------------------------------------------------------------------------
# Parts.


@pytest.mark.parametrize("feed", ["discriminator", "generator"])
def test_micro_batches_join_to_the_total_batch(make, feed):
    settings = {"loss": "toy-pairs", "train.conditional": True, "train.g_batch": 20}
    (_, whole), (_, cut) = make(settings), make({**settings, "train.micro_batch": 8})
    step = 0 if feed == "generator" else None
    (one,) = read(whole, 32, step)
    parts = read(cut, 32, step)
    sizes = {"discriminator": [8, 8], "generator": [8, 8, 4]}[feed]
    assert [len(part.z) for part in parts] == sizes
    assert [part.share for part in parts] == [size / sum(sizes) for size in sizes]
    joined = Part(*(torch.cat([getattr(part, name) for part in parts]) for name in ("z", "real", "labels")), share=1.0)
    assert equal(joined, one)
    assert one.share == 1


def test_the_components_generator_is_reseeded_before_each_micro_batch(make):
    _, batches = make({"train.micro_batch": 4})

    def draw_parts(images: int, use: int) -> list[Tensor]:
        """Return the numbers that a component draws in each part, after which it draws `use` more."""
        result = []
        for _ in batches.discriminator(images):
            result.append(torch.rand(5))
            torch.rand(use)
        return result

    first = draw_parts(16, 0)
    assert all(torch.equal(a, b) for a, b in zip(first, draw_parts(16, 100), strict=True))
    assert all(not torch.equal(a, b) for i, a in enumerate(first) for b in first[:i])
    assert not torch.equal(first[0], draw_parts(32, 0)[0])
    next(batches.generator(16, 0))
    assert not torch.equal(first[0], torch.rand(5))


def test_dropout_depends_on_the_images_seen(make):
    gan, batches = make({"arch.norm": True})

    def answer(images: int) -> Tensor:
        (part,) = read(batches, images)
        return gan.discriminator(part.real)

    one = answer(16)
    torch.rand(3)
    assert torch.equal(one, answer(16))
    assert not torch.equal(one, answer(96))


# ----------------------------------------------------------------------------
# Conversion.


def test_bytes_become_floats_from_minus_one_to_one(make):
    _, batches = make({"dataset.num": 256, "train.batch": 256})
    (part,) = read(batches, 0)
    values = part.real[:, 0, 0, 0].sort().values
    assert part.real.dtype == torch.float32
    assert values[0] == -1
    assert values[255] == 1
    assert (values - torch.linspace(-1, 1, 256)).abs().max() < 1e-6
    assert torch.equal((values + 1).mul(127.5).round(), torch.arange(256.0))


def test_floats_are_not_scaled_and_the_data_is_never_changed(make):
    _, batches = make({"dataset": "toy-points"})
    (part,) = read(batches, 0)
    assert part.real.norm(dim=1) == pytest.approx(torch.full((16,), 0.5), abs=1e-6)
    _, batches = make()
    before = batches.source.data.clone()
    (part,) = read(batches, 0)
    part.real.zero_()
    assert torch.equal(batches.source.data, before)


# ----------------------------------------------------------------------------
# Mirroring.


def test_flip_mirrors_half_of_the_real_images_and_nothing_else(make, monkeypatch):
    _, plain = make()
    _, flipping = make({"train.flip": True})
    ramp = torch.arange(4.0).expand(40, 1, 4, 4) / 4
    for batches in (plain, flipping):
        batches.source = batches.reals.source = replace(batches.source, data=ramp)
    mirrored = []
    for images in range(0, 4000, 16):
        (part,), (wanted,) = read(flipping, images), read(plain, images)
        assert torch.equal(part.z, wanted.z)
        flipped = (part.real != wanted.real).flatten(1).any(1)
        assert torch.equal(part.real[flipped], wanted.real[flipped].flip(3))
        mirrored.append(flipped)
    assert 0.45 < torch.cat(mirrored).float().mean() < 0.55
    ((again,), (wanted,)) = read(flipping, 0), read(plain, 0)
    assert torch.equal((again.real != wanted.real).flatten(1).any(1), mirrored[0])


SCENES = {"arch": "toy-translator", "dataset": "toy-scenes"}


@pytest.mark.parametrize("loss", ["lsgan", "toy-pairs"])
def test_flip_mirrors_a_label_image_with_its_sample_in_both_updates(pairs, make, loss):
    _, batches = make({**SCENES, "loss": loss, "train.flip": True, "train.batch": 8})
    sides = set()
    for images in range(0, 80, 8):
        for part in (*read(batches, images), *(read(batches, images, 0) if loss == "toy-pairs" else ())):
            brightest = part.real.amax(1, keepdim=True)
            assert torch.equal(part.labels, brightest)
            sides |= set((part.labels[:, 0, 0, 0] > -1).tolist())
    assert sides == {True, False}


def test_bytes_and_16_bit_integers_are_scaled_to_minus_1_to_1(pairs, make):
    (part,) = read(make(SCENES)[1], 0)
    assert part.labels.dtype == part.real.dtype == torch.float32
    assert part.labels.min() == -1
    _, batches = make({"arch": "toy-translator", "dataset": "toy-tones"})
    (part,) = read(batches, 0)
    whole = torch.from_numpy(pairs.Tones(None).data)
    assert any(torch.equal(part.real[0], tone.float() / 32768) for tone in whole)


def test_labels_that_the_dataset_makes_depend_on_seed_stream_images_and_rank(pairs, make):
    settings = {"arch": "toy-translator", "dataset": "toy-tones"}
    (_, one), (_, two) = make(settings), make(settings)
    (first,), (again,), (later,) = read(one, 0), read(two, 0), read(one, 20)
    assert torch.equal(first.labels, again.labels)
    assert first.labels.shape == (4, 1, 16)
    loud = torch.nn.functional.avg_pool1d(first.real.abs(), 4)
    noise = (first.labels - loud) / 1e-3
    assert 0 <= noise.min() < noise.max() <= 1.01
    assert not torch.equal(first.labels - loud, later.labels - torch.nn.functional.avg_pool1d(later.real.abs(), 4))
    two.world = SimpleNamespace(rank=1, size=1)
    assert not torch.equal(first.labels, read(two, 0)[0].labels)
    (paired,) = read(one, 0, 0)
    assert not torch.equal(paired.labels, first.labels)
    assert one.draw_examples(3)[1].shape == (3, 1, 16)


def test_noise_makes_bytes_uniform_and_is_the_same_in_parts_and_at_every_call(make):
    _, batches = make({"train.dequantise": True})
    _, parts = make({"train.dequantise": True, "train.micro_batch": 8})
    _, plain = make()
    (part,), (clean,) = read(batches, 32), read(plain, 32)
    assert equal(part, read(batches, 32)[0])
    assert torch.equal(part.real, torch.cat([each.real for each in read(parts, 32)]))
    assert torch.equal(part.z, clean.z)
    levels = (part.real - clean.real) * 127.5
    assert indices(part._replace(real=clean.real)) == indices(clean)
    assert float(levels.abs().max()) <= 0.5
    assert abs(float(levels.mean())) < 0.1
    assert float(levels.std()) == pytest.approx(12**-0.5, rel=0.1)
    assert not torch.equal(levels, (read(batches, 64)[0].real - read(plain, 64)[0].real) * 127.5)


def test_each_rank_draws_the_noise_of_its_own_samples(make, monkeypatch):
    monkeypatch.setattr("ganzoo.engine.batches.NOISE_BLOCK", 6)
    _, batches = make({"train.dequantise": True})
    drawn, rand = [], torch.rand
    monkeypatch.setattr(torch, "rand", lambda shape, **more: (drawn.append(shape[0]), rand(shape, **more))[1])

    def draw(rank, size):
        drawn.clear()
        batches.world = SimpleNamespace(rank=rank, size=size)
        return batches._draw_noise("d", 32, 16)

    whole = draw(0, 1)
    assert drawn == [6, 6, 4]
    for size in (2, 4):
        assert torch.equal(torch.cat([draw(rank, size) for rank in range(size)]), whole)
    assert drawn == [4]  # of the last of four ranks


def test_a_label_that_is_made_of_a_sample_is_made_of_it_with_noise(make):
    _, batches = make({"train.dequantise": True, "train.conditional": True})
    seen = []
    batches._makes_labels = True
    batches.source = replace(batches.source, condition=lambda real, _: (seen.append(real), real[:, 0, 0, 0].long())[1])
    (part,) = read(batches, 0)
    assert torch.equal(part.real, seen[0])
    assert indices(part) != ((part.real[:, 0, 0, 0] + 1) * 127.5).tolist()


@pytest.mark.parametrize("info", [DataInfo(shape=(1, 4, 4), dtype="float32"), DataInfo(shape=(2,), modality="points")])
def test_noise_is_refused_for_other_data_than_images_of_bytes(make, info):
    recipe = make({"train.dequantise": True})[0].recipe
    if info.modality == "points":
        recipe = make({"train.dequantise": True, "dataset": "toy-points"})[0].recipe
    check_data(recipe, DataInfo(shape=(1, 4, 4)))
    with pytest.raises(UsageError, match=r"train\.dequantise adds noise to images of bytes, which dataset"):
        check_data(recipe, info)


def test_flip_is_refused_for_other_data_than_images(make):
    with pytest.raises(UsageError, match=r"train\.flip mirrors images; dataset 'toy-points' is points"):
        check_data(
            make({"dataset": "toy-points", "train.flip": True})[0].recipe, DataInfo(shape=(2,), modality="points")
        )
