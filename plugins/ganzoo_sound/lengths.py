"""How the lengths of sounds and of spectrograms belong together."""

from __future__ import annotations

from ganzoo.plugin import DataInfo, UsageError


def find_hop(data: DataInfo) -> int:
    """Return how many values of a sound belong to one frame of its label.

    Raises:
        UsageError: The labels are not spectrograms, or a frame does not belong to a whole number of values.
    """
    if data.modality != "audio" or data.shape[0] != 1 or len(data.label_shape) != 2:
        raise UsageError(
            "a vocoder makes sounds of one channel from spectrograms: choose a dataset of such, for example "
            "--dataset audio dataset.mel=80"
        )
    length, frames = data.shape[1], data.label_shape[1]
    if length % frames:
        raise UsageError(
            f"a sound of {length} values has {frames} frames, which is not a whole number for each frame: use a "
            f"length of {length // frames * frames}"
        )
    return length // frames
