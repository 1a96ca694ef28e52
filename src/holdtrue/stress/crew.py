"""Many jobs, a few at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from time import perf_counter
from typing import final

__all__ = ["Job", "Report", "StressProgress", "work_through"]

Job = Callable[[], Awaitable[None]]


@final
@dataclass(frozen=True)
class StressProgress:
    """Where long work stands."""

    done: int
    total: int
    """What was finished before is among both."""
    per_minute: float
    seconds_left: float
    note: str = ""

    @property
    def rate(self) -> str:
        """How fast it goes, in words."""
        return f"{self.per_minute:.0f} a minute"


Report = Callable[[StressProgress], None]


async def work_through(jobs: Iterable[Job], total: int, done: int, *, at_once: int, report: Report) -> None:
    """Run jobs, in order but several at a time; the first that fails ends all of them.

    Args:
        jobs: what is left to do.
        total: all jobs, those done before among them.
        done: those done before.
        at_once: jobs under way together.
        report: told after every job.

    Raises:
        Exception: the first job's own.
    """
    queue, began, before = iter(jobs), perf_counter(), done

    async def work() -> None:
        nonlocal done
        for job in queue:
            await job()
            done += 1
            rate = (done - before) / (perf_counter() - began)
            report(StressProgress(done, total, 60 * rate, (total - done) / rate))

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(at_once, total - done)):
                group.create_task(work())
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
