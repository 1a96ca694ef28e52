"""A parsed row becomes the audit's five texts."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from holdtrue.audit.ingest.bad_rows import BadRow
from holdtrue.audit.ingest.messages import join, kind, turns
from holdtrue.audit.ingest.shapes import Shape

__all__ = ["Texts", "normalise"]

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
    said = turns(row, columns["messages"])
    found = _split(said)
    if "system" in columns and row.get(columns["system"]):
        found = found._replace(system="\n".join(filter(None, (_text(row, columns["system"]), found.system))))
    if not any(role == "response" for role, _ in said):
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
        ours, theirs = turns(row, columns["chosen"]), turns(row, columns["rejected"])
        shared = 0
        while shared < min(len(ours), len(theirs)) - 1 and ours[shared] == theirs[shared]:
            shared += 1
        before = _split(ours[:shared])
        prompt = "\n".join(filter(None, (before.prompt, before.response)))
        found = Texts(before.system, prompt, join(ours[shared:]), join(theirs[shared:]))
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
    reason = f"a label that is {kind(value)}"
    raise BadRow(reason)


def _text(row: Mapping[str, Any], column: str) -> str:
    value = row.get(column)
    if isinstance(value, str):
        return value
    reason = f"no '{column}'" if value is None else f"'{column}' is {kind(value)}, not a text"
    raise BadRow(reason)


def _optional(row: Mapping[str, Any], columns: Mapping[str, str], field: str) -> str:
    return _said(row, columns[field]) if field in columns and row.get(columns[field]) is not None else ""


def _said(row: Mapping[str, Any], column: str) -> str:
    return join(turns(row, column)) if isinstance(row.get(column), list) else _text(row, column)


def _asked(row: Mapping[str, Any], column: str) -> Texts:
    if not isinstance(row.get(column), list):
        return Texts(prompt=_text(row, column))
    said = turns(row, column)
    return Texts(join([t for t in said if t[0] == "system"]), join([t for t in said if t[0] != "system"]))


def _split(said: Sequence[tuple[str, str]]) -> Texts:
    by_field = {field: join([t for t in said if t[0] == field]) for field in ("system", "prompt", "response")}
    return Texts(**by_field)
