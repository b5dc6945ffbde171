"""The sections of a report, as HTML. Each is a function of the facts of one or several runs."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from statistics import median

from ganzoo.plugin import Verdict
from ganzoo.report.facts import Facts
from ganzoo.report.markup import make_table, quote
from ganzoo.runs.display import format_value
from ganzoo.runs.scores import describe_protocol, format_score, mark_scores
from ganzoo.runs.settings import DEFAULT, find_differences
from ganzoo.runs.words import describe_severity, format_rough_duration

Section = Callable[[Sequence[Facts]], str]  # empty if there is nothing to show
AUTO = "auto, for this machine"


# ----------------------------------------------------------------------------
# How the runs are.


def write_overview(runs: Sequence[Facts]) -> str:
    """Return how far each run is, its latest values, and what the doctor says."""
    return f'<div class="cards">{"".join(_write_card(facts, index) for index, facts in enumerate(runs))}</div>'


def _write_card(facts: Facts, index: int) -> str:
    health = facts.health
    share = min(1.0, health.images / health.length) if health.length else 0.0
    state = f"{facts.status}, {health.images:,} of {health.length:,} images"
    early = facts.run.early_end
    lines = [
        f'<h3><span class="key" data-run="{index}"></span>{quote(facts.name)}</h3>',
        f"<p>{quote(state)}{': ' + quote(early) if early else ''}</p>",
        f'<progress max="1" value="{share:.4f}" aria-label="images seen"></progress>',
        _write_last_values(facts),
        _write_verdicts(facts),
        *(f'<p class="note">{quote(line)}</p>' for line in facts.notes),
    ]
    return f"<article>{''.join(lines)}</article>"


def _write_last_values(facts: Facts) -> str:
    found: dict[str, float] = {}
    for row in facts.health.rows if facts.metrics else ():
        if "seconds" not in row:
            found |= {key: value for key, value in row.items() if key.partition("/")[0] in facts.metrics}
    values = ", ".join(f"{key} {format_value(value)}" for key, value in found.items())
    return f"<p>{quote(values)}</p>" if values else ""


def _write_verdicts(facts: Facts) -> str:
    """Return the verdicts, with the numbers by which they are marked in the curves."""
    if not facts.health.verdicts:
        return "<p>The doctor finds nothing wrong.</p>" if facts.health.rows else ""
    items = "".join(
        f'<li class="{verdict.severity}">{_write_verdict(verdict)}</li>' for verdict in facts.health.verdicts
    )
    return f'<ol class="verdicts" aria-label="verdicts of the doctor">{items}</ol>'


def _write_verdict(verdict: Verdict) -> str:
    since = f", since {verdict.since:,} images" if verdict.since else ""
    advice = " or ".join(f"<code>{quote(each)}</code>" for each in verdict.advice)
    words = f"<b>{quote(verdict.code)}</b> ({quote(describe_severity(verdict))}{since}): {quote(verdict.words)}"
    return words + (f"; try {advice}" if advice else "")


# ----------------------------------------------------------------------------
# Scores.


def write_scores(runs: Sequence[Facts]) -> str:
    """Return all stored scores, those of one metric together, with what each must be read with."""
    found = [(facts, score) for facts in runs for score in facts.scores]
    found.sort(key=lambda each: str(each[1]["name"]))
    marks, lines = mark_scores([score for _, score in found])
    head = ["metric", *(["run"] if len(runs) > 1 else []), "value", "images", "fingerprint", "how it is measured"]
    rows = [
        [
            quote(score["name"]),
            *([quote(facts.name)] if len(runs) > 1 else []),
            quote(f"{format_score(score)} {mark}".strip()),
            quote(_describe_place(score)),
            f"<code>{quote(score.get('fingerprint') or '')}</code>",
            quote(describe_protocol(parts) if isinstance(parts := score.get("protocol"), Mapping) else ""),
        ]
        for (facts, score), mark in zip(found, marks, strict=True)
    ]
    notes = "".join(f'<p class="note">{quote(line)}</p>' for line in lines)
    return make_table(head, rows, "Scores, each beside what real samples get") + notes if rows else ""


def _describe_place(score: Mapping[str, object]) -> str:
    images = score.get("images")
    best = " (best)" if score.get("package") == "best" else ""
    return (f"{images:,}" if type(images) is int else "") + best


# ----------------------------------------------------------------------------
# Settings.


def write_settings(runs: Sequence[Facts]) -> str:
    """Return the settings: what several runs differ in; of each run the chosen ones with their origins, and all."""
    differences = find_differences([facts.settings for facts in runs])
    rows = [[quote(key), *(_quote_code(value) for value in each)] for key, each in differences.items()]
    names = ["setting", *(quote(facts.name) for facts in runs)]
    parts = [make_table(names, rows, "Settings in which the runs differ")] if rows else []
    if len(runs) > 1 and not rows:
        parts = ["<p>The runs have the same settings.</p>"]
    return "".join([*parts, *(_write_settings_of(facts, index, len(runs) == 1) for index, facts in enumerate(runs))])


def _write_settings_of(facts: Facts, index: int, is_open: bool) -> str:
    if not facts.settings:
        return ""
    found = facts.recipe.get("auto")
    automatic = {f"train.{name}" for name in found} if isinstance(found, list) else set()
    known = bool(facts.origins)

    def make_row(key: str) -> list[str]:
        origin = AUTO if key in automatic else facts.origins.get(key, DEFAULT)
        return [quote(key), _quote_code(facts.settings[key]), *([quote(origin)] if known else [])]

    head = ["setting", "value", *(["origin"] if known else [])]
    chosen = [key for key in facts.settings if key in facts.origins or key in automatic]
    parts = [make_table(head, map(make_row, chosen), "Settings that are not defaults")] if known else []
    every = make_table(head, map(make_row, facts.settings), "All settings")
    parts.append(_fold(f"all-{index}", f"all {len(facts.settings)} settings", every))
    preset = facts.recipe.get("preset")
    if preset:
        parts.insert(0, f"<p>It started from the recipe <code>{quote(preset)}</code>.</p>")
    inside = "".join(parts)
    return inside if is_open else _fold(f"settings-{index}", facts.name, inside)


def _quote_code(value: str | None) -> str:
    return "" if value is None else f"<code>{quote(value)}</code>"


def _fold(name: str, title: str, inside: str) -> str:
    """Return a part of the page that opens when its title is chosen."""
    return f'<details id="{name}"><summary>{quote(title)}</summary>{inside}</details>'


# ----------------------------------------------------------------------------
# Speed, commands, log.


def write_speed(runs: Sequence[Facts]) -> str:
    """Return a table of time, speed and memory."""
    head = ["run", "time of training", "images per second (median)", "memory", "share of the time without a core"]
    rows = [row for facts in runs if (row := _make_speed_row(facts))]
    return make_table(head, rows, "The training, over all its sessions") if rows else ""


def _make_speed_row(facts: Facts) -> list[str]:
    ticks = [row for row in facts.health.rows if "seconds" in row]
    if not ticks:
        return []
    speeds, waits, memory = (
        [row[key] for row in ticks if key in row] for key in ("images_per_second", "waiting", "memory")
    )
    cells = [
        format_rough_duration(ticks[-1]["seconds"]),
        f"{median(speeds):,.1f}" if speeds else "",
        f"{max(memory) / 2**20:,.0f} MiB" if memory else "",
        f"{median(waits):.0%}" if waits else "",
    ]
    return [quote(facts.name), *map(quote, cells)]


def write_commands(runs: Sequence[Facts]) -> str:
    """Return the commands to type next: sample, resume, repeat and publish."""
    parts = []
    for facts in runs:
        head = f"<h3>{quote(facts.name)}</h3>" if len(runs) > 1 else ""
        lines = (f"<dt>{quote(what)}</dt><dd><code>{quote(line)}</code></dd>" for what, line in list_commands(facts))
        parts.append(f"{head}<dl>{''.join(lines)}</dl>")
    return "".join(parts)


def list_commands(facts: Facts) -> list[tuple[str, str]]:
    """Return what a person can do with a run, each with the command."""
    path, length = shlex.quote(str(facts.run.path)), facts.health.length
    commands = []
    if facts.run.package.is_dir():
        draw = ("draw samples", f"ganzoo sample {path} -n 64")
        commands += [("apply it to files", f"ganzoo apply {path} IN OUT") if facts.takes_arrays else draw]
        commands.append(("measure it", f"ganzoo evaluate {path}"))
    if facts.status == "training":
        commands.append(("see it live", f"ganzoo watch {path}"))
    elif facts.status != "finished":
        commands.append(("go on", f"ganzoo train --resume {path}"))
    elif facts.run.early_end:
        commands.append(("start from its weights", f"ganzoo train --init {path}"))
    else:
        commands.append(("train it for longer", f"ganzoo train --resume {path} --images {2 * length}"))
    commands += [
        ("train again with its settings", f"ganzoo train --config {path}"),
        ("look for problems", f"ganzoo doctor {path}"),
    ]
    if facts.modality == "image" and not facts.neighbours and not facts.takes_arrays:
        commands.append(("see whether it copies", f"ganzoo report {path} --neighbours"))
    if facts.run.package.is_dir():
        commands.append(("publish it", f"ganzoo publish {path} USER/NAME"))
    return commands


def write_log(runs: Sequence[Facts]) -> str:
    """Return the last lines of each log."""
    parts = []
    for index, facts in enumerate(runs):
        lines = "\n".join(map(quote, facts.log))
        if lines:
            title = f"the last lines of {facts.name}/log.txt"
            parts.append(_fold(f"log-{index}", title, f'<pre tabindex="0">{lines}</pre>'))
    return "".join(parts)
