"""How stored scores are shown: a value with its floor and interval, its protocol in words, and marks.

A stored score is the JSON in a run's ``evaluations.jsonl`` and in the ``metrics`` of a package's config. A stranger may
have written it, so each part but name and value may be missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ganzoo.runs.display import format_value


def format_score(score: Mapping[str, Any]) -> str:
    """Return the value of a stored score with what it must be read with: ``41.2 (1.9 x floor, +- 0.6)``.

    Args:
        score: A score as `Score.to_json` returns it. All but the value may be missing.
    """
    ratio, floor, interval = (score.get(key) for key in ("ratio", "floor", "interval"))
    notes = []
    if ratio is not None:
        notes.append(f"{ratio:,.{1 if ratio < 10 else 0}f} x floor")
    elif floor is not None and score.get("better") != "neither":
        num = f"{score['floor_num']:,} " if score.get("floor_num") else ""  # fewer than the value is measured with
        notes.append(f"{num}reals {format_value(floor)}")
    if interval is not None:
        notes.append(f"+- {float(f'{interval:.2g}'):g}")  # two digits, without an exponent
    return format_value(score["value"]) + (f" ({', '.join(notes)})" if notes else "")


def describe_protocol(parts: Mapping[str, Any]) -> str:
    """Return a stored protocol in words: extractor, numbers, data, seed and dtype.

    Args:
        parts: A protocol as `Protocol.to_json` returns it. Parts may be missing.
    """
    options = parts.get("extractor_options") or {}
    inside = [str(parts.get("sha256") or "")[:8], *(f"{key}={value}" for key, value in options.items())]
    inside.append(str(parts.get("resize") or ""))
    network = f"{str(parts.get('extractor', '')).rpartition(':')[2]} ({', '.join(filter(None, inside))})"
    whole = {"training": "the training part of ", "held-out": "the held-out part of "}.get(parts.get("split", ""), "")
    words = [
        network.removesuffix(" ()") if parts.get("extractor") else "",
        f"{parts.get('real', '?')} samples of {whole}{parts.get('reference', '?')}",
        f"{parts['held_out']} held-out ones" if "held_out" in parts else "",
        f"{parts.get('fake', '?')} generated ones as {parts.get('dtype', '?')}",
        f"seed {parts.get('seed', '?')}",
    ]
    return ", ".join(filter(None, words))


def mark_differences(fingerprints: Sequence[str]) -> list[str]:
    """Return a mark for each of several values that stand side by side: empty if all fingerprints are equal.

    Otherwise values with equal fingerprints have the same letter. A value without a fingerprint (an empty one) is not
    comparable with any other.
    """
    known: list[str] = []
    letters = []
    for fingerprint in fingerprints:
        if not fingerprint or fingerprint not in known:
            known.append(fingerprint)
        number = known.index(fingerprint) if fingerprint else len(known) - 1
        letters.append(f"({chr(ord('a') + number % 26)})")
    return letters if len(known) > 1 else [""] * len(letters)
