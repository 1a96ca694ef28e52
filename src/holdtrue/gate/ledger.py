"""`attempts.jsonl`: every try counts, for ever."""

import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, TypeAlias, final

from holdtrue.errors import ArtifactError, RunError
from holdtrue.records.base import read_capped, storage_error, write_atomic
from holdtrue.records.prereg import AttemptEntry, Prereg, VerdictName

__all__ = ["GENESIS", "AttemptLedger", "line_digest", "read_ledger"]

GENESIS: Final = "0" * 64
Event: TypeAlias = Literal["sealed", "eligible", "decided"]


def line_digest(line: bytes) -> str:
    """sha256 of a line without its line feed, as hex: what the next line calls `previous`."""
    return hashlib.sha256(line.rstrip(b"\n")).hexdigest()


def read_ledger(data: bytes, source: str) -> tuple[AttemptEntry, ...]:
    """Read a whole ledger and check that each line follows from the one before, and counts its attempt rightly.

    Args:
        data: the file; its last line must be ended.
        source: its name, for the error message.

    Raises:
        RunError: naming the first line that was edited, deleted or moved.
    """
    entries: list[AttemptEntry] = []
    previous = GENESIS
    for number, line in enumerate(data.splitlines(keepends=True), start=1):
        try:
            entry = AttemptEntry.from_json(line.decode(), "this line")
        except (ArtifactError, UnicodeDecodeError) as error:
            message = f"{source} line {number}: not an attempt ({error}); {_MEND}"
            raise RunError(message) from None
        if entry.previous != previous or not line.endswith(b"\n"):
            message = (
                f"{source} line {number}: doesn't follow from line {number - 1}: one of them was edited, deleted or "
                f"moved; {_MEND}"
            )
            raise RunError(message)
        if (fault := _misfit(entries, entry)) is not None:
            message = f"{source} line {number}: {fault}; {_MEND}"
            raise RunError(message)
        entries.append(entry)
        previous = line_digest(line)
    return tuple(entries)


_MEND: Final = "put back the ledger as it was: attempts can't be taken back"


def _count(entries: Iterable[AttemptEntry], name: str, failure_class: str) -> int:
    return len(
        {
            entry.prereg
            for entry in entries
            if entry.event == "sealed" and entry.name == name and failure_class in entry.attempts
        }
    )


def _misfit(entries: list[AttemptEntry], entry: AttemptEntry) -> str | None:
    """What is wrong with an entry, after those before it."""
    sealed = next((one for one in entries if one.event == "sealed" and one.prereg == entry.prereg), None)
    if entry.event != "sealed":
        if sealed is None:
            return f"'{entry.event}' of a pre-registration that wasn't sealed"
        same = (entry.name, entry.attempts) == (sealed.name, sealed.attempts)
        return None if same else f"'{entry.event}' of another name or attempt than was sealed"
    if sealed is not None:
        return "a pre-registration that was sealed before"
    for failure_class, attempt in entry.attempts.items():
        counted = _count(entries, entry.name, failure_class) + 1
        if attempt != counted:
            return f"{failure_class} is attempt {counted} of '{entry.name}', not {attempt}"
    return None


