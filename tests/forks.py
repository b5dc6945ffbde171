"""Python processes that start at once.

A Python process takes seconds to import torch. These processes are therefore forked from a server that has imported it
and has done nothing else: each of them finds the installed distributions by itself.
"""

from __future__ import annotations

import functools
import json
import os
import runpy
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(
    ["pytest", "huggingface_hub", "torch._dynamo", "ganzoo.package.generator", "ganzoo.engine.trainer"]
)


@dataclass(frozen=True)
class Fork:
    """A process that was started.

    Args:
        words: Its command, after ``python``.
        process: The process itself.
        files: The files that its stdout and its stderr go to.
    """

    words: list[str]
    process: BaseProcess
    files: tuple[Path, Path]

    def finish(self, timeout: float | None = None) -> subprocess.CompletedProcess[str]:
        """Wait for the end of the process, at most `timeout` seconds; return its exit code and its output."""
        self.process.join(timeout)
        code = self.process.exitcode
        assert code is not None, f"{self.words} did not end in {timeout} seconds"
        return subprocess.CompletedProcess(self.words, code, *(file.read_text(encoding="utf-8") for file in self.files))

    def wait_for_lines(self, num: int = 1, stderr: bool = False, timeout: float = 60) -> None:
        """Wait until the process has written so many lines to stdout, or to stderr, or has ended."""
        start = time.monotonic()
        while self.process.is_alive() and self.files[stderr].read_bytes().count(b"\n") < num:
            assert time.monotonic() - start < timeout, f"{self.words} wrote less than {num} lines in {timeout} seconds"
            time.sleep(0.005)


@contextmanager
def start_python(
    *words: str | Path, folder: Path, path: Sequence[str | Path] = (), environ: Mapping[str, str] | None = None
) -> Iterator[Fork]:
    """Start Python; at the end of the block it is killed unless it has ended.

    Args:
        words: Its command, ``-c CODE``, ``-m MODULE`` or a file, and arguments.
        folder: The folder that it works in.
        path: What PYTHONPATH names.
        environ: Environment variables that replace those of this process.
    """
    command = [*map(str, words)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path)), **(environ or {})}
    with tempfile.TemporaryDirectory() as place:
        files = Path(place, "stdout"), Path(place, "stderr")
        for file in files:
            file.touch()
        modules = [str(folder), *map(str, path), *default_path()]
        process = FORKS.Process(target=run_python, args=(command, modules, folder, environment, files))
        process.start()
        try:
            yield Fork(command, process, files)
        finally:
            process.kill()
            process.join()


def run_ranks(num: int, *words: str | Path, timeout: float, **how: object) -> list[subprocess.CompletedProcess[str]]:
    """Run Python in several processes, which find each other as those of torchrun do; return how each ended.

    Args:
        num: The number of processes.
        words: The command of each process, as for `start_python`.
        timeout: The time after which they count as hanging, in seconds.
        how: Further keyword arguments of `start_python`.
    """
    from torch.distributed import TCPStore

    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)  # as torchrun's agent has one
    launch = {
        "WORLD_SIZE": f"{num}", "LOCAL_WORLD_SIZE": f"{num}", "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": f"{store.port}", "TORCHELASTIC_USE_AGENT_STORE": "True",
    }  # fmt: skip
    with ExitStack() as stack:
        ranks = ({**launch, "RANK": f"{rank}", "LOCAL_RANK": f"{rank}"} for rank in range(num))
        forks = [stack.enter_context(start_python(*words, environ=rank, **how)) for rank in ranks]
        return [fork.finish(timeout) for fork in forks]


def run_python(
    words: list[str], path: list[str], folder: Path, environment: dict[str, str], files: Sequence[Path]
) -> None:
    """Do in this process what `python WORDS` does, with stdout and stderr in `files`."""
    for number, file in enumerate(files, 1):
        os.dup2(os.open(file, os.O_WRONLY), number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:] = path
    match words:
        case ["-c", code, *rest]:
            sys.argv = ["-c", *rest]
            exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})
        case ["-m", module, *rest]:
            sys.argv = [module, *rest]
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case [file, *rest]:
            sys.argv = [file, *rest]
            sys.path[0] = str(Path(file).parent)
            runpy.run_path(file, run_name="__main__")


@functools.cache
def default_path() -> list[str]:
    """Return the module path of a Python process without PYTHONPATH."""
    code = "import json, sys; print(json.dumps(sys.path[1:]))"
    done = subprocess.run([sys.executable, "-c", code], env={}, capture_output=True, text=True, check=True)
    found: list[str] = json.loads(done.stdout)
    return found
