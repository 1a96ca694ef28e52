"""This machine's processes: parts are handed out in order, results come back in order."""

import pickle
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, ClassVar, Final, TypeVar, final

from holdtrue.audit.maps.base import Maps
from holdtrue.audit.rows import Batch, Part, Rows, read_part
from holdtrue.audit.worker import begin_worker
from holdtrue.errors import RunError, SettingError

__all__ = ["LocalMaps"]

T = TypeVar("T")

FEW_ROWS: Final = 20_000
"""Below it starting processes costs more than they save."""
AHEAD: Final = 2
"""Parts in hand for each process: one being worked on and one waiting."""
SMALL_BYTES: Final = 2**20
"""Work up to this size is sent along with each part."""


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
            work: can be pickled; its result is small.
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
        data = pickle.dumps(work)
        packed: bytes | str = data
        with ExitStack() as stack:
            if len(data) > SMALL_BYTES:
                # Read by each process once: a mask over all rows, sent with every part, would outweigh the parts.
                file = stack.enter_context(NamedTemporaryFile(prefix="holdtrue-work-"))
                file.write(data)
                file.flush()
                packed = file.name
            try:
                yield from self._spread(pool, packed, rows.parts, tuple(columns))
            except RunError:
                self._standing = None
                raise

    def _spread(
        self, pool: ProcessPoolExecutor, packed: bytes | str, parts: tuple[Part, ...], columns: tuple[str, ...]
    ) -> Iterator[Any]:
        waiting: deque[tuple[Part, Future[object]]] = deque()
        coming = iter(parts)
        try:
            while True:
                for ahead in islice(coming, self.processes * AHEAD - len(waiting)):
                    waiting.append((ahead, pool.submit(_Worker.apply, packed, columns, ahead)))
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


class _Worker:
    """What a spawned process keeps between its parts."""

    packed: ClassVar[bytes | str] = b""
    work: ClassVar[Callable[[Batch], object]]

    @classmethod
    def apply(cls, packed: bytes | str, columns: tuple[str, ...], part: Part) -> object:
        """One part; the work is packed, or the name of a file that holds it."""
        if packed != cls.packed:
            data = Path(packed).read_bytes() if isinstance(packed, str) else packed
            cls.packed, cls.work = packed, pickle.loads(data)  # noqa: S301, the parent packed it, in a file of its own
        return cls.work(read_part(part, columns))
