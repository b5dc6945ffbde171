"""The run directory: a frozen recipe and everything that its training produced.

A run is never overwritten; a new one takes the next number: ``runs/0003-dcgan-bce-digits``.

Files:
    recipe.json: The frozen recipe: every component with its options and version, every setting, what ``auto`` meant,
        and ``origins``: where each setting that is not a default comes from.
    log.txt: What a person saw on the terminal, and how the run ended.
    skipped.txt: The files of the dataset that could not be read, each with the reason, if there are any.
    stats.jsonl: What was measured: one JSON object a line.
    evaluations.jsonl: The scores of ``ganzoo evaluate``, one JSON object a line: ``time``, ``package`` (or ``best``),
        ``images``, and ``scores`` with their floors, intervals and protocols.
    reals.png: Real samples, as the networks see them.
    fakes-000020000.png: Samples after so many images, always of the same latents. Where samples are text or sound, the
        names end in ``.txt``, ``.csv`` or ``.wav``.
    checkpoints/: The last states of the training, by images: ``000050000.ckpt``. ``--resume`` goes on from the last.
    averages/: Averages of the generator of other profiles, at each checkpoint, with ``train.ema_profiles``.
    package/: The model package of the averaged generator, written anew with every checkpoint.
    best/: The model package of the best checkpoint, where ``train.best`` says which is best.
    early.txt: Why the run finished before its length, if it did.
    report.html: The report of the run (``ganzoo report``), written when the training ends.
    neighbours.png: Samples beside the nearest training images, if ``ganzoo report --neighbours`` wrote them.
    scalars.csv: The numbers of ``stats.jsonl`` as a table, with ``--tracker csv``.
    events.out.tfevents.*: The same numbers, grids and verdicts for TensorBoard, with ``--tracker tensorboard``.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import Conflict, Corrupt, NotFound, UsageError, suggest_names
from ganzoo.plugin.files import append, recover_directory, write_atomic, write_errors_explained
from ganzoo.runs.display import describe_run, show_run
from ganzoo.runs.locks import lock, opened

if TYPE_CHECKING:
    from ganzoo.runs.stats import Stats

CHECKPOINT = re.compile(r"(\d{9,})\.ckpt")
EARLY = "early.txt"
MARK = ".launch"  # a file in the run: which launch of torchrun started it, to find it again after a restart


@dataclass(frozen=True)
class Run:
    """A run directory. A notebook shows how far the run is, its values and its latest grid."""

    path: Path

    def __repr__(self) -> str:
        return f"<Run {describe_run(self)}>"

    def _repr_html_(self) -> str:
        return show_run(self)

    @property
    def number(self) -> int:
        """The number at the start of the directory's name."""
        return int(self.path.name.partition("-")[0])

    @property
    def recipe_file(self) -> Path:
        """The path of the frozen recipe."""
        return self.path / "recipe.json"

    @property
    def stats_file(self) -> Path:
        """The path of the statistics: one JSON object on a line for each tick."""
        return self.path / "stats.jsonl"

    @property
    def evaluations_file(self) -> Path:
        """The path of the remembered evaluations: one JSON object a line."""
        return self.path / "evaluations.jsonl"

    @property
    def package(self) -> Path:
        """The path of the model package."""
        return self.path / "package"

    @property
    def best(self) -> Path:
        """The path of the best checkpoint's model package. It exists only if the recipe sets ``train.best``."""
        return self.path / "best"

    @property
    def checkpoints(self) -> list[Path]:
        """The paths of the checkpoints, oldest first."""
        folder = self.path / "checkpoints"
        return sorted(path for path in folder.glob("*.ckpt") if CHECKPOINT.fullmatch(path.name))

    @property
    def images(self) -> int:
        """The number of images seen at the last checkpoint; 0 if there is none."""
        return int(self.checkpoints[-1].stem) if self.checkpoints else 0

    @property
    def changed(self) -> float:
        """The time at which the run was last trained, in seconds since 1970."""
        return (self.stats_file if self.stats_file.exists() else self.path).stat().st_mtime

    @property
    def length(self) -> int:
        """The number of images that the run sees in all (``train.images``)."""
        try:
            return int(self.recipe()["train"]["images"])
        except (KeyError, TypeError, ValueError):
            raise Corrupt(f"{self.recipe_file} is damaged: it does not say how long the run is") from None

    @property
    def early_end(self) -> str:
        """Why the run finished before its length, in words; empty if it did not."""
        path = self.path / EARLY
        return path.read_text(encoding="utf-8").strip() if path.exists() else ""

    @property
    def finished(self) -> bool:
        """Whether the last checkpoint is at the end of the run."""
        return bool(self.checkpoints) and (self.images >= self.length or bool(self.early_end))

    def mark_early_end(self, reason: str) -> None:
        """Write why the run finished before its length; do nothing if the reason is empty."""
        if reason:
            write_atomic(self.path / EARLY, [f"{reason}\n".encode()])

    def recipe(self) -> dict[str, Any]:
        """Return the frozen recipe as JSON."""
        from ganzoo.recipe.stored import load_json

        return load_json(self.recipe_file)

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of ``stats.jsonl``, oldest first. A line that a crash cut off is skipped."""
        return _read_lines(self.stats_file)

    @property
    def stats(self) -> Stats:
        """The rows as a table: a dictionary of numpy arrays by name, which a notebook shows."""
        from ganzoo.runs.stats import Stats

        return Stats(self.rows())

    def evaluations(self) -> list[dict[str, Any]]:
        """Return the remembered evaluations, oldest first."""
        return _read_lines(self.evaluations_file)

    def get_checkpoint_path(self, images: int) -> Path:
        """Return the path of the checkpoint after so many images."""
        return self.path / "checkpoints" / f"{images:09d}.ckpt"

    def get_grid_path(self, images: int) -> Path:
        """Return the path of the grid after so many images."""
        return self.path / f"fakes-{images:09d}.png"

    def write_recipe(self, recipe: Mapping[str, Any], origins: Mapping[str, str] | None = None) -> None:
        """Write the frozen recipe.

        Args:
            recipe: The frozen recipe, as JSON.
            origins: The origin of each setting, in words. Settings that a resumed run took from its own recipe keep the
                origin that is stored there. By default the file has no origins.
        """
        if origins:
            from ganzoo.runs.settings import keep_origins

            recipe = {**recipe, "origins": keep_origins(origins, self.recipe_file)}
        write_atomic(self.recipe_file, [json.dumps(recipe, indent=2).encode() + b"\n"])

    def log(self, line: str) -> None:
        """Append a line to ``log.txt``."""
        append(self.path / "log.txt", f"{line}\n".encode())

    def add_stats(self, row: Mapping[str, Any]) -> None:
        """Append a row to ``stats.jsonl``."""
        append(self.stats_file, f"{json.dumps(row)}\n".encode())

    def cut_stats(self, images: int) -> None:
        """Remove the rows after so many images, and a line that a crash cut off, before the run is resumed there."""
        if not self.stats_file.exists():
            return
        kept = "".join(f"{json.dumps(row)}\n" for row in self.rows() if row["images"] <= images)
        write_atomic(self.stats_file, [kept.encode()])

    @contextlib.contextmanager
    def training(self) -> Iterator[None]:
        """A context that locks the run for this process and removes unfinished files of a killed process.

        Raises:
            Conflict: Another process is training it.
        """
        with write_errors_explained(self.path):
            (self.path / ".lock").touch()
        with opened(self.path / ".lock") as file:
            if not lock(file, tries=3):  # `active` may hold it for a moment
                raise Conflict(f"run {self.path} is being trained by another process: wait for it or stop it first")
            for leftover in self.path.rglob(".*.tmp"):  # of a write that a crash interrupted
                leftover.unlink(missing_ok=True)
            self._recover()
            yield

    def recover(self) -> None:
        """Restore packages that a crash left without their name, unless a process is training the run."""
        if self.recipe_file.is_file() and not self.active:
            self._recover()

    def _recover(self) -> None:
        for package in (self.package, self.best):
            recover_directory(package)

    @property
    def active(self) -> bool:
        """Whether a process is training it."""
        try:
            with opened(self.path / ".lock") as file:
                return not lock(file)
        except OSError:
            return False


def get_root() -> Path:
    """Return the folder of the runs: ``$GANZOO_RUNS``, or ``runs`` in the current folder."""
    return Path(os.environ.get("GANZOO_RUNS") or "runs")


def list_runs(folder: Path | None = None) -> list[Run]:
    """Return the runs in a folder, oldest first; by default those in ``$GANZOO_RUNS`` or ``runs``."""
    folders = [path for path in (folder or get_root()).glob("*") if re.match(r"\d+-", path.name) and _is_run(path)]
    return sorted(map(Run, folders), key=lambda run: run.number)


def check_name(name: str) -> None:
    """Raise UsageError if a name cannot be part of the name of a run's directory."""
    if not re.fullmatch(r"[\w.+-]+", name):
        raise UsageError(f"--name {name!r}: use letters, digits, '.', '_', '+' and '-'")


