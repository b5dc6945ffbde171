"""Text as samples, windows of one-hot characters, and samples as lines of text."""

from __future__ import annotations

from collections import Counter
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from acme_textgan import TextOptions
from ganzoo.plugin import DataInfo, NotFound, UsageError

HELD_OUT = 0.1  # of the text: its end, which is not used for training


class Text:
    """An endless source of windows of a text, which start at every position with the same probability.

    The text is made lower case, each run of white space becomes one space, and the most frequent characters are kept.
    The last tenth of the text is held out; only the option ``split`` can ask for it.

    Raises:
        NotFound: The file cannot be read.
        UsageError: The file is not UTF-8, or too short for a window in the held-out tenth.
    """

    def __init__(self, options: TextOptions) -> None:
        text = " ".join(read(options.path).lower().split())
        cut = len(text) - int(HELD_OUT * len(text))
        frequent = Counter(text[:cut]).most_common(options.characters)
        vocabulary = sorted(character for character, _ in frequent)
        parts = {"train": encode(text[:cut], vocabulary), "held-out": encode(text[cut:], vocabulary)}
        shortest = min(map(len, parts.values()))
        if shortest < options.length:
            raise UsageError(
                f"dataset.path: {options.path!r} is too short: the tenth that is held out has {shortest} characters, "
                f"a window {options.length}: give a longer text or a smaller dataset.length"
            )
        self.codes = parts[options.split]  # int64 [num], each character's index in the vocabulary
        self.info = DataInfo(shape=(len(vocabulary), options.length), modality="text", meta={"vocabulary": vocabulary})

    def sample(self, generator: torch.Generator, n: int) -> tuple[Tensor, None]:
        """Draw `n` windows, one-hot float32 ``[n, V, L]``."""
        size, length = self.info.shape
        starts = torch.randint(len(self.codes) - length + 1, (n, 1), generator=generator)
        return one_hot(self.codes[starts + torch.arange(length)], size), None


def read(path: str) -> str:
    """Read the text of a file, or the text of this plugin if `path` is empty."""
    try:
        source = Path(path).expanduser() if path else files("acme_textgan") / "alice.txt"
        return source.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"dataset.path: {path!r} is not text in UTF-8: convert it first") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise NotFound(f"dataset.path: cannot read {error.filename!r} ({reason}): give a text file") from error


def encode(text: str, vocabulary: list[str]) -> Tensor:
    """Return each character's index in the vocabulary, int64 ``[num]``; other characters are removed."""
    indices = {character: index for index, character in enumerate(vocabulary)}
    return torch.tensor([indices[character] for character in text if character in indices], dtype=torch.int64)


def one_hot(codes: Tensor, size: int) -> Tensor:
    """Return codes ``[n, L]`` as one-hot float32 ``[n, size, L]``."""
    return torch.zeros(len(codes), size, codes.shape[1]).scatter_(1, codes[:, None], 1.0)


def show(samples: NDArray[Any], info: DataInfo) -> dict[str, bytes]:
    """Return a text file with a line for each sample."""
    return {"lines.txt": (write_lines(samples, info) + "\n").encode()}


def write_lines(samples: NDArray[Any], info: DataInfo) -> str:
    """Return samples ``[N, V, L]`` as text, a line each, with the most probable character at every position."""
    vocabulary = info.meta["vocabulary"]
    return "\n".join("".join(vocabulary[code] for code in codes) for codes in samples.argmax(1))
