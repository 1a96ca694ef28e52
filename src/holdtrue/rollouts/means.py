"""Activation sums that survive `kill -9`: a checkpoint, and the batches since."""

from pathlib import Path
from typing import final

from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from holdtrue.axis import CellSums, MeanBatch
from holdtrue.errors import RunError
from holdtrue.records import storage_error, write_atomic

__all__ = ["MeanStore"]

CHECKPOINT_EVERY = 16


@final
class MeanStore:
    """The design's sums in memory; on disk a checkpoint plus one small file per later batch.

    Batches are added in the order of the plan and replayed in that order, so the sums of a resumed run equal an
    unbroken run's to the last bit. Disk use is bounded: checkpoint, reserve and `CHECKPOINT_EVERY` batches.
    """

    def __init__(self, folder: Path, empty: CellSums) -> None:
        self._folder = folder
        self.cells = empty
        self.next_batch = 0
        """Index of the first batch whose means are not stored."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise storage_error(folder, error) from None
        self._checkpointed = self._load_checkpoint()
        self.next_batch = self._checkpointed
        while (pending := self._batch_path(self.next_batch)).exists():
            self.cells = self.cells.add([_load_batch(pending)])
            self.next_batch += 1

    def put(self, index: int, batch: MeanBatch) -> None:
        """Store one batch durably and add it; a batch that is stored already is left alone.

        Raises:
            RunError: batches come out of order.
            StorageError: the disk is full.
        """
        if index < self.next_batch:
            return
        if index > self.next_batch:
            message = f"{self._folder}: means of batch {self.next_batch} are missing before {index}; start a new --out"
            raise RunError(message)
        tensors = {name: getattr(batch, name).contiguous() for name in BATCH_FIELDS}
        write_atomic(self._batch_path(index), save(tensors))
        self.cells = self.cells.add([batch])
        self.next_batch = index + 1
        if self.next_batch - self._checkpointed >= CHECKPOINT_EVERY:
            self._checkpoint()

    def _checkpoint(self) -> None:
        tensors = {name: getattr(self.cells, name).contiguous() for name in CELL_FIELDS}
        write_atomic(self._folder / "cells.safetensors", save(tensors, metadata={"batches": str(self.next_batch)}))
        self._sweep(self._checkpointed, self.next_batch)
        self._checkpointed = self.next_batch

    def _load_checkpoint(self) -> int:
        path = self._folder / "cells.safetensors"
        if not path.exists():
            return 0
        try:
            with safe_open(path, framework="pt") as file:
                batches = int((file.metadata() or {})["batches"])
                self.cells = CellSums(**{name: file.get_tensor(name) for name in CELL_FIELDS})
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            message = f"{path}: damaged ({error}); move {self._folder.parent} away and run again"
            raise RunError(message) from None
        # A kill between the checkpoint and its sweep leaves batches behind that are counted already.
        self._sweep(max(0, batches - CHECKPOINT_EVERY), batches)
        return batches

    def _sweep(self, first: int, last: int) -> None:
        for index in range(first, last):
            self._batch_path(index).unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove the working files: what the artifact needs is in the artifact."""
        try:
            for path in self._folder.glob("*.safetensors"):
                path.unlink()
            self._folder.rmdir()
        except OSError as error:
            raise storage_error(self._folder, error) from None

    def _batch_path(self, index: int) -> Path:
        return self._folder / f"batch-{index:06d}.safetensors"


BATCH_FIELDS = ("means", "rows", "questions", "reserved")
CELL_FIELDS = ("sums", "counts", "reserve", "reserve_rows", "reserve_questions")


def _load_batch(path: Path) -> MeanBatch:
    try:
        with safe_open(path, framework="pt") as file:
            return MeanBatch(**{name: file.get_tensor(name) for name in BATCH_FIELDS})
    except (OSError, SafetensorError) as error:
        message = f"{path}: damaged ({error}); delete it and run again"
        raise RunError(message) from None
