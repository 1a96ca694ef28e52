"""Salted leaves: each line of a file as a digest that nobody can guess, and which line is which when they differ."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

from holdtrue.errors import EvidenceError
from holdtrue.evidence.canonical import canonical, parse
from holdtrue.evidence.findings import Finding
from holdtrue.evidence.merkle import leaf_hash, root

__all__ = ["Leaves", "check_lines", "leaves_file", "read_leaves", "withheld_line"]

SALT_BYTES: Final = 16
SCHEMA: Final = "holdtrue.leaves/1"
_NAME: Final = "leaves.json"
_AHEAD, _MOST = 64, 40
"""How far to look for the next line that fits, and how many findings of one file are worth listing."""


@final
@dataclass(frozen=True)
class Leaves:
    """The leaves of one file: `leaf_hash(salt || line)`."""

    hashes: tuple[bytes, ...]
    salts: tuple[bytes | None, ...]
    """None where the line is withheld."""

    @classmethod
    def of(cls, lines: Sequence[bytes], draw: Callable[[int], bytes]) -> "Leaves":
        """Leaves of lines, each with a salt of its own.

        Args:
            lines: without line feeds.
            draw: gives so many random bytes.
        """
        salts = tuple(draw(SALT_BYTES) for _ in lines)
        return cls(tuple(leaf_hash(salt + line) for salt, line in zip(salts, lines, strict=True)), salts)

    @property
    def root(self) -> str:
        """Merkle root, as hex."""
        return root(self.hashes).hex()

    def fits(self, line: bytes, at: int) -> bool:
        """Whether a line is the one that was sealed at a place, or stands for it withheld."""
        salt = self.salts[at]
        return line == withheld_line(self.hashes[at]) if salt is None else leaf_hash(salt + line) == self.hashes[at]


def withheld_line(leaf: bytes) -> bytes:
    """What stands in place of a line that isn't shown: its leaf's hash."""
    return b'{"withheld":"' + leaf.hex().encode() + b'"}'


def leaves_file(leaves: Mapping[str, Leaves]) -> bytes:
    """The file that holds salts and leaves, by file name."""
    files = {
        name: {"leaves": [h.hex() for h in each.hashes], "salts": [s.hex() if s else None for s in each.salts]}
        for name, each in leaves.items()
    }
    return canonical({"schema": SCHEMA, "files": files}) + b"\n"


def read_leaves(data: bytes) -> dict[str, Leaves]:
    """What `leaves_file` wrote.

    Raises:
        EvidenceError: something else, or not in its one form.
    """
    raw, _ = parse(data.removesuffix(b"\n"), _NAME)
    try:
        found = {str(name): _leaves(each) for name, each in raw["files"].items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        found = None
    if found is None or leaves_file(found) != data:
        message = f"{_NAME}: not the file of salts and leaves that sealing writes, byte for byte"
        raise EvidenceError(message)
    return found


def _leaves(raw: Mapping[str, Any]) -> Leaves:
    hashes = tuple(bytes.fromhex(each) for each in raw["leaves"])
    salts = tuple(None if each is None else bytes.fromhex(each) for each in raw["salts"])
    if len(hashes) != len(salts) or {len(h) for h in hashes} - {32} or {len(s) for s in salts if s} - {SALT_BYTES}:
        raise ValueError
    return Leaves(hashes, salts)


def check_lines(name: str, lines: Sequence[bytes], leaves: Leaves) -> list[Finding]:
    """Name every line that isn't what was sealed at its place.

    Args:
        name: of the file.
        lines: as they are now.
        leaves: as they were sealed.

    Returns:
        Faults, by line: edited, missing, added, copied or moved; the first few dozen of them.
    """
    if len(lines) == len(leaves.hashes) and all(leaves.fits(line, at) for at, line in enumerate(lines)):
        return []
    odd, gone = _differing(lines, leaves)
    found = []
    for at in list(odd):
        came = next((leaf for leaf in sorted(gone) if leaves.fits(lines[at], leaf)), None)
        if came is not None:
            found.append((at, "line-moved", f"sealed as line {came + 1}, moved here"))
            odd.remove(at)
            gone.remove(came)
    first: dict[bytes, int] = {}
    for at, line in enumerate(lines):
        first.setdefault(line, at)
    for at in sorted(odd):
        if first[lines[at]] != at or lines.count(lines[at]) > 1:
            other = next(k for k, line in enumerate(lines) if line == lines[at] and k != at)
            found.append((at, "line-duplicated", f"a copy of line {other + 1}; it wasn't sealed twice"))
        elif at in gone:
            found.append((at, "line-edited", "not what was sealed here"))
            gone.remove(at)
        else:
            found.append((at, "line-added", "wasn't sealed"))
    found += [(at, "line-missing", f"sealed line {at + 1} isn't there") for at in sorted(gone)]
    shown = [Finding(kind, f"{name}:{at + 1}", what, level=0) for at, kind, what in sorted(found)[:_MOST]]
    if len(found) > _MOST:
        shown.append(Finding("line-more", name, f"and {len(found) - _MOST} lines or more besides", level=0))
    return shown


def _differing(lines: Sequence[bytes], leaves: Leaves) -> tuple[set[int], set[int]]:
    """Lines that fit no leaf near their place, and leaves that no line near theirs fits."""
    odd: set[int] = set()
    gone: set[int] = set()
    n, m, i, j = len(lines), len(leaves.hashes), 0, 0
    while i < n and j < m and len(odd) + len(gone) < 4 * _MOST:
        if leaves.fits(lines[i], j):
            i, j = i + 1, j + 1
            continue
        for skipped_lines, skipped_leaves in _steps():
            line, leaf = i + skipped_lines, j + skipped_leaves
            if line < n and leaf < m and leaves.fits(lines[line], leaf):
                break
        else:
            line, leaf = i + 1, j + 1
        odd.update(range(i, line))
        gone.update(range(j, leaf))
        i, j = line, leaf
    if i >= n or j >= m:
        odd.update(range(i, min(n, i + 4 * _MOST)))
        gone.update(range(j, min(m, j + 4 * _MOST)))
    return odd, gone


def _steps() -> Iterator[tuple[int, int]]:
    """How to go on after a line that doesn't fit: one edited, then ever more missing or added."""
    yield 1, 1
    for far in range(1, _AHEAD):
        yield 0, far
        yield far, 0
