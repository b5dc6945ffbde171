"""The batches of updates: the order of the epochs, the draws, the parts, the conversion."""

from __future__ import annotations

import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from devices import cuda
from ganzoo.engine.batches import Batches, Part, Prefetcher, needs_prefetch
from ganzoo.errors import UsageError
from ganzoo.plugin import DataInfo
from ganzoo.recipe.check import check_data


def indices(part: Part) -> list[int]:
    """Return the numbers of the toy array's items (item i is filled with i) in a part."""
    assert part.real is not None
    return ((part.real[:, 0, 0, 0] + 1) * 127.5).round().int().tolist()


def order(batches: Batches, start: int, end: int) -> list[int]:
    """Return the items in the order in which D sees them between two counts of images."""
    seen = []
    for images in range(start, end, batches.batch):
        seen += [index for part in batches.discriminator(images) for index in indices(part)]
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
    list(two.discriminator(0)), list(two.generator(0, 3)), two.draw_examples(5)
    for images in (32, 64, 320):
        for feed in (lambda b, i=images: b.discriminator(i), lambda b, i=images: b.generator(i, 1)):
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
        for feed in (batches.discriminator(images), batches.generator(images, 0), batches.generator(images, 1))
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
    step = (0,) if feed == "generator" else ()
    (one,) = getattr(whole, feed)(32, *step)
    parts = list(getattr(cut, feed)(32, *step))
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
        (part,) = batches.discriminator(images)
        return gan.discriminator(part.real)

    one = answer(16)
    torch.rand(3)
    assert torch.equal(one, answer(16))
    assert not torch.equal(one, answer(96))


# ----------------------------------------------------------------------------
# Conversion.


def test_bytes_become_floats_from_minus_one_to_one(make):
    _, batches = make({"dataset.num": 256, "train.batch": 256})
    (part,) = batches.discriminator(0)
    values = part.real[:, 0, 0, 0].sort().values
    assert part.real.dtype == torch.float32
    assert values[0] == -1
    assert values[255] == 1
    assert (values - torch.linspace(-1, 1, 256)).abs().max() < 1e-6
    assert torch.equal((values + 1).mul(127.5).round(), torch.arange(256.0))


def test_floats_are_not_scaled_and_the_data_is_never_changed(make):
    _, batches = make({"dataset": "toy-points"})
    (part,) = batches.discriminator(0)
    assert part.real.norm(dim=1) == pytest.approx(torch.full((16,), 0.5), abs=1e-6)
    _, batches = make()
    before = batches.source.data.clone()
    (part,) = batches.discriminator(0)
    part.real.zero_()
    assert torch.equal(batches.source.data, before)


# ----------------------------------------------------------------------------
# Mirroring.


def test_flip_mirrors_half_of_the_real_images_and_nothing_else(make, monkeypatch):
    _, plain = make()
    _, flipping = make({"train.flip": True})
    ramp = torch.arange(4.0).expand(40, 1, 4, 4) / 4
    for batches in (plain, flipping):
        batches.source = replace(batches.source, data=ramp)
    mirrored = []
    for images in range(0, 4000, 16):
        (part,), (wanted,) = flipping.discriminator(images), plain.discriminator(images)
        assert torch.equal(part.z, wanted.z)
        flipped = (part.real != wanted.real).flatten(1).any(1)
        assert torch.equal(part.real[flipped], wanted.real[flipped].flip(3))
        mirrored.append(flipped)
    assert 0.45 < torch.cat(mirrored).float().mean() < 0.55
    (again,) = flipping.discriminator(0)
    assert torch.equal((again.real != next(plain.discriminator(0)).real).flatten(1).any(1), mirrored[0])


SCENES = {"arch": "toy-translator", "dataset": "toy-scenes"}


@pytest.mark.parametrize("loss", ["lsgan", "toy-pairs"])
def test_flip_mirrors_a_label_image_with_its_sample_in_both_updates(pairs, make, loss):
    _, batches = make({**SCENES, "loss": loss, "train.flip": True, "train.batch": 8})
    sides = set()
    for images in range(0, 80, 8):
        for part in (*batches.discriminator(images), *(batches.generator(images, 0) if loss == "toy-pairs" else ())):
            brightest = part.real.amax(1, keepdim=True)
            assert torch.equal(part.labels, brightest)
            sides |= set((part.labels[:, 0, 0, 0] > -1).tolist())
    assert sides == {True, False}


