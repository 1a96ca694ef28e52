"""A dataset's files, read in blocks: here, or in several processes."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Final, final

from holdtrue.audit.ingest.block import Block, Job, do_block
from holdtrue.audit.ingest.block_log import BlockLog
from holdtrue.audit.ingest.lines import Cut
from holdtrue.audit.ingest.options import IngestOptions
from holdtrue.audit.ingest.parsing import Raw
from holdtrue.audit.ingest.readers import read
from holdtrue.audit.ingest.shapes import Shape
from holdtrue.audit.ingest.signatures import bands
from holdtrue.audit.ingest.sources import Source
from holdtrue.audit.worker import begin_worker
from holdtrue.errors import StorageError
from holdtrue.progress import Report, Stage

__all__ = ["Plan", "read_all"]

_INLINE: Final = 4 * 2**20
"""Bytes for which starting processes would take longer than the work."""


@final
@dataclass(frozen=True)
class Plan:
    """What a dataset is, and where it is cut."""

    sources: Sequence[Source]
    cuts: Sequence[tuple[Cut, ...]]
    digest: str
    notes: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(source.size for source in self.sources)


def read_all(plan: Plan, shape: Shape, options: IngestOptions, log: BlockLog, report: Report) -> None:
    """Read what isn't read yet, in blocks.

    Args:
        plan: the dataset.
        shape: of its rows.
        options: how to read it.
        log: of the finished blocks; gets the others.
        report: told of progress, in MB.

    Raises:
        StorageError: a process was ended from outside.
    """
    known = {block.block for block in log.blocks}
    stage = Stage("reading", report, "MB")
    total = max(1, -(-plan.size // 10**6))

    def tick() -> None:
        stage(min(total - 1, sum(block.weight for block in log.blocks) // 10**6), total)

    tick()
    jobs = (job for job in _jobs(plan, shape, options, log.scratch) if job.block not in known)
    if options.processes == 1 or plan.size < _INLINE:
        for job in jobs:
            log.append(do_block(job))
            tick()
    else:
        _read_parallel(jobs, options, log, tick)
    stage(total, total)


def _read_parallel(jobs: Iterator[Job], options: IngestOptions, log: BlockLog, tick: Callable[[], None]) -> None:
    with ProcessPoolExecutor(options.processes, get_context("spawn"), begin_worker) as pool:
        waiting: set[Future[Block]] = set()
        try:
            for job in jobs:
                waiting.add(pool.submit(do_block, job))
                if len(waiting) > options.processes:
                    waiting = _take(waiting, log)
                    tick()
            while waiting:
                waiting = _take(waiting, log)
                tick()
        except BrokenProcessPool:
            message = (
                f"{log.folder}: a reading process was ended from outside, for want of memory perhaps; what is finished "
                "is safe: run the same command again, with fewer processes if it happens again"
            )
            raise StorageError(message) from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _take(waiting: set[Future[Block]], log: BlockLog) -> set[Future[Block]]:
    done, rest = wait(waiting, return_when=FIRST_COMPLETED)
    for each in done:
        log.append(each.result())
    return rest


def _jobs(plan: Plan, shape: Shape, options: IngestOptions, scratch: Path) -> Iterator[Job]:
    shared = (shape, options.seed, bands(options.similarity), scratch)
    number = 0
    for source, cuts in zip(plan.sources, plan.cuts, strict=True):
        if source.blockwise:
            for cut in cuts:
                yield Job(number, source.name, source.path, cut, (), *shared, cut.end - cut.start)
                number += 1
            continue
        for rows in _gathered(read(source), options.block_bytes):
            yield Job(number, source.name, source.path, None, rows, *shared, sum(len(raw.data) for raw in rows))
            number += 1


def _gathered(raws: Iterator[Raw], block_bytes: int) -> Iterator[tuple[Raw, ...]]:
    rows: list[Raw] = []
    size = 0
    for raw in raws:
        rows.append(raw)
        size += len(raw.data) + 64
        if size >= block_bytes:
            yield tuple(rows)
            rows, size = [], 0
    if rows:
        yield tuple(rows)
