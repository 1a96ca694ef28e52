"""The folder that a bundle is: which files may be in it, and how a stranger's is read."""

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from holdtrue.errors import ArtifactError, did_you_mean
from holdtrue.evidence.findings import Finding

__all__ = ["LINE_FILES", "MADE_FILES", "OPTIONAL_FILES", "REQUIRED_FILES", "STATEMENT", "Bundle", "read_bundle"]

STATEMENT: Final = "statement.dsse.json"
LEAVES: Final = "leaves.json"
LINE_FILES: Final = ("items.jsonl", "samples.jsonl", "controls.jsonl", "attempts.jsonl")
"""Sealed line by line."""
REQUIRED_FILES: Final = ("prereg.json", "verdict.json", *LINE_FILES)
OPTIONAL_FILES: Final = ("eligible.json", "tranche.json", "weights.sig")
MADE_FILES: Final = (LEAVES, "NON_CLAIMS.md", "index.html")
KNOWN: Final = frozenset((*REQUIRED_FILES, *OPTIONAL_FILES, *MADE_FILES, STATEMENT))
MAX_FILE_BYTES, MAX_LINE_BYTES, MAX_LINES = 512 * 2**20, 8 * 2**20, 2_000_000


@final
@dataclass(frozen=True)
class Bundle:
    """A bundle's files, each read once: what is checked is what was hashed."""

    path: Path
    files: dict[str, bytes]

    def digest(self, name: str) -> str:
        """sha256 of a file, as hex."""
        return hashlib.sha256(self.files[name]).hexdigest()

    def lines(self, name: str) -> list[bytes]:
        """A file's lines without their line feeds; what follows the last line feed counts as a line."""
        return split_lines(self.files.get(name, b""))

    def unended(self, name: str) -> bool:
        """Whether the last line lacks its line feed."""
        data = self.files.get(name, b"")
        return bool(data) and not data.endswith(b"\n")


def split_lines(data: bytes) -> list[bytes]:
    """Lines without their line feeds, by line feed alone."""
    lines = data.split(b"\n")
    return lines if lines[-1] else lines[:-1]


def read_bundle(path: Path) -> tuple[Bundle, list[Finding]]:
    """Read a folder that a stranger may have made: known names, ordinary files, limited sizes, no links followed.

    Args:
        path: the bundle.

    Returns:
        What can be read, and a fault for everything that can't or has no place there.

    Raises:
        ArtifactError: no such folder, or it has no statement and so is no bundle.
    """
    try:
        names = sorted(entry.name for entry in os.scandir(path))
    except OSError as error:
        message = f"{path}: can't read a bundle there ({error.strerror}); give the folder that `seal` wrote"
        raise ArtifactError(message) from None
    if STATEMENT not in names and not set(names) & set(MADE_FILES):
        message = f"{path}: no {STATEMENT} in it, so it is no bundle; give the folder that `seal` wrote"
        raise ArtifactError(message)
    files: dict[str, bytes] = {}
    found = []
    for name in names:
        if name not in KNOWN:
            found.append(_fault("file-added", name, f"has no place in a bundle; {did_you_mean(name, sorted(KNOWN))}"))
            continue
        try:
            files[name] = _read(path / name)
        except ArtifactError as error:
            found.append(_fault("file-unreadable", name, str(error)))
            continue
        too_much = _too_much(files[name]) if name in LINE_FILES else ""
        if too_much:
            found.append(_fault("file-oversized", name, too_much))
            del files[name]
    return Bundle(path, files), found


def _read(path: Path) -> bytes:
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        message = f"can't be read ({error.strerror}); links aren't followed"
        raise ArtifactError(message) from None
    with os.fdopen(opened, "rb") as file:
        status = os.fstat(opened)
        if not stat.S_ISREG(status.st_mode):
            message = "not an ordinary file"
            raise ArtifactError(message)
        if status.st_size > MAX_FILE_BYTES:
            message = f"{status.st_size} bytes is too large (limit {MAX_FILE_BYTES})"
            raise ArtifactError(message)
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        message = f"grew past {MAX_FILE_BYTES} bytes while it was read"
        raise ArtifactError(message)
    return data


def _too_much(data: bytes) -> str:
    if data.count(b"\n") > MAX_LINES:
        return f"more than {MAX_LINES} lines"
    longest = max(map(len, split_lines(data)), default=0)
    return f"a line of {longest} bytes is too long (limit {MAX_LINE_BYTES})" if longest > MAX_LINE_BYTES else ""


def _fault(kind: str, where: str, what: str) -> Finding:
    return Finding(kind, where[:120], what, level=0)
