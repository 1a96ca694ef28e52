"""Where a row came from, in a few short words: source, annotator, month, language, split, licence."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

__all__ = ["slices", "telling"]

LONGEST: Final = 64
MOST: Final = 32
"""Slices of one row; nobody has more, and an attacker's row might."""
_DATE: Final = re.compile(r"(\d{4})[-/](\d{2})(?:[-/]\d{2}(?:[T ].*)?)?$", re.DOTALL)
_TIMED: Final = re.compile(r"date|time|created|updated|_at$", re.IGNORECASE)


def slices(row: Mapping[str, Any], ignored: frozenset[str]) -> str:
    """A row's provenance as a JSON object with sorted keys; objects are taken apart one level deep.

    Args:
        row: parsed.
        ignored: columns to leave out.
    """
    found: dict[str, str] = {}
    for name, value in row.items():
        if name in ignored:
            continue
        for key, inner in _flat(name, value):
            short = _short(key, inner)
            if short is not None and len(found) < MOST:
                found[key[:LONGEST]] = short
    return json.dumps(found, sort_keys=True, ensure_ascii=False) if found else "{}"


def telling(column: str, values: Sequence[object]) -> bool:
    """True unless a column is an identifier, or of long texts: such can't tell groups of rows apart.

    Args:
        column: its name.
        values: of the first rows; None where it is missing.
    """
    there = [value for value in values if value is not None]
    if any(isinstance(value, dict) for value in there):
        return True
    short = [_short(column, value) for value in there]
    distinct = {value for value in short if value is not None}
    long = sum(isinstance(value, str) and len(value) > LONGEST for value in there)
    return bool(distinct) and long * 10 <= len(there) and len(distinct) <= max(50, len(there) // 2)


def _flat(name: str, value: object) -> list[tuple[str, object]]:
    if isinstance(value, dict):
        return [(f"{name}.{key}", inner) for key, inner in value.items()]
    return [(name, value)]


def _short(name: str, value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return _month(value) if _TIMED.search(name) and value > 10**8 else str(value)[:LONGEST]
    if not isinstance(value, str) or not value:
        return None
    dated = _DATE.match(value)
    return f"{dated[1]}-{dated[2]}" if dated else value[:LONGEST]


def _month(stamp: int) -> str:
    while stamp > 10**11:  # milli-, micro- or nanoseconds
        stamp //= 1000
    return datetime.fromtimestamp(stamp, UTC).strftime("%Y-%m")
