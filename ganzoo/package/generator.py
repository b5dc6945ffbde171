"""A trained generator, ready to be sampled: what `ganzoo.load` returns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ganzoo.compute.streams import derive_seed, draw_latents, seeded
from ganzoo.data.source import scale
from ganzoo.errors import UsageError
from ganzoo.plugin import DataInfo, Dataset, Networks, extract_samples
from ganzoo.samples import grid
from ganzoo.samples.show import Files, show

BATCH = 64  # samples in one call of the network
FLOATS = ("float16", "bfloat16", "float32", "float64")

Labels = int | Sequence[Any] | Tensor | None


class Generator:
    """A trained generator.

    Args:
        networks: The generator with its weights loaded, and the dimension and distribution of its latents.
        data: The info of the generated samples.
        config: The content of the package's ``config.json``.
        provides: The abilities that the architecture declares, such as ``truncation``.
        dataset: The dataset that the generator was trained on; it shows samples and reads inputs. None where its
            plugin is not installed.
        input_multiple: The number that each side of an input must be a multiple of (`Architecture.input_multiple`);
            0 where inputs have a fixed size.
    """

    def __init__(
        self,
        networks: Networks,
        data: DataInfo,
        config: Mapping[str, Any],
        provides: tuple[str, ...] = (),
        dataset: Dataset | None = None,
        input_multiple: int = 0,
    ) -> None:
        self.networks = networks
        self.network: nn.Module = networks.generator.eval().requires_grad_(False)
        self.data = data
        self.config = config
        self.provides = provides
        self.dataset, self.input_multiple = dataset, input_multiple

    @property
    def device(self) -> torch.device:
        """The device that the generator computes on."""
        return next((parameter.device for parameter in self.network.parameters()), torch.device("cpu"))

    @torch.inference_mode()
    def __call__(self, z: Tensor, labels: Tensor | None = None, **options: Any) -> Tensor:
        """Return samples ``[n, *shape]`` in the data's range (images in [-1, 1]) of latents ``[n, latent_dim]``."""
        z = z.to(self.device)
        samples = extract_samples(self.network(z, None if labels is None else labels.to(self.device), **options))
        return samples.float()

    def sample(self, n: int, labels: Labels = None, seed: int = 0, truncation: float | None = None) -> NDArray[Any]:
        """Return `n` samples: images as uint8 ``[n, H, W, C]``, other samples as float32 ``[n, *shape]``.

        Args:
            n: The number of samples.
            labels: One class for all samples, or a list of one class for each. By default each class in turn. A model
                whose labels are arrays needs one for each sample, in a form that `apply` takes.
            seed: The same seed gives the same samples. The first samples do not depend on `n`, unless the network
                itself draws random numbers.
            truncation: How far latents are moved towards their mean; only for architectures that support it.

        Raises:
            UsageError: `n` is less than 1, a class does not exist, or the model takes no labels or no truncation.
        """
        samples = self.sample_raw(n, labels, seed, truncation)
        return grid.to_uint8(samples) if self.data.modality == "image" else np.asarray(samples.numpy())

    def show(self, samples: Tensor, labels: Tensor | None = None, columns: int | None = None) -> Files:
        """Return files that show samples of `sample_raw`, by name: a picture, text, a sound."""
        return show(samples, self.data, self.dataset, labels, columns)

    def sample_raw(self, n: int, labels: Labels = None, seed: int = 0, truncation: float | None = None) -> Tensor:
        """Return `n` samples as the network makes them, float32 ``[n, *shape]`` on the CPU; see `sample`."""
        if n < 1:
            raise UsageError(f"{n} samples were asked for: ask for at least one")
        if truncation is not None and "truncation" not in self.provides:
            raise UsageError("this model's architecture does not support truncation: remove it")
        options = {} if truncation is None else {"truncation": truncation}
        return self._sample_in_batches(
            self.draw_latents(n, seed), self.choose_labels(n, labels), seed, BATCH, **options
        )

    def apply(self, inputs: NDArray[Any] | Tensor, seed: int = 0) -> NDArray[Any]:
        """Return one sample for each input, in the same form as `sample`.

        Args:
            inputs: Labels that are arrays. Images are uint8 ``[n, H, W, C]``, as `sample` returns them, or float
                ``[n, C, H, W]`` in [-1, 1]. Other inputs are ``[n, *label_shape]``, in the dtype that labels have in
                the model's dataset, or as floats in the network's range. All sides but the first may differ from
                `label_shape` where the architecture takes other sizes.
            seed: The seed of the latents and of the network's own random numbers.

        Raises:
            UsageError: The model takes no inputs, or not these. The text names the nearest size that it takes.
        """
        samples = self.translate(inputs, seed)
        return grid.to_uint8(samples) if self.data.modality == "image" else np.asarray(samples.numpy())

    def translate(self, inputs: NDArray[Any] | Tensor, seed: int = 0) -> Tensor:
        """Return the samples of `apply` as the network makes them, float32 ``[n, ...]`` on the CPU."""
        if not (shape := self.data.label_shape):
            raise UsageError("this model takes no inputs: sample it with sample(n)")
        labels = self._scale_labels(inputs, "inputs")
        found = tuple(labels.shape[1:])
        if labels.dim() != 1 + len(shape) or not len(labels) or found[0] != shape[0]:
            bytes_too = ", or uint8 [N, {1}, {2}, {0}]".format(*shape) if self.data.labels_are_images else ""
            wanted = f"[N, {', '.join(map(str, shape))}]{bytes_too}"
            raise UsageError(f"inputs are {list(np.shape(inputs))}: this model takes {wanted}")
        if found != (nearest := self.find_nearest_shape(found)):
            how = "resize" if self.data.labels_are_images else "cut or pad"
            raise UsageError(
                f"inputs are {_describe_shape(found)}: {how} them to {_describe_shape(nearest)}, the nearest size "
                "that this model takes"
            )
        return self.sample_from_labels(labels, seed)

    def sample_from_labels(self, labels: Tensor, seed: int = 0) -> Tensor:
        """Return samples, on the CPU, of labels that are arrays, float32 ``[n, ...]`` in the network's range."""
        step = max(1, BATCH * math.prod(self.data.label_shape) // math.prod(labels.shape[1:]))
        return self._sample_in_batches(self.draw_latents(len(labels), seed), labels, seed, step)

    def find_nearest_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the input shape nearest to `shape` that the model takes; its first side is fixed."""
        built, multiple = self.data.label_shape, self.input_multiple
        if not multiple:
            return built
        return built[0], *(max(1, round(side / multiple)) * multiple for side in shape[1:])

    def _sample_in_batches(self, z: Tensor, labels: Tensor | None, seed: int, step: int, **options: Any) -> Tensor:
        """Return the samples of latents ``[n, latent_dim]``, on the CPU, made in batches of `step`."""
        parts = []
        for start in range(0, len(z), step):
            cut = slice(start, start + step)
            with seeded(derive_seed(seed, "component", start), self.device):
                parts.append(self(z[cut], None if labels is None else labels[cut], **options).cpu())
        return torch.cat(parts)

    def draw_latents(self, n: int, seed: int) -> Tensor:
        """Return the latents ``[n, latent_dim]`` of a seed; each latent depends on the seed and its index alone."""
        kind, dim = self.networks.latent, self.networks.latent_dim
        rows = (draw_latents(kind, torch.Generator().manual_seed(derive_seed(seed, "z", i)), 1, dim) for i in range(n))
        return torch.cat(list(rows))

    def choose_labels(self, n: int, labels: Labels = None) -> Tensor | None:
        """Return the labels that `sample` uses: classes int64 ``[n]``, float32 ``[n, *label_shape]``, or None."""
        if self.data.label_shape:
            return self._check_labels(n, labels)
        classes = self.data.num_classes
        if classes == 0:
            if labels is not None:
                raise UsageError("this model was trained without labels: remove the label")
            return None
        if labels is None:
            return torch.arange(n) % classes
        chosen = torch.as_tensor(labels)
        chosen = chosen.expand(n) if chosen.dim() == 0 else chosen
        fits = chosen.shape == (n,) and not chosen.is_floating_point()
        if not fits or not 0 <= int(chosen.min()) <= int(chosen.max()) < classes:
            raise UsageError(
                f"labels of this model are classes from 0 to {classes - 1}: give one for all samples, or one for each"
            )
        return chosen.long()

    def make_labels(self, n: int) -> Tensor | None:
        """Return `n` fixed labels that the model takes: each class in turn, arrays of numbers in [-1, 1], or None."""
        if self.data.label_shape:
            return torch.rand(n, *self.data.label_shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
        return self.choose_labels(n)

    def replay(self, z: Tensor, labels: Tensor | None) -> Tensor:
        """Return samples ``[n, *shape]`` on the CPU; the network's own random numbers are the same in every call."""
        with seeded(derive_seed("replay"), self.device):
            return self(z, labels).cpu()

    def _check_labels(self, n: int, labels: Labels) -> Tensor:
        """Return labels that are arrays as float32 ``[n, *label_shape]``; raise UsageError where the user gave none."""
        shape = (n, *self.data.label_shape)
        values = None if labels is None or isinstance(labels, int) else self._scale_labels(labels, "labels")
        if values is None or values.shape != shape:
            raise UsageError(
                f"labels of this model are arrays {list(shape)}: give them in Python, "
                "ganzoo.load(...).sample(n, labels=...), or as files, `ganzoo apply MODEL IN OUT`"
            )
        return values

    def _scale_labels(self, given: Any, word: str) -> Tensor:
        """Scale labels that are arrays to the network's range, float32 ``[n, ...]``; `word` names them in errors.

        Raises:
            UsageError: Their dtype has no known scale, they are out of range, or they are not finite.
        """
        data = self.data
        scaled = data.labels_are_images or data.label_dtype != "float32"  # such labels are within [-1, 1]
        whole = {data.label_dtype, *(["uint8"] if data.labels_are_images else [])} - {"float32"}
        values: Any = given if isinstance(given, Tensor) else np.asarray(given)
        kind = values.dtype.name if isinstance(values, np.ndarray) else str(values.dtype).removeprefix("torch.")
        if kind not in (*FLOATS, *whole):
            wanted = " or ".join([*sorted(whole), "floats in [-1, 1]" if scaled else "floats"])
            raise UsageError(f"{word} are {kind}: this model takes {wanted}")
        if isinstance(values, np.ndarray):  # torch takes the native byte order and positive strides alone
            values = torch.from_numpy(values.astype(values.dtype.newbyteorder("="), order="C"))
        labels: Tensor = values
        if labels.dtype == torch.uint8 and data.labels_are_images and labels.dim() == 4:
            labels = labels.permute(0, 3, 1, 2)
        labels = scale(labels).float()
        if not bool(labels.isfinite().all()):
            raise UsageError(f"{word} contain numbers that are not finite: remove them")
        if scaled and not bool((labels.abs() <= 1).all()):
            low, high = (float(value) for value in labels.aminmax())
            raise UsageError(f"{word} range from {low:g} to {high:g}: scale or clip them to [-1, 1]")
        return labels


def _describe_shape(shape: tuple[int, ...]) -> str:
    """Return the shape of one input as text: an image's width and height, otherwise all sides."""
    return f"{shape[2]}x{shape[1]} (width x height)" if len(shape) == 3 else str(list(shape))
