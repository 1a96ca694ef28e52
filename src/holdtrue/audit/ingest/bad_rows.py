"""Rows that can't be used: why, and where they are kept."""

import json
from typing import Final, final

__all__ = ["BadRow", "quarantined"]

EXCERPT: Final = 200


@final
class BadRow(Exception):  # noqa: N818 - a verdict on data, caught for each row and never seen by a user
    """This row goes to the quarantine; the text says why."""


def quarantined(source: str, line: int, reason: str, data: bytes) -> str:
    """A line of `quarantine.jsonl`.

    Args:
        source: the file.
        line: line or row in it.
        reason: what is wrong.
        data: the row as it came; its first bytes are kept, those that are no text as escapes.
    """
    excerpt = data[:EXCERPT].decode("utf-8", "backslashreplace")
    return json.dumps({"source": source, "line": line, "reason": reason, "excerpt": excerpt}) + "\n"
