"""Server-sent events: the framing of streams (WHATWG HTML, section 9.2)."""

import json
from collections.abc import Mapping
from typing import Final

__all__ = ["DONE", "KEEP_ALIVE", "event"]

DONE: Final = b"data: [DONE]\n\n"
"""Ends a stream of chunks."""
KEEP_ALIVE: Final = b": still here\n\n"
"""A comment, which clients skip."""

# JSON escapes the ASCII line breaks itself; some clients split on these as well, which would cut an event in two.
_LINE_BREAKS: Final = {ord(char): f"\\u{ord(char):04x}" for char in "\x85\u2028\u2029"}


def event(data: Mapping[str, object], name: str | None = None) -> bytes:
    """One event with JSON data on one line.

    Args:
        data: a chunk, an error's body, or a dashboard event; no NaN.
        name: the event's type; chunks have none.

    Returns:
        UTF-8, with the empty line that ends it.
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False).translate(_LINE_BREAKS)
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {text}\n\n".encode("utf-8", "replace")
