"""What a run stores of its data, to recognise them in another folder or on another machine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import torch

from ganzoo.data.source import ArraySource, EndlessSource, Source, pick, scale
from ganzoo.plugin import DataInfo

Content = Mapping[str, Any]
NUM_COMPARED = 64  # samples whose means are compared if the hashes differ
CLOSE = 0.02  # of [-1, 1]: two decoders give the same picture means that differ by less


def describe_content(source: Source) -> dict[str, Any] | None:
    """Return a source's content as JSON, for a checkpoint; None for an endless source.

    Returns:
        ``sha256`` of all samples and labels, and ``means`` of at most `NUM_COMPARED` samples at even distances, in the
        range of the networks.
    """
    if isinstance(source, EndlessSource):
        return None
    digest = source.content or hash_samples(source)
    numbers = torch.linspace(0, len(source) - 1, min(NUM_COMPARED, len(source))).long()
    means = scale(pick(source.data, source.locate(numbers.to(source.data.device)))).flatten(1).mean(1)
    return {"sha256": digest, "means": [round(mean, 4) for mean in means.tolist()]}


def find_difference(before: DataInfo, now: DataInfo, content: Content | None, content_now: Content | None) -> str:
    """Return in words how data differ from those of a checkpoint; empty if they are the same.

    Pictures that another version of a library decoded a little differently count as the same.

    Args:
        before: The `DataInfo` of the checkpoint.
        now: The `DataInfo` of the data that are open now.
        content: The checkpoint's content as `describe_content` returned it; None if it is not known.
        content_now: The present content; None if it is not known.
    """
    for key in ("shape", "num_classes", "label_shape", "modality"):
        if getattr(now, key) != getattr(before, key):
            return f"{key} was {_format(getattr(before, key))} and is {_format(getattr(now, key))}"
    if now.num_items != before.num_items:
        return f"there were {before.num_items} samples and there are {now.num_items}"
    if not content or not content_now or is_identical(content, content_now):
        return ""
    pairs = list(zip(content["means"], content_now["means"], strict=True))
    far = [number for number, (one, other) in enumerate(pairs) if abs(one - other) > CLOSE]
    if far:
        return f"of {len(pairs)} compared samples {len(far)} are not the same"
    return "" if now.modality == "image" else "some samples or labels are not the same"


def is_identical(content: Content | None, content_now: Content | None) -> bool:
    """Return whether two contents are the same bit for bit, or one of them is not known."""
    return not content or not content_now or bool(content["sha256"] == content_now["sha256"])


def hash_samples(source: ArraySource) -> str:
    """Return the SHA-256, in hexadecimal, of samples and their labels. It changes with their order."""
    parts = (source.data, *([] if source.labels is None else [source.labels]))
    if source.index is None:
        return hash_batches(batch for part in parts for batch in torch.split(part, 4096))  # type: ignore[arg-type]
    return hash_batches(pick(part, index) for part in parts for index in torch.split(source.index, 4096))


def hash_batches(batches: Iterable[torch.Tensor]) -> str:
    """Return the SHA-256, in hexadecimal, of tensors' numbers, dtypes and shapes."""
    digest = hashlib.sha256()
    for batch in batches:
        digest.update(f"{batch.dtype} {list(batch.shape)}\n".encode())
        digest.update(batch.cpu().contiguous().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _format(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
