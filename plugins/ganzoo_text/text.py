"""`text`: samples are pieces of a text, one-hot characters, and lines of text when they are shown."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganzoo.plugin import DataInfo, NotFound, UsageError
from ganzoo_text import TextOptions

SUFFIXES = (".txt", ".md")
RARE = "\ufffd"  # Unicode's replacement character, which stands for all characters outside of the vocabulary
Points = NDArray[np.uint32]  # Unicode code points


class Text:
    """An endless source of pieces of a text, which are all equally likely.

    Each run of white space becomes one blank. The vocabulary consists of the most frequent characters of the part that
    is trained on, in the order of their code points. It is the same for both parts. If any part has other characters,
    one sign stands for all of these.

    Args:
        options: The text, and the samples that are made of it.

    Attributes:
        info: The shape ``(V, L)``, and the characters of the vocabulary in `meta`.
        codes: The chosen part of the text, int16 ``[num]``: the number of each character in the vocabulary.

    Raises:
        NotFound: The file cannot be read, or the folder has no text files.
        UsageError: A file is not UTF-8, or a part of the text has not enough characters for one sample.
    """

    def __init__(self, options: TextOptions) -> None:
        text = read(options.path)
        parts = divide(text.lower() if options.lowercase else text, options)
        check_lengths(parts, options)
        points = {split: np.frombuffer(part.encode("utf-32-le"), np.uint32) for split, part in parts.items()}
        vocabulary = choose_vocabulary(points["train"], points["held-out"], options.characters)
        if len(vocabulary) < 2:
            raise UsageError(f"{name_source(options.path)} repeats one character: give another text")
        self.codes = encode(points[options.split], vocabulary)
        self._step = options.length if options.unit == "line" else 1  # from the start of a piece to the next
        self.info = DataInfo(
            shape=(len(vocabulary), options.length),
            dtype="float32",
            modality="text",
            meta={"vocabulary": [chr(point) for point in vocabulary]},
        )

    def sample(self, generator: torch.Generator, n: int) -> tuple[Tensor, None]:
        """Draw `n` pieces, one-hot float32 ``[n, V, L]``. All random numbers come from `generator`."""
        size, length = self.info.shape
        num = (len(self.codes) - length) // self._step + 1
        starts = torch.randint(num, (n, 1), generator=generator) * self._step
        return one_hot(self.codes[starts + torch.arange(length)].long(), size), None


def read(path: str) -> str:
    """Return the text of a file, of all text files in a folder in the order of their names, or the included one.

    Raises:
        NotFound: A file cannot be read, or the folder has no text files.
        UsageError: A file is not UTF-8.
    """
    source = Path(path).expanduser()
    found = sorted(file for file in source.rglob("*") if file.suffix.lower() in SUFFIXES) if path else []
    if path and source.is_dir() and not found:
        raise NotFound(f"dataset.path: {path!r} has no .txt or .md files: give another folder or a file")
    try:
        if not path:
            return (files("ganzoo_text") / "alice.txt").read_text(encoding="utf-8")
        return "\n".join(file.read_bytes().decode("utf-8-sig") for file in found or [source])
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{name_source(path)} is not text in UTF-8: convert it, such as with iconv -f LATIN1 -t UTF-8"
        ) from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise NotFound(f"dataset.path: cannot read {error.filename!r} ({reason}): give a text file") from error


def name_source(path: str) -> str:
    """Return what a message calls the text."""
    return f"dataset.path: {path!r}" if path else "dataset 'text': the included text"


def divide(text: str, options: TextOptions) -> dict[str, str]:
    """Return the parts of a text by their names, each as the characters of its pieces.

    Windows overlap in one string, whose end is held out. Lines have `length` characters each, one behind the other; the
    held-out ones are at equal distances, because the lines of a list may be sorted.
    """
    share = options.held_out
    if options.unit == "window":
        whole = " ".join(text.split())
        cut = len(whole) - int(share * len(whole))
        return {"train": whole[:cut], "held-out": whole[cut:]}
    words = (" ".join(line.split()) for line in text.splitlines())
    lines = [line[: options.length].ljust(options.length) for line in words if line]
    ends = [int((number + 1) * share) > int(number * share) for number in range(len(lines))]
    return {
        name: "".join(line for line, end in zip(lines, ends, strict=True) if end is held)
        for name, held in (("train", False), ("held-out", True))
    }


def check_lengths(parts: dict[str, str], options: TextOptions) -> None:
    """Raise UsageError if a part of the text has not enough characters for one sample."""
    source = name_source(options.path)
    if not any(parts.values()):
        raise UsageError(f"{source} has no text: give another file")
    if options.split == "held-out" and not options.held_out:
        raise UsageError(
            "dataset.split=held-out: nothing is held out with dataset.held_out=0: give a share such as 0.1"
        )
    for name, part in parts.items():
        if len(part) < options.length and (options.held_out or name == "train"):
            words = "part that is trained on" if name == "train" else "held-out part"
            raise UsageError(
                f"{source} is too short: its {words} has {len(part)} characters, and a sample {options.length}: give a "
                "longer text, or change dataset.length or dataset.held_out"
            )


def choose_vocabulary(trained: Points, held_out: Points, size: int) -> list[int]:
    """Return the sorted code points of the vocabulary, at most `size`, of which one may be that of `RARE`."""
    points, counts = np.unique(trained, return_counts=True)
    ranked = points[np.argsort(-counts, kind="stable")].tolist()
    if len(ranked) <= size and np.isin(held_out, points).all():
        return sorted(ranked)
    return sorted({*ranked[: size - 1], ord(RARE)})


def encode(points: Points, vocabulary: list[int]) -> Tensor:
    """Return the number in the vocabulary of each code point, int16 ``[num]``; others have that of `RARE`."""
    rare = vocabulary.index(ord(RARE)) if ord(RARE) in vocabulary else 0
    table = np.full(max(points.max(initial=0), vocabulary[-1]) + 1, rare, np.int16)
    table[vocabulary] = np.arange(len(vocabulary))
    return torch.from_numpy(table[points])


def one_hot(codes: Tensor, size: int) -> Tensor:
    """Return codes ``[n, L]`` as one-hot float32 ``[n, size, L]``."""
    return torch.zeros(len(codes), size, codes.shape[1]).scatter_(1, codes[:, None], 1.0)


def show(samples: NDArray[Any], info: DataInfo) -> dict[str, bytes]:
    """Return a text file with a line for each sample ``[V, L]``: the most probable character at each place."""
    vocabulary = info.meta["vocabulary"]
    lines = ("".join(vocabulary[code] for code in codes) + "\n" for codes in samples.argmax(1))
    return {"samples.txt": "".join(lines).encode()}
