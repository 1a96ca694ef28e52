"""Question and request files (JSONL), and default-prompt files (JSON)."""

from collections.abc import Iterator
from pathlib import Path

from holdtrue.errors import PersonaError
from holdtrue.personas.fields import an_object, items, known_keys, label, schema, text, unique
from holdtrue.personas.files import read_json, read_jsonl
from holdtrue.personas.imported import IMPORTED, imported_defaults, is_imported
from holdtrue.personas.persona_set import DefaultPrompt, Question, Request

__all__ = ["DEFAULTS_SCHEMA", "read_defaults", "read_questions", "read_requests"]

DEFAULTS_SCHEMA = "holdtrue.defaults/1"
_DEFAULTS_KIND = f"a default-prompts file ('{DEFAULTS_SCHEMA}')"
_DEFAULT_ENTRY = "an object with 'id' and 'text' (null for no system prompt)"
_QUESTION = """a line such as {"id": "q001", "theme": "self", "text": "..."}"""
_REQUEST = """a line such as {"id": "b001", "kind": "coding", "text": "..."}"""


def read_questions(path: Path) -> tuple[Question, ...]:
    """Every question in a JSONL file, ours or the reference project's.

    Raises:
        PersonaError: naming the file, the line and the mend; also for fewer than two questions.
    """
    found: list[Question] = []
    seen: dict[str, str] = {}
    for where, number, raw in _lines(path, _QUESTION):
        found.append(_question(raw, number, where))
        unique(seen, found[-1].id, "question id", where)
    if len(found) < 2:
        held = f"only the question '{found[0].id}'" if found else "empty"
        message = f"{path}: {held}; expected 2 lines or more, each {_QUESTION}: add some"
        raise PersonaError(message)
    return tuple(found)


def read_requests(path: Path) -> tuple[Request, ...]:
    """Every ordinary request in a JSONL file.

    Raises:
        PersonaError: naming the file, the line and the mend.
    """
    found: list[Request] = []
    seen: dict[str, str] = {}
    for where, _, raw in _lines(path, _REQUEST):
        known_keys(raw, ("id", "kind", "text"), where)
        id_, kind = (label(raw, key, where, _REQUEST) for key in ("id", "kind"))
        unique(seen, id_, "request id", where)
        found.append(Request(id=id_, kind=kind, text=text(raw, "text", where, _REQUEST)))
    return tuple(found)


def read_defaults(path: Path) -> tuple[DefaultPrompt, ...]:
    """Every default prompt in a file, ours or the reference project's ``default.json``.

    Raises:
        PersonaError: naming the file, the prompt and the mend.
    """
    raw = an_object(read_json(path, _DEFAULTS_KIND), str(path), _DEFAULTS_KIND)
    if is_imported(raw):
        return imported_defaults(raw, path)
    schema(raw, DEFAULTS_SCHEMA, str(path))
    known_keys(raw, ("schema", "prompts"), str(path))
    found: list[DefaultPrompt] = []
    seen: dict[str, str] = {}
    for index, value in enumerate(items(raw, "prompts", str(path), f"a list, each {_DEFAULT_ENTRY}"), start=1):
        where = f"{path}, prompt {index}"
        entry = an_object(value, where, _DEFAULT_ENTRY)
        known_keys(entry, ("id", "text"), where)
        id_ = label(entry, "id", where, "the prompt's id")
        unique(seen, id_, "default prompt", where)
        none = "text" in entry and entry["text"] is None
        prompt = None if none else text(entry, "text", f"{where} '{id_}'", "a system prompt, or null for none")
        found.append(DefaultPrompt(id=id_, text=prompt))
    return tuple(found)


def _lines(path: Path, kind: str) -> Iterator[tuple[str, int, dict[str, object]]]:
    for where, number, raw in read_jsonl(path, kind):
        yield where, number, an_object(raw, where, kind)


def _question(raw: dict[str, object], number: int, where: str) -> Question:
    if "question" in raw and "text" not in raw:
        return Question(
            id=_imported_id(raw, number, where), theme=IMPORTED, text=text(raw, "question", where, _QUESTION)
        )
    known_keys(raw, ("id", "theme", "text"), where)
    id_, theme = (label(raw, key, where, _QUESTION) for key in ("id", "theme"))
    return Question(id=id_, theme=theme, text=text(raw, "text", where, _QUESTION))


def _imported_id(raw: dict[str, object], number: int, where: str) -> str:
    found = raw.get("id")
    if found is None:
        return f"line{number}"
    # bool is an int in Python, and `"id": true` is a slip in any file.
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    return label(raw, "id", where, "an id, as text or a whole number, or none")
