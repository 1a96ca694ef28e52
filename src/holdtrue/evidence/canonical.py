"""Canonical JSON: the one way to write a value, so that equal values have equal digests."""

import json
import re
import secrets
from typing import Any

import rfc8785

from holdtrue.errors import EvidenceError

__all__ = ["canonical", "is_canonical", "parse"]

_ASTRAL = re.compile(rb"[\xf0-\xf4]")


def canonical(value: object) -> bytes:
    """A value as canonical JSON in UTF-8.

    RFC 8785, with one addition: integers beyond 2^53, which it refuses, are written digit by digit. A model may write
    one into a tool call, and its transcript must be sealed all the same.

    Args:
        value: None, booleans, numbers, text, lists and string-keyed dictionaries.

    Raises:
        EvidenceError: NaN, an infinity, half a surrogate pair, nested too deeply, or of a type that JSON hasn't.
    """
    try:
        return rfc8785.dumps(value)  # type: ignore[arg-type]
    except rfc8785.IntegerDomainError:
        pass
    except (rfc8785.CanonicalizationError, RecursionError) as error:
        message = f"{error or 'nested too deeply'}: no canonical JSON of it; mend the value that was written"
        raise EvidenceError(message) from None
    marker = secrets.token_hex(16)  # nobody's text can have it
    written = canonical(_marked(value, marker))
    return re.sub(rb'"%b(-?\d+)"' % marker.encode(), rb"\1", written)


def parse(line: bytes, source: str) -> tuple[Any, bool]:
    """A line of JSON, and whether it is in canonical form.

    Args:
        line: without its line feed.
        source: file and line, for the message.

    Raises:
        EvidenceError: not UTF-8, not JSON, NaN, numbers of thousands of digits, or nested too deeply.
    """
    odd = False

    def number(text: str) -> float:
        nonlocal odd
        value = float(text)
        odd = odd or repr(value) != text or "e" in text or text.endswith(".0")
        return value

    try:
        value = json.loads(line.decode("utf-8"), parse_float=number, parse_constant=_refuse)
        # The encoder of the standard library differs only in floats and in the order of keys beyond the first plane.
        if not odd and not _ASTRAL.search(line):
            written = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        else:
            written = canonical(value)
    except (ValueError, RecursionError, EvidenceError) as error:
        message = f"{source}: not JSON that can be sealed ({str(error)[:120]}); write it again"
        raise EvidenceError(message) from None
    return value, written == line


def is_canonical(line: bytes) -> bool:
    """Whether a line is JSON in canonical form."""
    try:
        return parse(line, "")[1]
    except EvidenceError:
        return False


def _refuse(text: str) -> float:
    message = f"{text} is no number of JSON"
    raise ValueError(message)


def _marked(value: object, marker: str) -> object:
    """The value with its large integers as marked text, which `canonical` turns back into digits."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        return f"{marker}{value}"
    if isinstance(value, dict):
        return {key: _marked(each, marker) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_marked(each, marker) for each in value]
    return value
