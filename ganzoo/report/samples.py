"""The section of samples: real ones, and generated ones as a timeline with a slider."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ganzoo.report.facts import Facts
from ganzoo.report.markup import dump_json, quote
from ganzoo.report.media import Frame, Source, show_file

NONE = '<p class="note">no samples yet</p>'


def write_samples(runs: Sequence[Facts], frames: Sequence[Sequence[Frame]], sources: Sequence[Source]) -> str:
    """Return the samples of several runs side by side, under one slider; empty if there are none at all.

    Args:
        runs: The runs that stand side by side.
        frames: The frames of each run that are shown, oldest first.
        sources: For each run, what returns the address of a file.
    """
    if not any(facts.reals or facts.frames for facts in runs):
        return ""
    steps = sorted({frame.images for each in frames for frame in each})
    parts = [
        _write_run(facts, each, source, len(runs) > 1)
        for facts, each, source in zip(runs, frames, sources, strict=True)
    ]
    return f'{_write_slider(steps)}<div class="runs">{"".join(parts)}</div>'


def _write_slider(steps: Sequence[int]) -> str:
    """Return the slider, or what takes its place if there are no steps between which it could move."""
    if len(steps) < 2:
        return f"<p>After {steps[0]:,} images.</p>" if steps else ""
    last = len(steps) - 1
    return (
        f'<div class="slider"><label for="step">images seen: <output id="at" for="step">{steps[-1]:,}</output></label>'
        f'<input type="range" id="step" min="0" max="{last}" step="1" value="{last}" '
        f'aria-valuetext="{steps[-1]:,} images" data-steps="{quote(dump_json(list(steps)))}"></div>'
    )


def _write_run(facts: Facts, frames: Sequence[Frame], source: Source, named: bool) -> str:
    """Return the samples of one run: generated ones beside real ones."""
    words = f"{facts.name}: " if named else ""
    parts = [
        _write_figure(f"{words}generated", _write_frames(facts, frames, source)),
        _write_figure(f"{words}real", _show_files(facts.reals, source, f"real samples of {facts.name}")),
    ]
    if facts.neighbours:
        shown = _show_files(facts.neighbours, source, f"samples of {facts.name} beside the nearest of its data")
        parts.append(_write_figure(f"{words}generated, each beside the nearest real ones", shown))
    return f'<div class="run">{"".join(parts)}</div>'


def _write_frames(facts: Facts, frames: Sequence[Frame], source: Source) -> str:
    parts = []
    for frame in frames:
        html = _show_files(frame.files, source, f"samples of {facts.name} after {frame.images:,} images")
        hidden = "" if frame is frames[-1] else " hidden"
        parts.append(f'<div class="frame" data-images="{frame.images}"{hidden}>{html}</div>')
    return "".join(parts) or NONE


def _show_files(paths: Sequence[Path], source: Source, alt: str) -> str:
    return "".join(show_file(path, source, alt) for path in paths) or NONE


def _write_figure(caption: str, inside: str) -> str:
    return f"<figure><figcaption>{quote(caption)}</figcaption>{inside}</figure>"
