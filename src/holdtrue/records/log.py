"""Logs of finished work: a durable line for each record."""

import os
from collections.abc import Hashable
from pathlib import Path
from typing import Generic, TypeVar, final

from holdtrue.errors import ArtifactError, RunError, StorageError
from holdtrue.records.audit_reading import AuditReading
from holdtrue.records.base import storage_error
from holdtrue.records.gate_sample import GateSample
from holdtrue.records.judge_answer import JudgeAnswer
from holdtrue.records.judgement import Judgement
from holdtrue.records.trial import CapabilityTrial, Trial

__all__ = ["RecordLog"]


T = TypeVar("T", Trial, CapabilityTrial, Judgement, GateSample, AuditReading, JudgeAnswer)


@final
class RecordLog(Generic[T]):
    """Append-only; a record is on the disk when `append` returns.

    A line torn by a kill is cut off on opening: its item counts as not begun.

    Args:
        path: the file; made with the first record.
        kind: the record's class.

    Raises:
        RunError: a whole line isn't such a record, or one is there twice.
        StorageError: the file can't be read.
    """

    def __init__(self, path: Path, kind: type[T]) -> None:
        self.path = path
        self._kind: type[T] = kind
        self.records: list[T] = []
        """Finished, in the order they finished in."""
        self.keys: set[Hashable] = set()
        try:
            if path.exists():
                self._recover()
        except OSError as error:
            raise storage_error(path, error) from None

    def _recover(self) -> None:
        whole = 0
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    break
                self._take(self._parse(line, number), number)
                whole += len(line)
        if whole < self.path.stat().st_size:
            with self.path.open("rb+") as file:
                file.truncate(whole)
                os.fsync(file.fileno())

    def _parse(self, line: bytes, number: int) -> T:
        try:
            record: T = self._kind.from_json(line.decode(), "this line")
        except (ArtifactError, UnicodeDecodeError) as error:
            message = (
                f"{self.path} line {number}: not a finished record ({error}); the log was edited or damaged: "
                f"move {self.path.parent} away, or choose another --out"
            )
            raise RunError(message) from None
        return record

    def _take(self, record: T, number: int) -> None:
        if record.key in self.keys:
            message = f"{self.path} line {number}: {record.key} is there twice; two runs share one folder"
            raise RunError(message)
        self.keys.add(record.key)
        self.records.append(record)

    def append(self, record: T) -> None:
        """Write a record, and wait for the disk.

        Raises:
            StorageError: the disk is full, read-only or gone; every earlier line is safe.
        """
        try:
            with self.path.open("ab") as file:
                file.write((record.to_json(indent=None) + "\n").encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            message = (
                f"{self.path}: can't append ({error.strerror}); {len(self.records)} finished records are safe: "
                "free some space and run the same command again to go on"
            )
            raise StorageError(message) from None
        self._take(record, len(self.records) + 1)
