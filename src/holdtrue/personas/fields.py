"""Take checked fields out of parsed JSON; every refusal is one line with the place, the value and the mend."""

from collections.abc import Sequence
from typing import TypeGuard

from holdtrue.errors import PersonaError, did_you_mean

__all__ = ["an_object", "items", "known_keys", "label", "schema", "text", "unique"]

_TYPES = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}


def an_object(value: object, where: str, accepted: str) -> dict[str, object]:
    """A JSON object.

    Args:
        value: what was parsed.
        where: file, line or role.
        accepted: what belongs there, for the message.

    Raises:
        PersonaError: anything else.
    """
    if not _is_object(value):
        message = f"{where}: {_shown(value)} is {_kind(value)}; expected {accepted}"
        raise PersonaError(message)
    return value


def items(raw: dict[str, object], key: str, where: str, accepted: str) -> list[object]:
    """A list field that isn't empty.

    Raises:
        PersonaError: missing, empty or of another type.
    """
    value = _field(raw, key, where, accepted)
    if not isinstance(value, list):
        message = f"{where}: '{key}' is {_kind(value)} ({_shown(value)}); expected {accepted}"
        raise PersonaError(message)
    if not value:
        message = f"{where}: '{key}' is empty; expected {accepted}, at least one: add some or take the file away"
        raise PersonaError(message)
    return value


def text(raw: dict[str, object], key: str, where: str, accepted: str) -> str:
    """A text field with something in it.

    Raises:
        PersonaError: missing, blank, of another type, or not writable as UTF-8.
    """
    value = _field(raw, key, where, accepted)
    if not isinstance(value, str):
        message = f"{where}: '{key}' is {_kind(value)} ({_shown(value)}); expected {accepted}, as text in quotes"
        raise PersonaError(message)
    if not value.strip():
        message = f"{where}: '{key}' is empty ({value!r}); expected {accepted}: write it or take the entry out"
        raise PersonaError(message)
    try:
        value.encode()
    except UnicodeEncodeError as error:
        bad = value[error.start]
        message = (
            f"{where}: '{key}' holds half a surrogate pair ({bad!r}); expected {accepted}: write the whole character"
        )
        raise PersonaError(message) from None
    return value


def label(raw: dict[str, object], key: str, where: str, accepted: str) -> str:
    """A text field that fits on a line, for names and ids that turn up in messages and reports.

    Raises:
        PersonaError: as `text`, or it holds a line break or a control character.
    """
    value = text(raw, key, where, accepted)
    if not value.isprintable():
        shown = f"'{key}' holds a line break or control character ({_shown(value)})"
        message = f"{where}: {shown}; expected {accepted} on one line"
        raise PersonaError(message)
    return value


def known_keys(raw: dict[str, object], known: Sequence[str], where: str) -> None:
    """Refuse a key that would be ignored, since it is most likely a misspelt one.

    Raises:
        PersonaError: naming the key and the nearest known one.
    """
    for key in raw:
        if key not in known:
            message = f"{where}: unknown key {_shown(key)}; {did_you_mean(key, list(known))}: rename it or take it out"
            raise PersonaError(message)


def schema(raw: dict[str, object], expected: str, where: str) -> None:
    """Refuse a file of another schema, or of none.

    Raises:
        PersonaError: naming what the file says.
    """
    found = raw.get("schema")
    if found != expected:
        message = f"{where}: schema is {_shown(found)}, expected '{expected}'; is it another kind of file, or newer?"
        raise PersonaError(message)


def unique(seen: dict[str, str], name: str, what: str, where: str) -> None:
    """Note a name's place, and refuse its second.

    Args:
        seen: names to places, so far; grows.
        name: the name to note.
        what: what it names, for the message ("role").
        where: its place.

    Raises:
        PersonaError: naming both places.
    """
    if name in seen:
        message = f"{where}: {what} {_shown(name)} is there twice (first in {seen[name]}); rename one or take it out"
        raise PersonaError(message)
    seen[name] = where


def _field(raw: dict[str, object], key: str, where: str, accepted: str) -> object:
    if key not in raw:
        keys = ", ".join(_shown(each) for each in list(raw)[:8]) or "none"
        message = f"{where}: no '{key}' (keys: {keys}); expected {accepted}: add it"
        raise PersonaError(message)
    return raw[key]


def _is_object(value: object) -> TypeGuard[dict[str, object]]:
    return isinstance(value, dict)


def _kind(value: object) -> str:
    return "null" if value is None else _TYPES[type(value)]


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
