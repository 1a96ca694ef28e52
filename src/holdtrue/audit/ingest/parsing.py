"""One row's bytes become a JSON object, or the reason why not."""

import json
import re
from typing import Any, Final, NamedTuple

from holdtrue.audit.ingest.bad_rows import BadRow
from holdtrue.records import is_unicode

__all__ = ["MAX_LINE", "Raw", "parse", "parse_row"]

MAX_LINE: Final = 16 * 2**20
"""Bytes of a row; a longer one is no text that anybody wrote."""

_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_NAMES: Final = {list: "a list", str: "a text", bool: "a truth value", int: "a number", float: "a number"}


class Raw(NamedTuple):
    """A row as it came."""

    line: int
    """Line or row in its file, from 1."""
    data: bytes
    """JSON; of a bad row its beginning."""
    reason: str = ""
    """Why its reader couldn't make JSON of it."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        double = next(key for key in keys if keys.count(key) > 1)
        reason = f"key '{double[:40]}' is there twice"
        raise BadRow(reason)
    return found


# Faster readers keep the last of two equal keys without a word, and a trainer's reader may keep the other.
_DECODER: Final = json.JSONDecoder(object_pairs_hook=_once)


def parse(data: bytes) -> dict[str, Any]:
    """Read a row.

    Args:
        data: JSON, as UTF-8.

    Raises:
        BadRow: not UTF-8, not JSON, no object, nested too deep, a key twice, half a surrogate pair.
    """
    try:
        raw = _DECODER.decode(data.decode())
    except UnicodeDecodeError as error:
        reason = f"not UTF-8 at byte {error.start}"
        raise BadRow(reason) from None
    except json.JSONDecodeError as error:
        reason = f"not JSON: {error.msg} at character {error.pos}"
        raise BadRow(reason) from None
    except ValueError as error:  # a number of thousands of digits
        reason = f"not JSON: {str(error)[:80]}"
        raise BadRow(reason) from None
    except RecursionError:
        reason = "nested too deep"
        raise BadRow(reason) from None
    if type(raw) is not dict:
        reason = f"{_NAMES.get(type(raw), 'null')} where an object was expected"
        raise BadRow(reason)
    if _SURROGATE.search(data) and not _is_unicode(raw):
        reason = "half a surrogate pair in its text"
        raise BadRow(reason)
    return raw


def parse_row(raw: Raw) -> dict[str, Any]:
    """Read a row that a format's reader brought.

    Args:
        raw: as it came.

    Raises:
        BadRow: by the reader's word, too long, or as `parse` says.
    """
    if raw.reason:
        raise BadRow(raw.reason)
    if len(raw.data) > MAX_LINE:
        reason = f"a row of {len(raw.data):,} bytes; the limit is {MAX_LINE:,}"
        raise BadRow(reason)
    return parse(raw.data)


def _is_unicode(raw: object) -> bool:
    try:
        return is_unicode(raw)
    except RecursionError:
        return False
