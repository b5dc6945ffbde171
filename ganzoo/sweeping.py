"""Many runs from a table of settings; `ganzoo sweep` calls these functions. Each run is a process of its own."""

from __future__ import annotations

import os
import shlex
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganzoo.errors import Conflict, GanzooError, Interrupted, NotFound, UsageError
from ganzoo.recipe.table import Cell, Dimension, make_cells, make_dimension, split_flags
from ganzoo.runs.display import print_line
from ganzoo.runs.run import Run, find_run
from ganzoo.runs.sweeps import State, Sweep, choose_sweep_name, describe_states, make_sweep_path
from ganzoo.runs.where import Notify, ignore_line
from ganzoo.runs.workers import STOPPED, Job, list_gpus, run_jobs
from ganzoo.training import prepare


@dataclass(frozen=True)
class Plan:
    """The runs of a sweep, whose settings are all checked, and where they are.

    Args:
        sweep: The folder that the runs are in.
        cells: The settings of each run.
        device: The device that they are trained on.
        extra: Arguments that each command gets in addition: ``--plugin FILE``.
    """

    sweep: Sweep
    cells: Sequence[Cell]
    device: str = "auto"
    extra: Sequence[str] = ()

    def list_states(self) -> dict[str, State]:
        """Return the state of each run by the id of its settings."""
        return {cell.id: self.sweep.get_state(cell) for cell in self.cells}

    def list_open(self, retry: bool) -> list[Cell]:
        """Return the runs that are still to be trained; those that failed only with `retry`."""
        wanted = ("new", "unfinished", *(("failed",) if retry else ()))
        states = self.list_states()
        return [cell for cell in self.cells if states[cell.id] in wanted]

    def make_command(self, cell: Cell) -> list[str]:
        """Return the arguments of ``ganzoo`` that start or resume the run of a cell."""
        run = self.sweep.find_run(cell)
        if run is not None:
            return ["train", "--resume", str(run.path), "--device", self.device, *self.extra]
        flags, options, start = split_flags(cell.settings)
        words = ["train"]
        for name, value in {**flags, **start}.items():
            for each in (value,) if isinstance(value, str) else value:
                words += [f"--{name}", each]
        words += [f"{key}={value}" for key, value in options.items()]
        return [*words, "--name", cell.name, "--device", self.device, *self.extra]


def sweep(
    settings: Mapping[str, Any],
    *,
    seeds: int = 1,
    jobs: int | None = None,
    name: str | None = None,
    retry: bool = False,
    device: str = "auto",
    progress: bool = True,
) -> list[Run]:
    """Train all combinations of settings, each in a process of its own, and return the finished runs.

    The same call continues an interrupted sweep: finished runs are not repeated, and unfinished ones are resumed.

    Args:
        settings: A value for each key or argument of `ganzoo.train`, or a list of values to combine:
            ``{"arch": "dcgan", "images": 20_000, "optim.g.lr": [1e-4, 2e-4]}``. A list in the list is one value.
        seeds: The number of seeds of each combination, from ``train.seed`` or from 0.
        jobs: The largest number of runs at once; by default the number of GPUs, or 1.
        name: The name of the folder of the sweep, in the folder of the runs; by default ``sweep-`` and what varies.
        retry: Whether runs that failed are tried again.
        device: The device to train on: ``auto``, ``cpu`` or ``cuda``.
        progress: Whether a line on stderr reports each run that starts or ends.

    Raises:
        ganzoo.GanzooError: A setting is wrong, before any run starts; or runs failed, after the others are finished.
    """
    dimensions = [make_dimension(key, value if isinstance(value, list) else [value]) for key, value in settings.items()]
    plan = make_plan(dimensions, seeds=seeds, name=name, device=device)
    return run_plan(plan, jobs=jobs, retry=retry, notify=print_line if progress else ignore_line)


def make_plan(
    dimensions: Sequence[Dimension],
    *,
    seeds: int = 1,
    name: str | None = None,
    table: Path | None = None,
    device: str = "auto",
    extra: Sequence[str] = (),
    notify: Notify = ignore_line,
) -> Plan:
    """Return the runs of a table of settings. All of them are resolved, so that a wrong value is an error now.

    Args:
        dimensions: The dimensions of the table.
        seeds: The number of seeds of each combination.
        name: The name of the sweep; None for one that follows from what varies.
        table: The file that the dimensions were read from, which the sweep is named after.
        device: The device to train on.
        extra: Arguments for each command.
        notify: Gets a line for the user.

    Raises:
        GanzooError: A setting is wrong, or a package that a component needs is missing; the text names the run.
    """
    cells = make_cells([_pin_config(dimension) for dimension in dimensions], seeds)
    for cell in cells:
        flags, options, start = split_flags(cell.settings)
        try:
            _, recipe = prepare(
                flags=flags, options=options, name=cell.name, recipe=start.get("recipe"), config=start.get("config"),
                resume=None, device=device, notify=notify,
            )  # fmt: skip
            for choice in recipe.choices:
                choice.component.check_requirements()
        except GanzooError as error:
            if len(cells) > 1:
                raise type(error)(f"{cell.label}: {error}{_suggest_parentheses(cell, error)}") from None
            raise
    return Plan(Sweep(make_sweep_path(name or choose_sweep_name(table, cells))), cells, device, extra)