def create_run(name: str, mark: str = "") -> Run:
    """Create a run directory with the next number.

    Args:
        name: The part of the directory's name after the number.
        mark: Text by which `find_marked_run` finds the run; empty for none.
    """
    check_name(name)
    with write_errors_explained(get_root()):
        get_root().mkdir(parents=True, exist_ok=True)
        with opened(get_root()) as folder:
            lock(folder, tries=300)
            taken = [int(match[1]) for path in get_root().iterdir() if (match := re.match(r"(\d+)-", path.name))]
            path = get_root() / f"{max(taken, default=-1) + 1:04d}-{name}"
            (path / "checkpoints").mkdir(parents=True)
        if mark:
            (path / MARK).write_text(mark, encoding="utf-8")
    return Run(path)


def find_marked_run(mark: str) -> Run | None:
    """Return the latest run with this mark that no process is training; None if there is none."""
    marked = (run for run in reversed(list_runs()) if mark and (run.path / MARK).is_file())
    return next((run for run in marked if (run.path / MARK).read_text() == mark and not run.active), None)


def find_run(text: int | str | os.PathLike[str]) -> Run:
    """Return the run of a path, a name or a number.

    Raises:
        NotFound: There is no such run; the text names similar runs.
    """
    path = Path(text if isinstance(text, os.PathLike) else str(text))
    if _is_run(path):
        return Run(path)
    runs = list_runs()
    matching = [run for run in runs if str(text) in (run.path.name, str(run.number), f"{run.number:04d}")]
    if matching:
        return matching[-1]
    if path.exists():
        raise NotFound(f"{path} is not a run: it has no recipe.json")
    hint = suggest_names(str(text), [run.path.name for run in runs]) or "; `ganzoo runs` lists the runs"
    raise NotFound(f"no run {str(text)!r} in {get_root()}/{hint}")


def find_latest_unfinished() -> Run:
    """Return the run that was trained last of those that are not finished and that no process is training."""
    for run in sorted(list_runs(), key=lambda run: (run.changed, run.number), reverse=True):
        with contextlib.suppress(Corrupt):
            if not run.finished and not run.active:
                return run
    raise NotFound(f"no unfinished run in {get_root()}/: start one with `ganzoo train --arch NAME`")


def _read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the JSON objects in the lines of a file, as far as they have ``images``; none if it does not exist."""
    found: list[dict[str, Any]] = []
    if path.exists():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError, KeyError, TypeError):
                row = json.loads(line)
                row["images"] + 0
                found.append(row)
    return found


def _is_run(path: Path) -> bool:
    return (path / "recipe.json").is_file()
