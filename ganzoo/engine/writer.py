"""A thread that writes files while the training goes on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import TracebackType


class Writer:
    """Does one job at a time, in a thread. Its context waits for the last job, also where the block raised an error."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "ganzoo-writer")
        self._job: Future[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether a job has ended and `wait` was not called since."""
        return self._job is not None and self._job.done()

    def submit(self, job: Callable[[], None]) -> None:
        """Wait for the job before, raise its error if it had one, and start a job."""
        self.wait()
        self._job = self._pool.submit(job)

    def wait(self) -> None:
        """Wait for the present job, and raise its error if it had one; an interrupted wait can be repeated."""
        if self._job is None:
            return
        wait([self._job])
        job, self._job = self._job, None
        try:
            job.result()
        finally:
            del job  # its error refers to this frame: without this, a cycle would keep the job's tensors alive

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown()
