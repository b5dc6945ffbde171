"""How stored scores are shown: a value with its floor and interval, its protocol in words, and marks.

A stored score is the JSON in a run's ``evaluations.jsonl`` and in the ``metrics`` of a package's config. A stranger may
have written it, so each part but name and value may be missing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ganzoo.runs.display import format_value

WORDS = {  # parts of a protocol that may differ, in words
    "version": "version of the metric", "options": "options of the metric", "extractor": "network",
    "extractor_version": "version of the network", "extractor_options": "options of the network", "resize": "resizing",
    "reference": "data", "split": "part of the data", "real": "number of real samples",
    "held_out": "number of held-out samples", "fake": "number of generated samples", "seed": "seed",
    "dtype": "numbers",
}  # fmt: skip
MOST = 3  # values of a part that are named
HASHES = {"sha256": "weights", "content": "real samples", "held_out_content": "held-out samples"}
CONTENTS = ("content", "held_out_content")  # hashes of samples, which the seed chooses
CAUSES = {"sha256": ("extractor", "extractor_options"), "content": ("reference", "split", "real", "seed")}


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
        letters.append(f"({_make_letters(number)})")
    return letters if len(known) > 1 else [""] * len(letters)


def _make_letters(number: int) -> str:
    """Return a, b, ..., z, aa, ab, ..."""
    return ("" if number < 26 else _make_letters(number // 26 - 1)) + chr(ord("a") + number % 26)


def mark_scores(scores: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[str]]:
    """Return a mark for each of several stored scores that stand together, and lines that explain the marks.

    Scores of one name are marked if their fingerprints differ: ``(a)``, ``(b)``. The other marks are empty.

    Args:
        scores: Scores as `Score.to_json` returns them; parts may be missing.
    """
    marks, names = [""] * len(scores), dict[str, list[str]]()
    for name in dict.fromkeys(str(score.get("name")) for score in scores):
        index = [number for number, score in enumerate(scores) if str(score.get("name")) == name]
        found = mark_differences([str(scores[number].get("fingerprint", "")) for number in index])
        for number, mark in zip(index, found, strict=True):
            marks[number] = mark
        first = {mark: scores[number] for number, mark in zip(reversed(index), reversed(found), strict=True) if mark}
        if first:
            letters = list(dict.fromkeys(found))
            named = " and ".join(letters) if len(letters) == 2 else f"{letters[0]} to {letters[-1]}"
            words = f"{named} cannot be compared: {_explain([first[mark] for mark in letters])}"
            names.setdefault(words, []).append(name)
    return marks, [f"{', '.join(each)}: {words}" for words, each in names.items()]


def ignore_seeds(scores: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return stored scores whose protocols and fingerprints leave out the seed, to compare the runs of several seeds.

    The seed also chooses the real samples, so their hashes are left out too. They stay where scores of one seed have
    different hashes: these were measured against other data.

    Args:
        scores: Scores as `Score.to_json` returns them. One without a protocol stays as it is.
    """
    kept, contents = list[dict[str, Any]](), dict[tuple[str, str], set[str]]()
    for score in scores:
        parts = _get_protocol(score)
        stripped = {key: part for key, part in parts.items() if key not in ("seed", *CONTENTS)}
        kept.append(stripped)
        same = _make_key(score, stripped), str(parts.get("seed"))
        contents.setdefault(same, set()).add(" ".join(str(parts.get(key)) for key in CONTENTS))
    found = []
    for score, stripped in zip(scores, kept, strict=True):
        parts = _get_protocol(score)
        if not parts:
            found.append(dict(score))
            continue
        text = _make_key(score, stripped)
        if any(key == text and len(each) > 1 for (key, _), each in contents.items()):
            stripped |= {key: parts[key] for key in CONTENTS if key in parts}
            text = _make_key(score, stripped)
        fingerprint = hashlib.sha256(text.encode()).hexdigest()[:16]
        found.append({**score, "protocol": stripped, "fingerprint": fingerprint})
    return found


def _make_key(score: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    return json.dumps([score.get("name"), parts], sort_keys=True)


def _get_protocol(score: Mapping[str, Any]) -> Mapping[str, Any]:
    parts = score.get("protocol")
    return parts if isinstance(parts, Mapping) else {}


def _explain(scores: Sequence[Mapping[str, Any]]) -> str:
    """Return in words what the protocols of scores differ in, which have different fingerprints."""
    protocols = [score["protocol"] for score in scores if isinstance(score.get("protocol"), Mapping)]
    if len(protocols) < len(scores):
        return "how some were measured is not known"
    differing = {key for key in (*WORDS, *HASHES) if len({_to_text(parts.get(key)) for parts in protocols}) > 1}
    said_once = all(parts.get("real") == parts.get("fake") for parts in protocols)  # as many of each
    words = [
        f"{text} {_join_values([_to_text(parts.get(key)) for parts in protocols])}"
        for key, text in WORDS.items()
        if key in differing and not (key == "real" and said_once)
    ]
    words += [
        f"other {text}"
        for key, text in HASHES.items()
        if key in differing and not differing.intersection(CAUSES.get(key, ("held_out",)))
    ]
    return ", ".join(words) or "they were measured by different versions"


def _join_values(values: Sequence[str]) -> str:
    different = list(dict.fromkeys(values))
    more = [f"{len(different) - MOST} others"] if len(different) > MOST else []
    return " and ".join([*different[:MOST], *more])


def _to_text(part: object) -> str:
    if isinstance(part, Mapping):
        return " ".join(f"{key}={value}" for key, value in part.items()) or "none"
    return "none" if part in (None, "") else str(part).rpartition(":")[2]
