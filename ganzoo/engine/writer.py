"""A thread that writes while the training goes on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import TracebackType


class Writer:
    """Does one job at a time; leaving its context waits for the one under way, however the block ended."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "ganzoo-writer")
        self._job: Future[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether a job has ended whose end nobody has heard of."""
        return self._job is not None and self._job.done()

    def submit(self, job: Callable[[], None]) -> None:
        """Start a job; the one before is waited for, and what it raised is raised here."""
        self.wait()
        self._job = self._pool.submit(job)

    def wait(self) -> None:
        """Wait for the job under way and raise what it raised; an interrupted wait can be taken up again."""
        if self._job is None:
            return
        wait([self._job])
        job, self._job = self._job, None
        try:
            job.result()
        finally:
            del job  # its error holds this frame, and all that the job held: no cycle may keep them

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown()
