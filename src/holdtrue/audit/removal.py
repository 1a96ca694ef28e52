"""Which lines of a file go, what they held, and whether its copy lacks them and nothing else."""

import json
from collections.abc import Mapping, Sequence
from itertools import zip_longest

from holdtrue.audit.ingest.readers import read
from holdtrue.audit.ingest.sources import Source
from holdtrue.audit.rows import Rows
from holdtrue.errors import ArtifactError

__all__ = ["checked_copy", "lines_to_remove", "removed_lines"]


def lines_to_remove(rows: Rows, remove: frozenset[int]) -> dict[str, dict[int, int]]:
    """Rows to remove by file and line."""
    found: dict[str, dict[int, int]] = {}
    numbers = sorted(remove)
    for row, fields in zip(numbers, rows.take(numbers, ["source", "line"]), strict=True):
        found.setdefault(fields["source"], {})[int(fields["line"])] = row
    return found


def removed_lines(source: Source, gone: Mapping[int, int], reasons: Mapping[int, Sequence[int]]) -> list[str]:
    """Lines of `removed.jsonl` for one file.

    Args:
        source: the file.
        gone: its lines, and the rows they are.
        reasons: for a row the places of its findings.

    Raises:
        ArtifactError: a line isn't there.
    """
    found = []
    for raw in read(source):
        if raw.line in gone:
            row = gone[raw.line]
            line = {
                "row": row,
                "source": source.name,
                "line": raw.line,
                "findings": list(reasons.get(row, ())),
                "data": json.loads(raw.data),
            }
            found.append(json.dumps(line, ensure_ascii=False) + "\n")
    if len(found) != len(gone):
        message = f"{source.path}: has {len(found)} of the {len(gone)} rows to remove; audit it again"
        raise ArtifactError(message)
    return found


def checked_copy(source: Source, gone: frozenset[int], copy: Source) -> int:
    """How many rows the copy has, after making sure that they are the original's others in their order.

    Raises:
        ArtifactError: they aren't.
    """
    kept = (raw.data for raw in read(source) if raw.line not in gone)
    n = 0
    for n, (mine, theirs) in enumerate(zip_longest(kept, (raw.data for raw in read(copy))), start=1):
        if mine != theirs:
            message = (
                f"{source.path}: its rows can't be told apart (number {n} of the copy isn't the original's); "
                "write it as JSON lines, and audit it again"
            )
            raise ArtifactError(message)
    return n
