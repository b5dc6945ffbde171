"""The page: the sections of one or several runs, the data of their curves, and what draws them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from ganzoo.report import sections
from ganzoo.report.curves import choose_charts, make_tables
from ganzoo.report.facts import Facts
from ganzoo.report.markup import dump_json, quote
from ganzoo.report.media import (
    FEWEST_BYTES,
    FEWEST_FRAMES,
    MOST_FRAMES,
    MOST_SOUNDS,
    PAGE_BYTES,
    Source,
    choose_frames,
    embed_within,
    has_sounds,
)
from ganzoo.report.samples import write_samples

STATIC = Path(__file__).parent / "static"
PLOTS = STATIC / "uplot"
TITLES = {
    "overview": "Overview", "samples": "Samples", "curves": "Curves", "scores": "Scores", "settings": "Settings",
    "speed": "Speed and memory", "commands": "What to type next", "log": "Log",
}  # fmt: skip
WRITERS: Mapping[str, sections.Section] = {
    "overview": sections.write_overview, "scores": sections.write_scores, "settings": sections.write_settings,
    "speed": sections.write_speed, "commands": sections.write_commands, "log": sections.write_log,
}  # fmt: skip


def make_state(runs: Sequence[Facts], sources: Sequence[Source] | None = None, most: int = 0) -> dict[str, Any]:
    """Return everything that changes on the page: the HTML of its sections, and the data of its curves.

    Args:
        runs: The runs that the page shows.
        sources: For each run, what returns the address of a file; by default files are put into the page.
        most: The largest number of frames of a run; 0 for as many as a page should contain.
    """
    frames = [choose_frames(facts.frames, most or _count_frames(facts, len(runs))) for facts in runs]
    if sources is None:
        share = PAGE_BYTES // max(1, len(runs))
        sources = [embed_within(max(FEWEST_BYTES, share // (len(each) + 1))) for each in frames]
    html = {name: write(runs) for name, write in WRITERS.items()}
    html["samples"] = write_samples(runs, frames, sources)
    tables = [make_tables(facts.health.rows, len(runs)) for facts in runs]
    keys = [key for each in tables for table in each.values() for key in table["columns"]]
    scores = {key for key in keys if any(key.partition("/")[0] in facts.metrics for facts in runs)}
    charts = choose_charts(keys, [key for key in dict.fromkeys(keys) if key in scores])
    html["curves"] = "" if charts else '<p class="note">There are no statistics yet.</p>'
    return {
        "title": _make_title(runs),
        "sections": {name: html[name] for name in TITLES},
        "runs": [
            {"name": facts.name, "marks": _list_marks(facts), "tables": each}
            for facts, each in zip(runs, tables, strict=True)
        ],
        "groups": [group.to_json() for group in charts],
    }


def write_page(state: Mapping[str, Any], live: bool = False) -> str:
    """Return the page of a state as HTML. It loads nothing; if it is live, it asks its server alone for news.

    Args:
        state: The state that `make_state` returned.
        live: Whether the page is served while the runs are trained.
    """
    scripts = [_read(PLOTS / "uPlot.iife.min.js"), _read(STATIC / "page.js")]
    own = "'self'" if live else ""
    policy = (
        f"default-src 'none'; script-src {' '.join(map(_hash_script, scripts))}; style-src 'unsafe-inline'; "
        f"img-src data: {own}; media-src data: {own}; connect-src {own or chr(39) + 'none' + chr(39)}; "
        "base-uri 'none'; form-action 'none'"
    )
    data = {**{key: state[key] for key in ("runs", "groups")}, "live": live}
    inside = [_write_section(name, state["sections"][name]) for name in TITLES]
    links = "".join(
        f'<a href="#{name}"{_hide(state["sections"][name], name)}>{quote(title)}</a>' for name, title in TITLES.items()
    )
    parts = {
        "POLICY": policy,
        "TITLE": quote(state["title"]),
        "STYLE": _read(PLOTS / "uPlot.min.css") + _read(STATIC / "page.css"),
        "LINKS": links,
        "SECTIONS": "".join(inside),
        "WRITTEN": quote(f"ganzoo {metadata.version('ganzoo')}, {datetime.now():%Y-%m-%d %H:%M}"),
        "DATA": dump_json(data),
        "SCRIPTS": "".join(f"<script>{script}</script>" for script in scripts),
    }
    return "".join(parts.get(part, part) for part in _read(STATIC / "page.html").split("@@"))


def _count_frames(facts: Facts, num_runs: int) -> int:
    most = MOST_SOUNDS if has_sounds(facts.frames) else MOST_FRAMES
    return max(FEWEST_FRAMES, most // num_runs)


def _make_title(runs: Sequence[Facts]) -> str:
    return runs[0].name if len(runs) == 1 else f"{len(runs)} runs"


def _list_marks(facts: Facts) -> list[dict[str, Any]]:
    """Return what is marked in the curves: verdicts by their numbers, rollbacks, and the end of a run that diverged."""
    marks: list[dict[str, Any]] = [
        {"images": verdict.since, "label": str(number), "severity": verdict.severity, "words": verdict.code}
        for number, verdict in enumerate(facts.health.verdicts, 1)
    ]
    for row in facts.health.rows:
        if "rollback/from" in row:
            marks.append({"images": row["images"], "label": "R", "severity": "info", "words": "rollback"})
        if "diverged" in row:
            marks.append({"images": row["images"], "label": "!", "severity": "stop", "words": "diverged"})
    return marks


def _write_section(name: str, html: str) -> str:
    title = quote(TITLES[name])
    charts = '<div id="charts"></div>' if name == "curves" else ""
    return (
        f'<section id="{name}" aria-labelledby="{name}-title"{_hide(html, name)}><h2 id="{name}-title">{title}</h2>'
        f'<div class="inside">{html}</div>{charts}</section>'
    )


def _hide(html: str, name: str) -> str:
    return "" if html or name == "curves" else " hidden"


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _hash_script(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
