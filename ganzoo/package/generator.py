"""A trained generator, ready to be sampled: what `ganzoo.load` returns."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ganzoo.compute.streams import derive_seed, draw_latents, seeded
from ganzoo.errors import UsageError
from ganzoo.package.labels import Labels, choose_columns, choose_labels, read_labels, read_latents, scale_labels
from ganzoo.package.standing import NUM_BATCHES, gather_statistics
from ganzoo.package.tiling import check_tile, translate_in_tiles
from ganzoo.plugin import DataInfo, Dataset, Networks, extract_samples
from ganzoo.recipe.keys import ONE
from ganzoo.runs.display import make_html
from ganzoo.samples import grid
from ganzoo.samples.images import Images, SampleFiles
from ganzoo.samples.show import CHANNELS, can_show, count_shown, show

BATCH = 64  # samples in one call of the network
PREVIEW = 2**18  # numbers in the samples that a notebook shows of a model, so that a large model shows few


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
        self._truncated: dict[tuple[float, torch.device], nn.Module] = {}  # for the last truncation and device

    @property
    def device(self) -> torch.device:
        """The device that the generator computes on."""
        return next((parameter.device for parameter in self.network.parameters()), torch.device("cpu"))

    @torch.inference_mode()
    def __call__(self, z: Tensor, labels: Tensor | None = None, **options: Any) -> Tensor:
        """Return samples ``[n, *shape]`` in the data's range (images in [-1, 1]) of latents ``[n, latent_dim]``.

        Args:
            z: The latents, as `draw_latents` returns them.
            labels: The classes, int64 ``[n]``, or arrays in the network's range, ``[n, *label_shape]``; None for a
                model without labels.
            options: ``truncation``, as in `sample`.

        Raises:
            UsageError: The latents or labels have another shape, a class does not exist, or the model takes no labels
                or no truncation.
        """
        self._check_options(options)
        z = read_latents(z, self.networks.latent_dim)
        labels = read_labels(labels, len(z), self.data, any_size=bool(self.input_multiple))
        dtype = next((parameter.dtype for parameter in self.network.parameters()), z.dtype)
        network = self._choose_network(options.get("truncation"))
        given = None if labels is None else labels.to(self.device)
        return extract_samples(network(z.to(self.device, dtype), given, **options)).float()

    def _check_options(self, options: Mapping[str, Any]) -> None:
        if unknown := options.keys() - {"truncation"}:
            raise UsageError(f"a generator takes latents, labels and truncation, not {', '.join(sorted(unknown))}")
        if options and "truncation" not in self.provides:
            raise UsageError("this model's architecture does not support truncation: remove it")

    def sample(self, n: int, labels: Labels = None, seed: int = 0, truncation: float | None = None) -> NDArray[Any]:
        """Return `n` samples: images of bytes as uint8 ``[n, H, W, C]``, other samples as float32 ``[n, *shape]``.

        Args:
            n: The number of samples.
            labels: A class, by number or name, or a list of classes, which take turns; by default all classes in turn.
                A model whose labels are arrays needs one for each sample, in a form that `apply` takes.
            seed: The same seed gives the same samples. The first samples do not depend on `n`, unless the network
                itself draws random numbers.
            truncation: How far latents are moved towards their mean; only for architectures that support it. Batch
                normalisation gets the statistics of such latents, for which the first call with a truncation
                generates 1,024 samples more.

        Raises:
            UsageError: `n` is less than 1, a class does not exist, or the model takes no labels or no truncation.
        """
        return self._to_array(self.sample_raw(n, labels, seed, truncation))

    def images(self, n: int, labels: Labels = None, seed: int = 0, truncation: float | None = None) -> Images:
        """Return `n` samples as a list of PIL images, which a notebook shows as a grid; arguments as in `sample`.

        Raises:
            UsageError: The samples are not pictures; further as in `sample`.
        """
        data = self.data
        if data.modality != "image" or data.shape[0] not in CHANNELS:
            what = f"images of {data.shape[0]} channels" if data.modality == "image" else data.modality
            hint = "" if not can_show(data, self.dataset) else ", or show(sample_raw(n)), which a notebook shows"
            raise UsageError(f"this model's samples are {what}, which are not pictures: use sample(n){hint}")
        pictures = map(grid.to_picture, grid.to_uint8(self.sample_raw(n, labels, seed, truncation)))
        return Images(pictures, choose_columns(n, labels, data))

    def show(self, samples: Tensor, labels: Tensor | None = None, columns: int | None = None) -> SampleFiles:
        """Return files that show samples of `sample_raw`, by name: a picture, text, a sound. A notebook shows them."""
        return SampleFiles(show(samples, self.data, self.dataset, labels, columns))

    def sample_raw(self, n: int, labels: Labels = None, seed: int = 0, truncation: float | None = None) -> Tensor:
        """Return `n` samples as the network makes them, float32 ``[n, *shape]`` on the CPU; see `sample`."""
        return torch.cat([samples for samples, _ in self.sample_batches(n, labels, seed, truncation)])

    def sample_batches(
        self, n: int, labels: Labels = None, seed: int = 0, truncation: float | None = None
    ) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Yield the samples of `sample_raw` and their labels in batches, so that many need little memory."""
        if n < 1:
            raise UsageError(f"{n} samples were asked for: ask for at least one")
        options = {} if truncation is None else {"truncation": truncation}
        self._check_options(options)
        chosen = self.choose_labels(n, labels)
        batches = self._iterate_batches(self.draw_latents(n, seed), chosen, seed, BATCH, **options)
        for number, samples in enumerate(batches):
            start = number * BATCH
            yield samples, None if chosen is None else chosen[start : start + BATCH]

    def apply(self, inputs: NDArray[Any] | Tensor, seed: int = 0, tile: int | None = None) -> NDArray[Any]:
        """Return one sample for each input, in the same form as `sample`.

        Args:
            inputs: Labels that are arrays. Images are uint8 ``[n, H, W, C]``, as `sample` returns them, or float
                ``[n, C, H, W]`` in [-1, 1]. Other inputs are ``[n, *label_shape]``, in the dtype that labels have in
                the model's dataset, or as floats in the network's range. All sides but the first may differ from
                `label_shape` where the architecture takes other sizes.
            seed: The seed of the latents and of the network's own random numbers.
            tile: The side of the overlapping squares in which larger images are translated, in pixels; None to
                translate each image as a whole.

        Raises:
            UsageError: The model takes no inputs, or not these. The text names the nearest size that it takes.
        """
        return self._to_array(self.translate(inputs, seed, tile))

    def translate(self, inputs: NDArray[Any] | Tensor, seed: int = 0, tile: int | None = None) -> Tensor:
        """Return the samples of `apply` as the network makes them, float32 ``[n, ...]`` on the CPU."""
        if not (shape := self.data.label_shape):
            raise UsageError("this model takes no inputs: sample it with sample(n)")
        labels = scale_labels(inputs, "inputs", self.data)
        found = tuple(labels.shape[1:])
        if labels.dim() != 1 + len(shape) or not len(labels) or found[0] != shape[0]:
            bytes_too = ", or uint8 [N, {1}, {2}, {0}]".format(*shape) if self.data.labels_are_images else ""
            wanted = f"[N, {', '.join(map(str, shape))}]{bytes_too}"
            raise UsageError(f"inputs are {list(np.shape(inputs))}: this model takes {wanted}")
        if tile is not None:
            check_tile(tile, found, shape, self.input_multiple)
        size = found if tile is None else (found[0], *(min(side, tile) for side in found[1:]))
        nearest = found if tile is not None and not self.input_multiple else self.find_nearest_shape(found)
        if found != nearest:
            how = "resize" if self.data.labels_are_images else "cut or pad"
            raise UsageError(
                f"inputs are {_describe_shape(found)}: {how} them to {_describe_shape(nearest)}, the nearest size "
                "that this model takes"
            )
        if tile is None or found == size:
            return self.sample_from_labels(labels, seed)
        return translate_in_tiles(
            lambda part, number: self.sample_from_labels(part, seed + number), labels, tile, self.input_multiple or 1
        )

    def sample_from_labels(self, labels: Tensor, seed: int = 0) -> Tensor:
        """Return samples, on the CPU, of labels that are arrays, float32 ``[n, ...]`` in the network's range."""
        step = max(1, BATCH * math.prod(self.data.label_shape) // math.prod(labels.shape[1:]))
        return torch.cat(list(self._iterate_batches(self.draw_latents(len(labels), seed), labels, seed, step)))

    def _to_array(self, samples: Tensor) -> NDArray[Any]:
        """Return samples in the dtype in which users have such data: images of bytes as uint8 ``[n, H, W, C]``."""
        as_bytes = self.data.modality == "image" and self.data.dtype == "uint8"
        return grid.to_uint8(samples) if as_bytes else np.asarray(samples.numpy())

    def find_nearest_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the input shape nearest to `shape` that the model takes; its first side is fixed."""
        built, multiple = self.data.label_shape, self.input_multiple
        if not multiple:
            return built
        return built[0], *(max(1, round(side / multiple)) * multiple for side in shape[1:])

    def _iterate_batches(
        self, z: Tensor, labels: Tensor | None, seed: int, step: int, **options: Any
    ) -> Iterator[Tensor]:
        """Yield the samples of latents ``[n, latent_dim]``, on the CPU, in batches of `step`."""
        for start in range(0, len(z), step):
            cut = slice(start, start + step)
            with seeded(derive_seed(seed, "component", start), self.device):
                samples = self(z[cut], None if labels is None else labels[cut], **options).cpu()
            yield samples

    def _choose_network(self, truncation: float | None) -> nn.Module:
        """Return the network whose batch normalisation has the statistics of latents with this truncation."""
        if truncation is None or truncation == 1:
            return self.network
        key = truncation, self.device
        if key not in self._truncated:
            network = gather_statistics(self.network, partial(self._run_batches, truncation=truncation))
            self._truncated = {key: network}
        return self._truncated[key]

    def _run_batches(self, network: nn.Module, truncation: float) -> None:
        """Call a network on batches of random latents and labels; the same ones in every call."""
        num, seed = NUM_BATCHES * BATCH, derive_seed("statistics")
        z, labels = self.draw_latents(num, seed).to(self.device), self.make_labels(num)
        order = torch.randperm(num, generator=torch.Generator().manual_seed(seed))
        labels = None if labels is None else labels[order].to(self.device)
        with seeded(seed, self.device):
            for start in range(0, num, BATCH):
                cut = slice(start, start + BATCH)
                network(z[cut], None if labels is None else labels[cut], truncation=truncation)

    def draw_latents(self, n: int, seed: int) -> Tensor:
        """Return the latents ``[n, latent_dim]`` of a seed; each latent depends on the seed and its index alone."""
        kind, dim = self.networks.latent, self.networks.latent_dim
        rows = (draw_latents(kind, torch.Generator().manual_seed(derive_seed(seed, "z", i)), 1, dim) for i in range(n))
        return torch.cat(list(rows))

    def choose_labels(self, n: int, labels: Labels = None) -> Tensor | None:
        """Return the labels that `sample` uses: classes int64 ``[n]``, float32 ``[n, *label_shape]``, or None."""
        return choose_labels(n, labels, self.data)

    def make_labels(self, n: int) -> Tensor | None:
        """Return `n` fixed labels that the model takes: each class in turn, arrays of numbers in [-1, 1], or None."""
        if self.data.label_shape:
            return torch.rand(n, *self.data.label_shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
        return self.choose_labels(n)

    def replay(self, z: Tensor, labels: Tensor | None) -> Tensor:
        """Return samples ``[n, *shape]`` on the CPU; the network's own random numbers are the same in every call."""
        with seeded(derive_seed("replay"), self.device):
            return self(z, labels).cpu()

    # ------------------------------------------------------------------------
    # How a generator shows itself.

    def __repr__(self) -> str:
        return f"<Generator: {self._describe()}>"

    def _repr_html_(self) -> str:
        num = min(count_shown(self.data, self.dataset), max(1, PREVIEW // math.prod(self.data.shape)))
        if self.data.label_shape or not can_show(self.data, self.dataset):  # such labels cannot be invented
            return make_html(self._describe())
        columns = choose_columns(num, None, self.data)
        samples = self.sample_raw(num - num % (columns or 1))
        return make_html(self._describe(), files=self.show(samples, columns=columns))

    def _describe(self) -> str:
        """Return a line on the model: what it was trained with, its samples and its size."""
        recipe, data = self.config.get("recipe", {}), self.data
        names = {key: str(recipe[key]["name"]).rpartition(":")[2] for key in ONE if key in recipe}
        words = {"loss": "with ", "dataset": "on "}
        made_of = " ".join(words.get(key, "") + name for key, name in names.items())
        classes = f", {data.num_classes} classes" if data.num_classes else ""
        parameters = sum(parameter.numel() for parameter in self.network.parameters())
        return (
            f"{made_of}, {self.config['images']:,} images seen; samples: {data.modality} "
            f"{'x'.join(map(str, data.shape))}{classes}; {parameters:,} parameters on {self.device}"
        )


def _describe_shape(shape: tuple[int, ...]) -> str:
    """Return the shape of one input as text: an image's width and height, otherwise all sides."""
    return f"{shape[2]}x{shape[1]} (width x height)" if len(shape) == 3 else str(list(shape))