def run_plan(plan: Plan, *, jobs: int | None = None, retry: bool = False, notify: Notify = print_line) -> list[Run]:
    """Train the runs of a sweep that are not finished, and return all of its finished runs.

    Args:
        plan: The runs, as `make_plan` returns them.
        jobs: The largest number of runs at once; None for the number of GPUs, or 1.
        retry: Whether runs that failed are tried again.
        notify: Gets a line for each run that starts or ends.

    Raises:
        Interrupted: A signal stopped the sweep; the runs are saved.
        Conflict: Another process runs the sweep, or trains one of its runs.
        GanzooError: Runs failed.
    """
    cells, sweep = {cell.id: cell for cell in plan.cells}, plan.sweep
    gpus = list_gpus() if plan.device in ("auto", "cuda") else []
    with sweep.running():
        todo = plan.list_open(retry)
        notify(f"{sweep.path}: {len(cells)} runs, {describe_states(Counter(plan.list_states().values()))}")
        for cell in plan.cells:
            sweep.remember(cell, "" if cell in todo else sweep.get_error(cell))
        here = {"GANZOO_RUNS": str(sweep.path.resolve())}
        made = [
            Job(cell.id, [sys.executable, "-m", "ganzoo", *plan.make_command(cell)], sweep.get_output(cell), here)
            for cell in todo
        ]

        def report_start(id: str) -> None:
            notify(f"started: {cells[id].label}")

        def report_end(id: str, code: int) -> None:
            error = _read_error(sweep.get_output(cells[id]), code) if code not in (0, STOPPED) else ""
            sweep.remember(cells[id], error)
            word = "stopped" if code == STOPPED else "failed" if error else "finished"
            notify(f"{word}: {cells[id].label}" + (f": {error}" if error else ""))

        complete = run_jobs(made, jobs or max(1, len(gpus)), gpus, report_start, report_end)
        return _collect_results(plan, complete, retry)


def _collect_results(plan: Plan, complete: bool, retry: bool) -> list[Run]:
    """Return the finished runs of a sweep, or raise an error that says which runs are not finished."""
    states = plan.list_states()
    counts = describe_states(Counter(states.values()))
    if not complete:
        raise Interrupted(f"interrupted: {counts}; the same command goes on")
    failed = [cell for cell in plan.cells if states[cell.id] == "failed"]
    if failed:
        first = f"{failed[0].label}: {plan.sweep.get_error(failed[0])} (see {plan.sweep.get_output(failed[0])})"
        again = "" if retry else "; --retry tries failed runs again"
        raise GanzooError(f"{len(failed)} of {len(states)} runs failed, the first at {first}{again}")
    if "training" in states.values():
        raise Conflict(f"{counts}: wait until the other processes have finished, or stop them; then type this again")
    found = [plan.sweep.find_run(cell) for cell in plan.cells if states[cell.id] == "finished"]
    return [run for run in found if run is not None]


def _read_error(output: Path, code: int) -> str:
    """Return the last line that a failed command printed, or else how it ended."""
    lines = [line for line in output.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    ending = f"it was ended by signal {-code}" if code < 0 else f"it ended with exit code {code}"
    return lines[-1].removeprefix("ganzoo: ") if lines and code > 0 else ending


def _suggest_parentheses(cell: Cell, error: GanzooError) -> str:
    """Return a hint if the error is about a list whose values were taken for alternatives."""
    about_list = isinstance(error, UsageError) and "comma-separated" in str(error)
    keys = [key for key in cell.varied if str(error).startswith(f"{key}:")]
    return f"; a value that is a list stands in parentheses: {keys[0]}=(A,B),(C,D)" if about_list and keys else ""


def _pin_config(dimension: Dimension) -> Dimension:
    """Replace the runs that ``config`` names by their paths, because commands run in the folder of the sweep."""
    return [{key: _find_path(value) if key == "config" else value for key, value in each.items()} for each in dimension]


def _find_path(config: str) -> str:
    try:
        return str((Path(config) if Path(config).exists() else find_run(config).path).resolve())
    except NotFound:
        return config  # a model of a plugin or on the Hub; `prepare` says so if it is neither


# ----------------------------------------------------------------------------
# Commands for other machines.


def format_commands(plan: Plan, retry: bool = False) -> list[str]:
    """Return a command for the shell for each run that is still to be trained."""
    return [f"{_format_place(plan)} {command}" for command in _list_commands(plan, retry)]


def format_slurm_script(plan: Plan, retry: bool = False) -> str:
    """Return a script for ``sbatch``: an array of jobs, one for each run that is still to be trained.

    SLURM sends SIGTERM two minutes before the time is over, and the run saves its state then: the shell itself becomes
    the process that gets it.
    """
    commands = _list_commands(plan, retry)
    gpu = [] if plan.device == "cpu" else ["#SBATCH --gpus=1"]
    return "\n".join(
        [
            "#!/bin/bash",
            f"#SBATCH --job-name={plan.sweep.path.name}",
            f"#SBATCH --array=0-{len(commands) - 1}",
            f"#SBATCH --output={plan.sweep.path.name}-%a.txt",
            "#SBATCH --signal=B:TERM@120",
            *gpu,
            f"cd {shlex.quote(os.getcwd())} || exit",
            f"export {_format_place(plan)}",
            "case $SLURM_ARRAY_TASK_ID in",
            *(f"{index}) exec {command} ;;" for index, command in enumerate(commands)),
            "esac",
        ]
    )


def _format_place(plan: Plan) -> str:
    """Return the variable, for the shell, that says where the runs of a sweep are."""
    return f"GANZOO_RUNS={shlex.quote(str(plan.sweep.path.resolve()))}"


def _list_commands(plan: Plan, retry: bool) -> list[str]:
    return [f"ganzoo {shlex.join(plan.make_command(cell))}" for cell in plan.list_open(retry)]


def list_rows(plan: Plan) -> Iterable[tuple[str, str, str]]:
    """Yield state, settings and path of each run, for a table."""
    states = plan.list_states()
    for cell in plan.cells:
        run = plan.sweep.find_run(cell)
        yield states[cell.id], cell.label, str(run.path) if run else ""