@final
class AttemptLedger:
    """Append-only and hash-chained; an entry is on the disk when `append` returns.

    A line torn by a kill is cut off. A second file beside it, `NAME.head`, keeps how many lines there are and the
    digest of the last one, since a chain alone doesn't notice when its end is cut off or rewritten.

    Args:
        path: the file; made with the first entry.

    Raises:
        RunError: a line was edited, deleted or moved; the message names it.
        StorageError: the file can't be read or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.head_path = path.with_name(path.name + ".head")
        self.entries: tuple[AttemptEntry, ...] = ()
        """Oldest first."""
        self._last = GENESIS
        if path.exists() or self.head_path.exists():
            with self._locked():
                self._load()

    def next_attempts(self, name: str, classes: Iterable[str]) -> dict[str, int]:
        """Which attempt a new pre-registration is, by class: one more than were sealed, decided or not.

        Args:
            name: what attempts are counted under.
            classes: the failure classes it will try.
        """
        return {each: _count(self.entries, name, each) + 1 for each in classes}

    def seal(self, prereg: Prereg) -> AttemptEntry:
        """Enter a pre-registration before its first answer; one that is there already doesn't count anew.

        Raises:
            RunError: its attempt numbers aren't the next ones: another run was sealed meanwhile.
            StorageError: the disk is full, read-only or gone.
        """
        attempts: dict[str, int] = {
            each.failure_class: each.attempt for each in prereg.classes if each.not_applicable is None
        }
        return self.append("sealed", prereg, attempts, prereg.digest)

    def append(
        self,
        event: Event,
        prereg: Prereg,
        attempts: Mapping[str, int],
        content: str,
        verdicts: Mapping[str, VerdictName] | None = None,
    ) -> AttemptEntry:
        """Enter an event of an attempt; the same event of the same content is entered once.

        Args:
            event: what happened.
            prereg: the attempt's.
            attempts: by class, as sealed.
            content: digest of what it is about.
            verdicts: by class, where it was decided.

        Raises:
            RunError: it doesn't follow from what is in the ledger.
            StorageError: the disk is full, read-only or gone; every earlier line is safe.
        """
        with self._locked():
            self._load()
            for old in self.entries:
                if (old.event, old.prereg) == (event, prereg.digest):
                    return self._same(old, content)
            entry = AttemptEntry(
                name=prereg.name,
                event=event,
                prereg=prereg.digest,
                attempts=dict(attempts),
                content=content,
                verdicts=dict(verdicts or {}),
                time=datetime.now(UTC).isoformat(timespec="seconds"),
                previous=self._last,
            )
            if (fault := _misfit(list(self.entries), entry)) is not None:
                message = f"{self.path}: {fault}; another run may have been sealed meanwhile: pre-register anew"
                raise RunError(message)
            line = (entry.to_json(indent=None) + "\n").encode()
            try:
                with self.path.open("ab") as file:
                    file.write(line)
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                raise storage_error(self.path, error) from None
            self.entries, self._last = (*self.entries, entry), line_digest(line)
            self._write_head()
            return entry

    def _same(self, old: AttemptEntry, content: str) -> AttemptEntry:
        if old.content == content:
            return old
        message = (
            f"{self.path}: this attempt has its '{old.event}' already, about {old.content[:12]}…, not {content[:12]}…; "
            "what was sealed stays: start a new attempt"
        )
        raise RunError(message)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One run at a time reads and writes; the lock goes with the process."""
        lock = self.path.with_name(self.path.name + ".lock")
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            file = lock.open("ab")
        except OSError as error:
            raise storage_error(lock, error) from None
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _load(self) -> None:
        try:
            data = self.path.read_bytes() if self.path.exists() else b""
        except OSError as error:
            raise storage_error(self.path, error) from None
        whole = data[: data.rfind(b"\n") + 1]
        self.entries = read_ledger(whole, str(self.path))
        lines = whole.splitlines(keepends=True)
        self._last = line_digest(lines[-1]) if lines else GENESIS
        self._check_head(lines)
        if len(whole) < len(data):
            try:
                with self.path.open("rb+") as file:
                    file.truncate(len(whole))
                    os.fsync(file.fileno())
            except OSError as error:
                raise storage_error(self.path, error) from None

    def _check_head(self, lines: list[bytes]) -> None:
        if not self.head_path.exists():
            if lines:
                self._write_head()
            return
        words = read_capped(self.head_path, "the ledger's head", 1000).split()
        count = int(words[0]) if len(words) == 2 and words[0].isdecimal() else -1
        if not 0 < count <= len(lines):
            message = (
                f"{self.path} line {len(lines) + 1}: there were {max(count, 0)} lines by {self.head_path.name}, and "
                f"{len(lines)} are left; {_MEND}"
            )
            raise RunError(message)
        if line_digest(lines[count - 1]) != words[1]:
            message = f"{self.path} line {count}: was edited since {self.head_path.name} was written; {_MEND}"
            raise RunError(message)
        if count < len(lines):  # killed between the two writes
            self._write_head()

    def _write_head(self) -> None:
        write_atomic(self.head_path, f"{len(self.entries)} {self._last}\n")