def test_bytes_and_16_bit_integers_are_scaled_to_minus_1_to_1(pairs, make):
    (part,) = make(SCENES)[1].discriminator(0)
    assert part.labels.dtype == part.real.dtype == torch.float32
    assert part.labels.min() == -1
    _, batches = make({"arch": "toy-translator", "dataset": "toy-tones"})
    (part,) = batches.discriminator(0)
    whole = torch.from_numpy(pairs.Tones(None).data)
    assert any(torch.equal(part.real[0], tone.float() / 32768) for tone in whole)


def test_labels_that_the_dataset_makes_depend_on_seed_stream_images_and_rank(pairs, make):
    settings = {"arch": "toy-translator", "dataset": "toy-tones"}
    (_, one), (_, two) = make(settings), make(settings)
    (first,), (again,), (later,) = one.discriminator(0), two.discriminator(0), one.discriminator(20)
    assert torch.equal(first.labels, again.labels)
    assert first.labels.shape == (4, 1, 16)
    loud = torch.nn.functional.avg_pool1d(first.real.abs(), 4)
    noise = (first.labels - loud) / 1e-3
    assert 0 <= noise.min() < noise.max() <= 1.01
    assert not torch.equal(first.labels - loud, later.labels - torch.nn.functional.avg_pool1d(later.real.abs(), 4))
    two.world = SimpleNamespace(rank=1, size=1)
    assert not torch.equal(first.labels, next(two.discriminator(0)).labels)
    (paired,) = one.generator(0, 0)
    assert not torch.equal(paired.labels, first.labels)
    assert one.draw_examples(3)[1].shape == (3, 1, 16)


def test_flip_is_refused_for_other_data_than_images(make):
    with pytest.raises(UsageError, match=r"train\.flip mirrors images; dataset 'toy-points' is points"):
        check_data(
            make({"dataset": "toy-points", "train.flip": True})[0].recipe, DataInfo(shape=(2,), modality="points")
        )


# ----------------------------------------------------------------------------
# Prefetching.


def test_a_prefetched_batch_equals_a_fetched_one(make):
    _, plain = make()
    _, ahead = make()
    ahead._next = Prefetcher(ahead._fetch, ahead.batch)
    for images in (0, 16, 32, 32, 64, 16, 640, 656):  # in order, again (lazy regularizers), skipping, back
        (part,), (wanted,) = ahead.discriminator(images), plain.discriminator(images)
        assert equal(part, wanted)


def test_the_next_batch_is_fetched_while_this_one_is_used():
    asked, go = [], threading.Event()

    def fetch(position):
        asked.append(position)
        if position == 4:
            go.wait(10)
        return torch.tensor([position]), None

    ahead = Prefetcher(fetch, 4)
    assert ahead(0)[0] == 0  # does not wait for the one after it
    go.set()
    assert ahead(4)[0] == 4
    assert ahead(4)[0] == 4
    assert ahead(8)[0] == 8
    assert asked[:3] == [0, 4, 8]
    assert len(asked) == len(set(asked))


def test_an_error_in_a_fetch_is_raised_where_the_batch_is_used():
    ahead = Prefetcher(lambda position: 1 // (position - 4), 4)
    ahead(0)
    with pytest.raises(ZeroDivisionError):
        ahead(4)


def test_batches_are_prefetched_only_for_another_device(make):
    source = make()[1].source
    assert not needs_prefetch(source, torch.device("cpu"))
    assert needs_prefetch(source, torch.device("cuda", 0))
    endless = make({"dataset": "toy-points"})[1].source
    assert not needs_prefetch(endless, torch.device("cuda", 0))


@cuda
def test_batches_move_to_the_device_from_pinned_memory(make):
    gan, batches = make({}, torch.device("cuda", 0))
    source = batches.source
    fetched, _ = Batches(replace(source, data=source.data.cpu()), batches.streams, gan)._fetch(0)
    assert fetched.is_pinned()
