"""A parsed row becomes the audit's five texts."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from holdtrue.audit.ingest.bad_rows import BadRow
from holdtrue.audit.ingest.shapes import Shape

__all__ = ["Texts", "normalise"]

_ROLES: Final[Mapping[str, str]] = {
    "system": "system", "developer": "system",
    "user": "prompt", "human": "prompt", "prompter": "prompt",
    "assistant": "response", "gpt": "response", "model": "response", "bot": "response", "chatgpt": "response",
    "ai": "response",
    # What a tool said is what the model reads, not what it learns to say.
    "tool": "prompt", "function": "prompt", "observation": "prompt", "ipython": "prompt",
    "function_call": "response", "tool_call": "response",
}  # fmt: skip
LABEL: Final = 200
_HUMAN, _ASSISTANT = "\n\nHuman:", "\n\nAssistant:"


class Texts(NamedTuple):
    """The text fields of a row."""

    system: str = ""
    prompt: str = ""
    response: str = ""
    rejected: str = ""
    label: str = ""


def normalise(row: Mapping[str, Any], shape: Shape) -> Texts:
    """Pick a row's texts.

    Args:
        row: parsed.
        shape: how the dataset's rows are made.

    Raises:
        BadRow: a field is missing, or isn't a text.
    """
    found = _TAKE[shape.kind](row, shape.columns)
    if any("\0" in text for text in found):
        reason = "a NUL character in its text"
        raise BadRow(reason)
    return found


def _chat(row: Mapping[str, Any], columns: Mapping[str, str]) -> Texts:
    turns = _turns(row, columns["messages"])
    found = _split(turns)
    if "system" in columns and row.get(columns["system"]):
        found = found._replace(system="\n".join(filter(None, (_text(row, columns["system"]), found.system))))
    if not any(role == "response" for role, _ in turns):
        reason = f"no turn of the assistant in '{columns['messages']}'"
        raise BadRow(reason)
    return found


def _completion(row: Mapping[str, Any], columns: Mapping[str, str]) -> Texts:
    asked = _asked(row, columns["prompt"])
    more = _optional(row, columns, "input")
    return Texts(
        system=_optional(row, columns, "system") or asked.system,
        prompt=f"{asked.prompt}\n{more}" if more else asked.prompt,
        response=_said(row, columns["response"]),
    )


def _preference(row: Mapping[str, Any], columns: Mapping[str, str]) -> Texts:
    chosen, rejected = (row.get(columns[name]) for name in ("chosen", "rejected"))
    if isinstance(chosen, list) and isinstance(rejected, list):
        ours, theirs = _turns(row, columns["chosen"]), _turns(row, columns["rejected"])
        shared = 0
        while shared < min(len(ours), len(theirs)) - 1 and ours[shared] == theirs[shared]:
            shared += 1
        before = _split(ours[:shared])
        prompt = "\n".join(filter(None, (before.prompt, before.response)))
        found = Texts(before.system, prompt, _join(ours[shared:]), _join(theirs[shared:]))
    else:
        found = _transcripts(_text(row, columns["chosen"]), _text(row, columns["rejected"]))
    if "prompt" in columns:
        asked = _asked(row, columns["prompt"])
        found = found._replace(system=asked.system or found.system, prompt=asked.prompt)
    return found._replace(system=_optional(row, columns, "system") or found.system)


def _transcripts(chosen: str, rejected: str) -> Texts:
    """Two texts; of whole dialogues with "Human:" and "Assistant:" what comes before the last reply is the prompt."""
    head, mark, ours = chosen.rpartition(_ASSISTANT)
    if mark and head.startswith(_HUMAN) and rejected.startswith(_HUMAN):
        other, mark, theirs = rejected.rpartition(_ASSISTANT)
        if mark and other == head:
            return Texts(prompt=head.removeprefix(_HUMAN).strip(), response=ours.strip(), rejected=theirs.strip())
    return Texts(response=chosen, rejected=rejected)


def _label(row: Mapping[str, Any], columns: Mapping[str, str]) -> Texts:
    value = row.get(columns["label"])
    label = ",".join(map(_word, value)) if isinstance(value, list) else _word(value)
    if not label or len(label) > LABEL:
        reason = f"no label in '{columns['label']}'" if not label else f"a label of {len(label)} characters"
        raise BadRow(reason)
    return Texts(prompt=_said(row, columns["text"]), label=label)


_TAKE: Final = {"chat": _chat, "completion": _completion, "preference": _preference, "label": _label}


def _word(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):  # a gap, as some tools write it, is no class of its own
        reason = f"a label that is {value}, no finite number"
        raise BadRow(reason)
    if isinstance(value, float) and value.is_integer():  # a column of whole numbers with gaps, as pandas writes it
        return str(int(value))
    if isinstance(value, str | int | float):
        return str(value).strip()
    reason = f"a label that is {_kind(value)}"
    raise BadRow(reason)


def _text(row: Mapping[str, Any], column: str) -> str:
    value = row.get(column)
    if isinstance(value, str):
        return value
    reason = f"no '{column}'" if value is None else f"'{column}' is {_kind(value)}, not a text"
    raise BadRow(reason)


def _optional(row: Mapping[str, Any], columns: Mapping[str, str], field: str) -> str:
    return _said(row, columns[field]) if field in columns and row.get(columns[field]) is not None else ""


def _said(row: Mapping[str, Any], column: str) -> str:
    return _join(_turns(row, column)) if isinstance(row.get(column), list) else _text(row, column)


def _asked(row: Mapping[str, Any], column: str) -> Texts:
    if not isinstance(row.get(column), list):
        return Texts(prompt=_text(row, column))
    turns = _turns(row, column)
    return Texts(_join([t for t in turns if t[0] == "system"]), _join([t for t in turns if t[0] != "system"]))


def _turns(row: Mapping[str, Any], column: str) -> list[tuple[str, str]]:
    """Field and text of each message."""
    messages = row.get(column)
    if not isinstance(messages, list) or not messages:
        reason = f"no '{column}'" if not messages else f"'{column}' is {_kind(messages)}, not a list of messages"
        raise BadRow(reason)
    return [_turn(message, column) for message in messages]


def _turn(message: object, column: str) -> tuple[str, str]:
    if not isinstance(message, dict):
        reason = f"a message of '{column}' is {_kind(message)}, not an object"
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
        reason = "a message without content" if content is None else f"a message's content is {_kind(content)}"
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


def _split(turns: Sequence[tuple[str, str]]) -> Texts:
    said = {field: _join([t for t in turns if t[0] == field]) for field in ("system", "prompt", "response")}
    return Texts(**said)


def _join(turns: Sequence[tuple[str, str]]) -> str:
    return "\n".join(text for _, text in turns)


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "a truth value"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "a list" if isinstance(value, list) else "an object" if isinstance(value, dict) else "null"
