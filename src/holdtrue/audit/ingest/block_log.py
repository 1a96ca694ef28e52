"""Which blocks of an ingest are finished: a durable line for each."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Final, final

from filelock import FileLock, Timeout

from holdtrue.audit.ingest.block import Block
from holdtrue.audit.ingest.options import IngestOptions
from holdtrue.errors import RunError
from holdtrue.records import write_atomic

__all__ = ["BlockLog"]

_SCHEMA: Final = "holdtrue.ingest/1"


@final
class BlockLog:
    """`blocks.jsonl`: first what is read and how, then the finished blocks; one process at a time has it.

    A line torn by a kill is cut off on opening: its block counts as not begun. A log without a good row holds nothing
    worth keeping: another dataset or other options begin it anew, so that whoever names a column after all can.

    Args:
        folder: of the ingest.
        digest: of the dataset.
        options: how it is read.

    Raises:
        RunError: the log is of another dataset or of other options, is damaged, or is in use.
    """

    def __init__(self, folder: Path, digest: str, options: IngestOptions) -> None:
        self.folder = folder
        self.scratch = folder / "scratch"
        self.blocks: list[Block] = []
        """Finished, in the order of their numbers."""
        self._path = folder / "blocks.jsonl"
        self._options = _telling(options)
        self._head = {"schema": _SCHEMA, "digest": digest, "options": self._options}
        self._lock = FileLock(str(folder / ".lock"))

    def __enter__(self) -> "BlockLog":
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            message = f"{self.folder}: another ingest is writing there; wait for it, or choose another --out"
            raise RunError(message) from None
        try:
            self._recover()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return (self.folder / "rows.json").exists()

    def append(self, block: Block) -> None:
        """Note a finished block, and wait for the disk."""
        self._write(block.to_line())
        self.blocks.append(block)
        self.blocks.sort(key=lambda each: each.block)

    def _recover(self) -> None:
        lines = self._path.read_bytes().splitlines(keepends=True) if self._path.exists() else []
        if lines and not lines[-1].endswith(b"\n"):
            lines.pop()
            with self._path.open("rb+") as file:
                file.truncate(sum(map(len, lines)))
        if not lines:
            if any(self.folder.glob("*.parquet")) or self.finished:
                message = f"{self.folder}: holds rows of an unknown dataset; choose another --out"
                raise RunError(message)
            self._write((json.dumps(self._head) + "\n").encode())
            return
        try:
            head = json.loads(lines[0])
            self.blocks = sorted((Block(**json.loads(line)) for line in lines[1:]), key=lambda each: each.block)
        except (ValueError, TypeError) as error:
            message = f"{self._path}: edited or damaged ({error}); move {self.folder} away, or choose another --out"
            raise RunError(message) from None
        if head != self._head and self._hollow(head):
            self.blocks = []
            write_atomic(self._path, json.dumps(self._head) + "\n")
            return
        self._check(head)

    def _hollow(self, head: object) -> bool:
        """Whether it is an ingest's log, and no row came of it."""
        ours = isinstance(head, dict) and head.get("schema") == _SCHEMA
        there = any(block.rows for block in self.blocks) or any(self.folder.glob("*.parquet")) or self.finished
        return ours and not there

    def _check(self, head: object) -> None:
        if head == self._head:
            return
        if not isinstance(head, dict) or head.get("schema") != _SCHEMA:
            message = f"{self._path}: no log of an ingest ({_SCHEMA}); choose another --out"
            raise RunError(message)
        if head.get("digest") != self._head["digest"]:
            message = f"{self.folder}: holds another dataset, or this one before it was changed; choose another --out"
            raise RunError(message)
        before, now = head.get("options", {}), self._options
        changed = [
            f"{name} {before.get(name)!r} there, {now[name]!r} here" for name in now if before.get(name) != now[name]
        ]
        message = f"{self.folder}: read with other options ({'; '.join(changed)}); choose another --out, or give those"
        raise RunError(message)

    def _write(self, line: bytes) -> None:
        with self._path.open("ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())


def _telling(options: IngestOptions) -> dict[str, object]:
    """Options on which the result depends, as JSON gives them back."""
    found = asdict(options)
    for free in ("memory_bytes", "processes"):
        del found[free]
    back: dict[str, object] = json.loads(json.dumps(found))
    return back
