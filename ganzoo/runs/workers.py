"""Processes that run beside each other: as many at once as are wanted, each on a GPU of its own if there are some."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ganzoo.runs.interrupt import stop_on_signals

POLL = 0.1  # seconds between two looks at the processes
STOPPED = 130  # the exit code of a process that a signal stopped
GPUS = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class Job:
    """A command to run.

    Args:
        id: The name of the job.
        command: The program and its arguments.
        output: The path of the file that gets all that it prints.
        environment: Environment variables that it gets in addition.
    """

    id: str
    command: Sequence[str]
    output: Path
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass
class _Worker:
    job: Job
    process: subprocess.Popen[bytes]
    gpu: str


def list_gpus() -> list[str]:
    """Return the GPUs that processes may use, as `CUDA_VISIBLE_DEVICES` names them; torch is not imported."""
    given = os.environ.get(GPUS)
    if given is not None:
        return [name.strip() for name in given.split(",") if name.strip() not in ("", "-1")]
    if shutil.which("nvidia-smi") is None:
        return []
    asked = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    try:
        found = subprocess.run(asked, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in found.splitlines() if line.strip()]


def run_jobs(
    jobs: Iterable[Job],
    most: int,
    gpus: Sequence[str],
    started: Callable[[str], None],
    ended: Callable[[str, int], None],
) -> bool:
    """Run jobs beside each other; return whether all were run, and not stopped by a signal.

    A signal is passed on to the processes once, and they are waited for: a training saves its state. A second signal
    ends them at once.

    Args:
        jobs: The jobs, in the order in which they start.
        most: The largest number of jobs at once.
        gpus: The GPUs to choose from, each for the job that finds it least used. With none or one, jobs see what this
            process sees.
        started: Gets the id of a job that was started.
        ended: Gets the id of a job that ended, and its exit code: `STOPPED` if it was stopped with the others. A
            negative code is the signal that ended it.
    """
    waiting, workers = deque(jobs), list[_Worker]()
    with stop_on_signals() as request:
        try:
            while workers or (waiting and not request):
                while waiting and len(workers) < most and not request:
                    job = waiting.popleft()
                    workers.append(_start(job, _choose_gpu(gpus, workers)))
                    started(job.id)
                if request:
                    _send(workers, signal.SIGTERM)  # a process that was started by `nohup` or `&` ignores SIGINT
                    for worker in workers:
                        worker.process.wait()
                for worker in [each for each in workers if each.process.poll() is not None]:
                    workers.remove(worker)
                    code = worker.process.returncode
                    ended(worker.job.id, STOPPED if request and code == -signal.SIGTERM else code)
                time.sleep(POLL if workers else 0)
        except BaseException:  # a second signal, too
            _send(workers, signal.SIGKILL)
            raise
    return not waiting and not request


def _start(job: Job, gpu: str) -> _Worker:
    """Start a process in a group of its own, so that Ctrl-C on the terminal reaches it through this process alone."""
    chosen = {GPUS: gpu} if gpu else {}
    with job.output.open("ab") as output:
        process = subprocess.Popen(
            job.command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **job.environment, **chosen},
            start_new_session=True,
        )
    return _Worker(job, process, gpu)


def _choose_gpu(gpus: Sequence[str], workers: Sequence[_Worker]) -> str:
    """Return the GPU with the fewest workers; empty without several GPUs."""
    used = [worker.gpu for worker in workers]
    return min(gpus, key=used.count) if len(gpus) > 1 else ""


def _send(workers: Sequence[_Worker], number: signal.Signals) -> None:
    for worker in workers:
        if worker.process.poll() is None:
            worker.process.send_signal(number)
