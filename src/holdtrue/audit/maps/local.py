"""This machine's processes: parts are handed out in order, results come back in order."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context
from typing import Final, TypeVar, final

from holdtrue.audit.maps.base import Maps
from holdtrue.audit.rows import Batch, Part, Rows, read_part
from holdtrue.audit.worker import begin_stage, begin_worker
from holdtrue.errors import RunError, SettingError

__all__ = ["LocalMaps"]

T = TypeVar("T")

FEW_ROWS: Final = 20_000
"""Below it starting processes costs more than they save."""
AHEAD: Final = 2
"""Parts in hand for each process: one being worked on and one waiting."""


@final
class LocalMaps(Maps):
    """Runs a stage in processes of this machine; in this one for a dataset of one part or few rows.

    Memory stays flat: a process holds one part, and no more than two parts a process are ahead of the reader. The
    processes stay for the next stage and end with this object or the program, however it ends.

    Args:
        processes: how many work at once; 1 works in this process.
        few_rows: datasets smaller than this are worked on in this process.

    Raises:
        SettingError: no processes.
    """

    def __init__(self, processes: int = 2, few_rows: int = FEW_ROWS) -> None:
        if processes < 1:
            message = f"{processes} processes can't work on anything; give 1 or more"
            raise SettingError(message)
        self.processes = processes
        self.few_rows = few_rows
        self._standing: ProcessPoolExecutor | None = None

    def over(self, work: Callable[[Batch], T], rows: Rows, columns: Sequence[str]) -> Iterator[T]:
        """Apply `work` to each part.

        Args:
            work: is sent along with each part, and its result back: both are small.
            rows: the dataset.
            columns: what `work` reads.

        Yields:
            One result a part, in the parts' order.

        Raises:
            RunError: a process was killed.
        """
        if self.processes == 1 or len(rows.parts) <= 1 or len(rows) < self.few_rows:
            yield from map(work, rows.batches(columns))
            return
        # Spawned, not forked: Arrow's and BLAS's threads don't survive a fork.
        pool = self._standing = self._standing or ProcessPoolExecutor(
            self.processes, get_context("spawn"), begin_worker
        )
        try:
            yield from self._spread(pool, work, rows.parts, tuple(columns))
        except RunError:
            self._standing = None
            raise

    def _spread(
        self, pool: ProcessPoolExecutor, work: Callable[[Batch], T], parts: tuple[Part, ...], columns: tuple[str, ...]
    ) -> Iterator[T]:
        waiting: deque[tuple[Part, Future[T]]] = deque()
        coming = iter(parts)
        try:
            while True:
                for ahead in islice(coming, self.processes * AHEAD - len(waiting)):
                    waiting.append((ahead, pool.submit(_applied, work, columns, ahead)))
                if not waiting:
                    return
                part, first = waiting[0]
                found = first.result()
                waiting.popleft()
                yield found
        except BrokenProcessPool:
            message = (
                f"{part.path}: a process died at this part or a neighbour (killed, or out of memory); "
                f"run again, or with fewer than {self.processes} processes"
            )
            raise RunError(message) from None
        finally:
            # The reader stopped early, or there was Ctrl-C: parts not begun are dropped, those in hand finish.
            for _, future in waiting:
                future.cancel()


def _applied(work: Callable[[Batch], T], columns: tuple[str, ...], part: Part) -> T:
    begin_stage(type(work).__qualname__)
    return work(read_part(part, columns))
