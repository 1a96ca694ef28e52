"""Lists of messages, in the many ways that they are written."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from holdtrue.audit.ingest.bad_rows import BadRow

__all__ = ["join", "kind", "turns"]

_ROLES: Final[Mapping[str, str]] = {
    "system": "system", "developer": "system",
    "user": "prompt", "human": "prompt", "prompter": "prompt",
    "assistant": "response", "gpt": "response", "model": "response", "bot": "response", "chatgpt": "response",
    "ai": "response",
    # What a tool said is what the model reads, not what it learns to say.
    "tool": "prompt", "function": "prompt", "observation": "prompt", "ipython": "prompt",
    "function_call": "response", "tool_call": "response",
}  # fmt: skip


def turns(row: Mapping[str, Any], column: str) -> list[tuple[str, str]]:
    """Field and text of each message in a column.

    Raises:
        BadRow: no messages, or one of no known role or without content.
    """
    messages = row.get(column)
    if not isinstance(messages, list) or not messages:
        reason = f"no '{column}'" if not messages else f"'{column}' is {kind(messages)}, not a list of messages"
        raise BadRow(reason)
    return [_turn(message, column) for message in messages]


def _turn(message: object, column: str) -> tuple[str, str]:
    if not isinstance(message, dict):
        reason = f"a message of '{column}' is {kind(message)}, not an object"
        raise BadRow(reason)
    role = message.get("role", message.get("from"))
    field = _ROLES.get(role.lower()) if isinstance(role, str) else None
    if field is None:
        reason = f"a message's role is {role[:40]!r}" if isinstance(role, str) else "a message without a role"
        raise BadRow(reason)
    content = message.get("content", message.get("value"))
    if content is None and "text" in message:
        content = message["text"]
    calls = message.get("tool_calls")
    spoken = "" if content is None and calls else _content(content)
    # A call is something the model learns to say, too.
    return field, f"{spoken}\n{json.dumps(calls, ensure_ascii=False)}".strip() if calls else spoken


def _content(content: object) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        reason = "a message without content" if content is None else f"a message's content is {kind(content)}"
        raise BadRow(reason)
    return "\n".join(_piece(part) for part in content)


def _piece(part: object) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, dict):
        text = part.get("text")
        if isinstance(text, str):
            return text
        if isinstance(part.get("type"), str) and part["type"] != "text":
            return f"[{part['type'][:40]}]"  # an image or a sound: that it is there, not what is in it
    reason = "a part of a message's content has no text"
    raise BadRow(reason)


def join(said: Sequence[tuple[str, str]]) -> str:
    """The texts of some messages, a line each."""
    return "\n".join(text for _, text in said)


def kind(value: object) -> str:
    """What a JSON value is, in words."""
    if isinstance(value, bool):
        return "a truth value"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "a list" if isinstance(value, list) else "an object" if isinstance(value, dict) else "null"
