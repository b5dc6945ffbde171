"""Writes `values.npz`: updates of TensorFlow's DCGAN tutorial that Keras itself makes, on networks of small width.

    pip install keras==3.15.1 torch
    KERAS_BACKEND=torch python tests/plugins/keras_dcgan/write.py

All is computed in float64 from weights, images, latents and dropout masks that the file has too. The training step is
the tutorial's: one batch of latents, one forward of D on each kind of image, both gradients, then both steps.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import torch
from keras import layers
from keras.src.backend.common import dtypes

WIDTH, Z_DIM, CHANNELS, BATCH, UPDATES = 2, 4, 3, 4, 3
KINDS = ("kernel", "gamma", "beta", "moving_mean", "moving_variance", "bias")


class Dropout(layers.Dropout):
    """Keras's dropout, which notes what it kept."""

    kept: list[np.ndarray] = []  # noqa: RUF012

    def call(self, inputs, training=False):
        outputs = super().call(inputs, training=training)
        self.kept.append(keras.ops.convert_to_numpy(outputs) != 0)
        return outputs


def build_generator(width: int, z_dim: int, channels: int) -> keras.Model:
    def up(outputs: int, stride: int, **more: str) -> keras.Layer:
        return layers.Conv2DTranspose(outputs, 5, strides=stride, padding="same", use_bias=False, **more)

    return keras.Sequential(
        [
            layers.Input((z_dim,)),
            layers.Dense(7 * 7 * 4 * width, use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(),
            layers.Reshape((7, 7, 4 * width)),
            up(2 * width, 1),
            layers.BatchNormalization(),
            layers.LeakyReLU(),
            up(width, 2),
            layers.BatchNormalization(),
            layers.LeakyReLU(),
            up(channels, 2, activation="tanh"),
        ]
    )


def build_discriminator(width: int, channels: int) -> keras.Model:
    return keras.Sequential(
        [
            layers.Input((28, 28, channels)),
            layers.Conv2D(width, 5, strides=2, padding="same"),
            layers.LeakyReLU(),
            Dropout(0.3),
            layers.Conv2D(2 * width, 5, strides=2, padding="same"),
            layers.LeakyReLU(),
            Dropout(0.3),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )


def read_weights(prefix: str, network: keras.Model) -> dict[str, np.ndarray]:
    """Return the weights by ``PREFIX/NUMBER/KIND``, numbered by the layers that have some."""
    owners = [layer for layer in network.layers if layer.weights]
    return {
        f"{prefix}/{number}/{weight.name}": keras.ops.convert_to_numpy(weight)
        for number, layer in enumerate(owners)
        for weight in layer.weights
        if weight.name in KINDS
    }


def count(network: keras.Model) -> list[int]:
    """Return the numbers of trained and of other parameters."""
    return [
        sum(
            int(np.prod(weight.shape))
            for weight in network.weights
            if weight.trainable == trained and weight.name in KINDS
        )
        for trained in (True, False)
    ]


def main() -> None:
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"  # many operations would round to float32 otherwise
    keras.utils.set_random_seed(0)
    found: dict[str, np.ndarray] = {}
    for channels in (1, 3):  # at full width
        found[f"parameters/{channels}"] = np.array(
            [*count(build_generator(64, 100, channels)), *count(build_discriminator(64, channels))]
        )
    generator, discriminator = build_generator(WIDTH, Z_DIM, CHANNELS), build_discriminator(WIDTH, CHANNELS)
    random = np.random.default_rng(0)
    for network in (generator, discriminator):  # numbers of float32 need half the room, and 0 and 1 would hide mistakes
        for weight in network.weights:
            if weight.name in KINDS:
                value = keras.ops.convert_to_numpy(weight)
                if weight.name != "kernel":
                    value = value + random.uniform(0, 0.5, value.shape)
                weight.assign(value.astype(np.float32).astype(np.float64))
    real = random.integers(0, 256, (UPDATES, BATCH, 28, 28, CHANNELS), dtype=np.uint8)
    z = random.normal(size=(UPDATES, BATCH, Z_DIM)).astype(np.float32)
    before = read_weights("before/g", generator) | read_weights("before/d", discriminator)
    found |= {name: value.astype(np.float32) for name, value in before.items()}

    entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    adam_g, adam_d = keras.optimizers.Adam(1e-4), keras.optimizers.Adam(1e-4)
    losses = []
    for update in range(UPDATES):
        fake = generator(z[update].astype(np.float64), training=True)
        real_logits = discriminator((real[update] - 127.5) / 127.5, training=True)
        fake_logits = discriminator(fake, training=True)
        ones, zeros = keras.ops.ones_like(fake_logits), keras.ops.zeros_like(fake_logits)
        loss_g = entropy(ones, fake_logits)
        loss_d = entropy(ones, real_logits) + entropy(zeros, fake_logits)
        both = [(adam_g, generator, loss_g), (adam_d, discriminator, loss_d)]
        gradients = [
            torch.autograd.grad(loss, [weight.value for weight in network.trainable_weights], retain_graph=True)
            for _, network, loss in both
        ]
        with torch.no_grad():
            for (adam, network, _), gradient in zip(both, gradients, strict=True):
                adam.apply(list(gradient), network.trainable_weights)
        losses.append([loss_d.item(), loss_g.item()])

    found |= read_weights("after/g", generator) | read_weights("after/d", discriminator)
    probe = generator(z[0].astype(np.float64), training=False)  # with the averaged statistics
    found |= {"real": real, "z": z, "losses": np.array(losses), "images": keras.ops.convert_to_numpy(probe)[:1].copy()}
    for number, kept in enumerate(Dropout.kept):  # of update n, real images then fake, first block then second
        found[f"kept/{number}"] = kept
    path = Path(__file__).with_name("values.npz")
    np.savez_compressed(path, **found)
    print(keras.__version__, found["parameters/1"], found["parameters/3"], losses, path.stat().st_size)


main()
