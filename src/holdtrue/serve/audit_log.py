"""Turns drawn in secret for an expensive judge: a durable line for each."""

import json
import os
from pathlib import Path
from typing import final

from holdtrue.records import storage_error
from holdtrue.watch import AuditSampler

__all__ = ["AuditLog"]


@final
class AuditLog:
    """Appends the turns that a keyed draw chose; nothing in an answer tells that it did."""

    def __init__(self, sampler: AuditSampler, path: Path) -> None:
        self._sampler, self._path = sampler, path

    def offer(self, session: str, turn: int, user: str, answer: str) -> None:
        """Keep the turn if it is drawn; what is done for the others fails and takes time alike.

        Raises:
            StorageError: the disk is full or gone.
        """
        line = json.dumps({"session": session, "turn": turn, "user": user, "answer": answer}, ensure_ascii=False)
        drawn = line.encode() + b"\n" if self._sampler.chosen(session, turn) else b""
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            with os.fdopen(descriptor, "ab") as file:
                file.write(drawn)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise storage_error(self._path, error) from None
