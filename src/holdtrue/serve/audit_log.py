"""Turns drawn in secret for an expensive judge: a durable line for each."""

import json
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import final

from holdtrue.watch import AuditSampler

__all__ = ["AuditLog"]

_log = logging.getLogger(__name__)


@final
class AuditLog:
    """Appends the turns that a keyed draw chose, in a thread of its own: no answer waits for it, drawn or not."""

    def __init__(self, sampler: AuditSampler, path: Path) -> None:
        self._sampler, self._path = sampler, path
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="audit")

    def offer(self, session: str, turn: int, user: str, answer: str) -> None:
        """Keep the turn if it is drawn; returns at once.

        A line that can't be written is logged and missed: refusing the answer would tell the client that it was drawn.
        """
        self._writer.submit(self._write, session, turn, user, answer)

    def close(self) -> None:
        """Wait for what was offered."""
        self._writer.shutdown()

    def _write(self, session: str, turn: int, user: str, answer: str) -> None:
        line = json.dumps({"session": session, "turn": turn, "user": user, "answer": answer}, ensure_ascii=False) + "\n"
        # Opened for every turn: a log that can't be, says so of every turn too, and doesn't tell which are drawn.
        drawn = line if self._sampler.chosen(session, turn) else ""
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            with os.fdopen(descriptor, "ab") as file:
                file.write(drawn.encode("utf-8", "replace"))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            _log.error("the audit log %s can't be written (%s), and misses what is drawn", self._path, error.strerror)
