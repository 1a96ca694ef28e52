"""Where long work stands: told to whatever shows it, such as the terminal's line."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

__all__ = ["Progress", "Report", "Stage"]


@final
@dataclass(frozen=True)
class Progress:
    """So much is finished."""

    done: int
    """Things of the stage, those of earlier sessions included."""
    total: int
    rate: str
    """How fast it goes, in words."""
    seconds_left: float
    note: str = ""
    """Something to say in a line of its own."""


Report = Callable[[Progress], None]
"""Told as things are finished."""


@final
class Stage:
    """Counts one stage's things; its rate is this session's, so that resumed work isn't taken for fast.

    Args:
        name: what is told when it begins.
        report: takes the progress.
        things: what is counted.
        clock: in seconds.
    """

    def __init__(
        self, name: str, report: Report, things: str = "items", clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._name, self._report, self._things, self._clock = name, report, things, clock
        self._began = clock()
        self._first: int | None = None

    def __call__(self, done: int, total: int) -> None:
        """So many are finished."""
        if self._first is None:
            self._first = done
            self._report(Progress(done, total, "", 0.0, f"{self._name}: {total:,} {self._things}"))
        speed = (done - self._first) / max(self._clock() - self._began, 1e-6)
        left = (total - done) / speed if speed else 0.0
        rate = f"{speed:,.0f}" if speed >= 100 else f"{speed:.1f}"
        self._report(Progress(done, total, f"{rate} a second", left))
