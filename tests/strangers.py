"""A user with an installed distribution, who works on the command line."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from forks import start_python


@dataclass(frozen=True)
class Outside:
    """An installed distribution, and the folder in which its user works."""

    site: Path
    folder: Path

    def python(self, *args: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run Python with the distribution on its path; `environ` replaces environment variables."""
        with start_python(*args, folder=self.folder, path=[self.site], environ=environ) as fork:
            return fork.finish()

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
