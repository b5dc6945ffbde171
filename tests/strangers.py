"""A user with an installed distribution, who works on the command line.

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
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(["pytest", "huggingface_hub", "ganzoo.package.generator", "ganzoo.engine.trainer"])


@dataclass(frozen=True)
class Outside:
    """An installed distribution, and the folder in which its user works."""

    site: Path
    folder: Path

    def python(self, *args: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run Python with the distribution on its path; `environ` replaces environment variables."""
        words = [*map(str, args)]
        with tempfile.TemporaryDirectory() as folder:
            files = [Path(folder, name) for name in ("stdout", "stderr")]
            environment = {**os.environ, "PYTHONPATH": str(self.site), **environ}
            path = [str(self.folder), str(self.site), *default_path()]
            child = FORKS.Process(target=run_python, args=(words, path, self.folder, environment, files))
            child.start()
            child.join()
            assert child.exitcode is not None
            out, err = (file.read_text(encoding="utf-8") for file in files)
        return subprocess.CompletedProcess(words, child.exitcode, out, err)

    def ganzoo(self, *args: str | Path, **environ: str) -> str:
        """Run a command, which must succeed, and return its stdout."""
        done = self.python("-m", "ganzoo", *args, **environ)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refused(self, *args: str | Path, code: int = 2) -> str:
        """Run a command, which must fail with this exit code and one sentence, and return the sentence."""
        done = self.python("-m", "ganzoo", *args)
        assert (done.returncode, done.stdout) == (code, ""), done.stderr
        assert done.stderr.startswith("ganzoo: ")
        assert done.stderr.count("\n") == 1, done.stderr
        return done.stderr


def run_python(words: list[str], path: list[str], folder: Path, environment: dict[str, str], files: list[Path]) -> None:
    """Do in this process what `python WORDS` does, with stdout and stderr in `files`."""
    for number, file in enumerate(files, 1):
        os.dup2(os.open(file, os.O_CREAT | os.O_WRONLY), number)
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
