"""Any network in a file of ONNX, computed by ONNX Runtime on the CPU."""

from __future__ import annotations

import hashlib
from typing import Any

import onnxruntime
import torch
from torch import Tensor, nn

from ganzoo.plugin import DataInfo, GanzooError, UsageError
from ganzoo_extractors.files import find_weights, refuse_gradients
from ganzoo_extractors.images import make_rgb, require_rgb, resize
from ganzoo_extractors.options import ONNXOptions

NAME = "onnx"


class ONNXNetwork(nn.Module):
    """One output of a network that takes images ``[N, 3, H, W]`` or ``[N, H, W, 3]``, float32.

    An output ``[N, F]`` is the features; of maps the mean over height and width is taken. If the file fixes N, images
    are computed in pieces of that many.

    Args:
        options: The file, and what the network expects of images.
        data: The images, of one or three channels.

    Raises:
        UsageError: No file is named, or the images do not fit.
        NotFound: The file does not exist.
        GanzooError: The file is not a network with one input for images.
    """

    digest: Tensor  # the SHA-256 of the file, by which the weights of this module are known

    def __init__(self, options: ONNXOptions, data: DataInfo) -> None:
        super().__init__()
        require_rgb(data, NAME)
        content = find_weights(options.weights, NAME, "FILE.onnx").read_bytes()
        self.options, self.data = options, data
        self.session = _load(content, options.weights)
        inputs, self.outputs = self.session.get_inputs(), [each.name for each in self.session.get_outputs()]
        shape = inputs[0].shape
        if len(inputs) != 1 or len(shape) != 4 or inputs[0].type != "tensor(float)":
            found = ", ".join(f"{each.name} {each.shape} {each.type}" for each in inputs)
            raise GanzooError(f"{options.weights} takes {found}, not one batch of float images: choose another file")
        if options.output and options.output not in self.outputs:
            known = ", ".join(self.outputs)
            raise UsageError(
                f"extractor.onnx.output: {options.weights} has no output {options.output!r}: it has {known}"
            )
        self.channels_last = shape[3] == 3 and shape[1] != 3
        self.batch = shape[0] if isinstance(shape[0], int) else 0
        sides = shape[1:3] if self.channels_last else shape[2:]
        height, width = [side if isinstance(side, int) else options.size for side in sides]
        self.height, self.width = height or data.shape[1], width or data.shape[2]
        digest = hashlib.sha256(content).digest()
        self.register_buffer("digest", torch.frombuffer(bytearray(digest), dtype=torch.uint8))

    def forward(self, samples: Tensor) -> dict[str, Tensor]:
        """Return the features ``[N, F]`` of images ``[N, C, H, W]`` in [-1, 1]."""
        refuse_gradients(samples, NAME)
        images = resize(make_rgb(samples, self.data), self.height, self.width).cpu()
        mean, std = (torch.tensor(each).view(3, 1, 1) for each in (self.options.mean, self.options.std))
        images = (images.flip(1) if self.options.bgr else images).add(1).div(2).sub(mean).div(std)
        if self.channels_last:
            images = images.movedim(1, 3)
        found = torch.cat([self._compute(part) for part in images.split(self.batch or len(images))])  # type: ignore[no-untyped-call]
        return {"features": found.to(samples.device)}

    def _compute(self, images: Tensor) -> Tensor:
        """Return the features of images as the network takes them, ``[n, F]``."""
        num = len(images)
        if self.batch > num:  # the file wants more images than are left
            images = torch.cat([images, images[-1:].expand(self.batch - num, -1, -1, -1)])
        feed = {self.session.get_inputs()[0].name: images.contiguous().numpy()}
        (output,) = self.session.run([self.options.output or self.outputs[0]], feed)
        found = torch.from_numpy(output)[:num].float()
        if found.dim() == 4:
            found = found.mean((1, 2) if self.channels_last else (2, 3))
        if found.dim() != 2:
            shape = list(output.shape)
            raise UsageError(
                f"extractor.onnx.output: output {self.options.output or self.outputs[0]!r} is {shape}, not features "
                f"[N, F] or maps: choose one of {', '.join(self.outputs)}"
            )
        return found


def _load(content: bytes, title: str) -> Any:
    """Return the session of a file's network; raise GanzooError if ONNX Runtime cannot load it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # of several classes without a common base
        reason = str(error).strip().partition("\n")[0]
        raise GanzooError(f"{title} is not a file of ONNX with all its weights inside: {reason}") from error
