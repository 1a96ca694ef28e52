"""Which column is the prompt, which the reply: recognised from the first rows, or named."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

from holdtrue.audit.ingest.options import IngestOptions
from holdtrue.audit.ingest.provenance import telling
from holdtrue.errors import SettingError
from holdtrue.records.audit import AuditKind

__all__ = ["Shape", "recognise"]

_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "messages": ("messages", "conversations", "conversation"),
    "system": ("system", "system_prompt"),
    "prompt": ("prompt", "instruction", "question"),
    "input": ("input",),
    "response": ("completion", "response", "output", "answer"),
    "chosen": ("chosen",),
    "rejected": ("rejected",),
    "text": ("text", "content", "sentence", "comment", "prompt"),
    "label": ("label", "labels"),
}
_JUDGEMENTS: Final = ("harmful", "toxic", "flagged", "unsafe", "safe", "spam", "jailbreak")
"""Labels that name what they say; so does any `is_…`."""
_NEEDED: Final[Mapping[AuditKind, tuple[str, ...]]] = {
    "preference": ("chosen", "rejected"),
    "chat": ("messages",),
    "completion": ("prompt", "response"),
    "label": ("text", "label"),
}
"""In the order in which they are tried."""
_OPTIONAL: Final[Mapping[AuditKind, tuple[str, ...]]] = {
    "preference": ("prompt", "system"),
    "chat": ("system",),
    "completion": ("input", "system"),
    "label": (),
}


@final
@dataclass(frozen=True)
class Shape:
    """How a dataset's rows are made."""

    kind: AuditKind
    columns: Mapping[str, str]
    """Column of each field."""
    ignored: frozenset[str]
    """Columns that are no provenance: those fields', identifiers, long texts."""


def recognise(sample: Sequence[Mapping[str, Any]], options: IngestOptions) -> Shape:
    """Find out how rows are made.

    Args:
        sample: the first good rows, parsed.
        options: may name the kind and columns.

    Raises:
        SettingError: nothing fits, or more than one thing; the line lists the columns and says how to name them.
    """
    seen = _columns(sample)
    for name, column in options.columns.items():
        if column not in seen:
            message = f"column '{column}', named as {name}, isn't in the first rows; they have {_listed(seen)}"
            raise SettingError(message)
    kinds = [options.kind] if options.kind else [kind for kind in _NEEDED if _fits(kind, seen, sample, options)]
    if not kinds:
        _refuse("can't tell what a row is", seen)
    kind = kinds[0]
    # A text with a reply and a judgement can be trained on either way; only a person knows.
    if options.kind is None and kind == "completion" and "label" in kinds and {"label", "labels"} & set(_lower(seen)):
        _refuse("rows have both a reply and a label: name the kind, completion or label", seen)
    columns = {}
    for name in (*_NEEDED[kind], *_OPTIONAL[kind]):
        found = _candidates(name, seen, options)
        if kind == "chat" and name == "messages":
            found = [column for column in found if column in options.columns.values() or _lists(sample, column)]
        if len(found) > 1:
            _refuse(f"{' and '.join(found)} could each be the {name}", seen)
        if not found and name in _NEEDED[kind]:
            _refuse(f"no column for the {name} of {kind} rows", seen)
        if found:
            columns[name] = found[0]
    others = [column for column in seen if column not in columns.values()]
    dull = [column for column in others if not telling(column, [row.get(column) for row in sample])]
    return Shape(kind, columns, frozenset((*columns.values(), *dull)))


def _columns(sample: Sequence[Mapping[str, Any]]) -> list[str]:
    counts: dict[str, int] = {}
    for row in sample:
        for name, value in row.items():
            counts[name] = counts.get(name, 0) + (value is not None)
    return [name for name, n in counts.items() if n * 10 >= len(sample)]


def _lower(seen: Sequence[str]) -> dict[str, str]:
    return {name.lower(): name for name in reversed(seen)}


def _candidates(name: str, seen: Sequence[str], options: IngestOptions) -> list[str]:
    if name in options.columns:
        return [options.columns[name]]
    taken = set(options.columns.values())
    lower = {key: column for key, column in _lower(seen).items() if column not in taken}
    found = [lower[key] for key in _NAMES[name] if key in lower]
    if name == "label" and not found:
        found = [column for key, column in lower.items() if key in _JUDGEMENTS or key.startswith("is_")]
    return found


def _fits(kind: AuditKind, seen: Sequence[str], sample: Sequence[Mapping[str, Any]], options: IngestOptions) -> bool:
    found = [_candidates(name, seen, options) for name in _NEEDED[kind]]
    if kind == "chat":
        return any(column in options.columns.values() or _lists(sample, column) for column in found[0])
    # Naming a field of another kind rules this one out.
    own = {*_NEEDED[kind], *_OPTIONAL[kind]}
    return all(found) and own.issuperset(options.columns)


def _lists(sample: Sequence[Mapping[str, Any]], column: str) -> bool:
    values = [row[column] for row in sample if row.get(column) is not None]
    return sum(isinstance(value, list) for value in values) * 2 > len(values)


def _listed(seen: Sequence[str]) -> str:
    return ", ".join(f"'{name[:40]}'" for name in seen[:20]) + (", …" if len(seen) > 20 else "")


def _refuse(why: str, seen: Sequence[str]) -> None:
    message = (
        f"{why}; columns are {_listed(seen)}: name them by field, such as prompt=… and response=… (completion), "
        "messages=… (chat), chosen=… and rejected=… (preference), text=… and label=… (label)"
    )
    raise SettingError(message)
