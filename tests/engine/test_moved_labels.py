"""Pairs stay pairs for D: augmentations that move pixels move the label image too."""

from __future__ import annotations

import pytest
import torch

from ganzoo.engine.update import update_discriminator, update_generator

SCENES = {"arch": "toy-translator", "dataset": "toy-scenes", "train.batch": 8, "train.execution": "eager"}


def seen_by_discriminator(gan, batches, updates):
    """Return the samples and labels that D was called with in some updates."""
    asked = []
    handle = gan.discriminator.register_forward_pre_hook(lambda module, inputs: asked.append(inputs))
    for update in range(updates):
        update_discriminator(gan, batches, 8 * update)
        update_generator(gan, batches, 8 * update + 8, 0)
    handle.remove()
    return asked


def test_flip_mirrors_the_label_that_d_sees_with_its_sample(pairs, make):
    gan, batches = make({**SCENES, "aug": "flip"})
    asked = seen_by_discriminator(gan, batches, 6)
    reals = [(x, labels) for x, labels in asked if torch.equal(x.amax(1, keepdim=True), labels)]
    assert len(reals) == 6  # one for each update of D, each with its own labels
    left = torch.cat([labels[:, 0, 0, 0] > labels[:, 0, 0, -1] for _, labels in reals])
    assert 0.2 < left.float().mean() < 0.8


def test_an_augmentation_that_moves_no_pixels_is_called_with_samples_alone(pairs, make):
    gan, batches = make({**SCENES, "aug": "toy-noise"})
    asked = seen_by_discriminator(gan, batches, 1)
    (part,) = map(batches.finish, batches.discriminator(0))
    assert all(labels.shape == part.labels.shape for _, labels in asked)
    assert any(torch.equal(labels, part.labels) for _, labels in asked)
    assert gan.moves_labels == set()


def test_further_samples_of_any_number_move_with_their_labels(pairs, make):
    gan, batches = make({**SCENES, "aug": "flip", "reg": "toy-means"})
    update_generator(gan, batches, 8, 0)
    (step,) = gan.regularizers["toy-means"].steps
    (part,) = map(batches.finish, batches.discriminator(0))
    left = set()
    for _ in range(6):
        seen, labels = step.augment(part.real[:3], part.labels[:3])
        assert torch.equal(seen.amax(1, keepdim=True), labels)
        left |= set((labels[:, 0, 0, 0] > labels[:, 0, 0, -1]).tolist())
    assert left == {True, False}
    with pytest.raises(ValueError, match=r"moves the labels with their samples: give them, augment\(samples, labels\)"):
        step.augment(part.real[:3])


def test_further_samples_need_no_labels_where_no_augmentation_moves_pixels(pairs, make):
    gan, batches = make({**SCENES, "aug": "toy-noise", "reg": "toy-means"})
    update_generator(gan, batches, 8, 0)
    (step,) = gan.regularizers["toy-means"].steps
    (part,) = map(batches.finish, batches.discriminator(0))
    assert step.augment(part.real[:3]).shape == (3, 3, 8, 8)
    assert step.augment(part.real[:3], part.labels[:3])[1] is not None
