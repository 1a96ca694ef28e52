"""What the terminal sees: one line per error, one line of progress, figures on standard output."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, final, runtime_checkable

import typer

from holdtrue.errors import HoldtrueError

__all__ = ["INCONCLUSIVE", "ProgressLine", "say", "stop_on_error"]

INCONCLUSIVE = 3
"""Exit code of a command that worked and found no answer to stand on."""
INTERRUPTED = 130


def say(text: str) -> None:
    """A line on standard error: everything that isn't the result."""
    typer.echo(text, err=True)


@contextmanager
def stop_on_error() -> Iterator[None]:
    """Print holdtrue's own errors as one line and exit with their code; others are bugs and keep their traceback."""
    try:
        yield
    except HoldtrueError as error:
        say(f"holdtrue: {' '.join(str(error).split())}")
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        say("\nholdtrue: interrupted; what is finished is on the disk: run the same command again to go on")
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        # The reader of our output has left, as in `| head`: nothing more to say to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None


@runtime_checkable
class Standing(Protocol):
    """Where long work stands."""

    @property
    def done(self) -> int:
        """Things finished."""
        ...

    @property
    def total(self) -> int:
        """Things in all."""
        ...

    @property
    def rate(self) -> str:
        """How fast it goes, in words."""
        ...

    @property
    def seconds_left(self) -> float:
        """Until the end, as it goes now."""
        ...

    @property
    def note(self) -> str:
        """Something to say besides; empty for nothing."""
        ...


@final
class ProgressLine:
    """Rate and time left: rewritten in place on a terminal, a line every ten seconds elsewhere.

    Args:
        things: what is counted.
        every_seconds: between two lines.
        clock: in seconds.
    """

    def __init__(
        self, things: str = "rollouts", every_seconds: float = 10.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._things = things
        self._every = every_seconds
        self._clock = clock
        self._last = -every_seconds
        self._live = sys.stderr.isatty()

    def __call__(self, progress: Standing) -> None:
        """Show where a run stands."""
        if progress.note:
            say(("\n" if self._live else "") + progress.note)
            return
        left = int(progress.seconds_left)
        line = (
            f"{self._things} {progress.done}/{progress.total} · {progress.rate} · "
            f"{left // 60} min {left % 60:02d} s left"
        )
        finished = progress.done == progress.total
        if self._live:
            typer.echo(f"\r\x1b[2K{line}", err=True, nl=finished)
        elif finished or self._clock() - self._last >= self._every:
            self._last = self._clock()
            say(line)
