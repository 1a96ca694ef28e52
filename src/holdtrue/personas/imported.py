"""The layout of the public assistant-axis project: a file a role, named after it, and its questions beside."""

from pathlib import Path

from holdtrue.errors import PersonaError
from holdtrue.personas.fields import an_object, items, text
from holdtrue.personas.persona_set import DefaultPrompt, Role

__all__ = [
    "IMPORTED",
    "QUESTIONS_NAME",
    "imported_defaults",
    "imported_role",
    "instructions_folder",
    "is_imported",
    "questions_beside",
]

IMPORTED = "imported"
QUESTIONS_NAME = "extraction_questions.jsonl"
_LIST = """a list of {"pos": "You are ..."}"""
# Filled in by that project's own runner. Sent as it stands, it would tell the model that its name has braces in it.
_PLACEHOLDER = "{model_name}"


def instructions_folder(path: Path) -> Path | None:
    """The folder of role files within a folder that holds one, else None."""
    inside = (path / "data" / "roles" / "instructions", path / "roles" / "instructions", path / "instructions")
    return next((folder for folder in inside if folder.is_dir()), None)


def is_imported(raw: dict[str, object]) -> bool:
    """Whether a parsed file is one of the reference project's."""
    return "schema" not in raw and "instruction" in raw


def questions_beside(folder: Path, given: Path) -> Path | None:
    """The questions file that belongs to an instructions folder, else None.

    Args:
        folder: the instructions folder.
        given: what the user named: that folder, one above it, or a file in it.
    """
    # In the reference project the questions lie two levels above the role files, in its data folder.
    places = (given, folder, folder.parent, folder.parent.parent)
    return next((place / QUESTIONS_NAME for place in places if (place / QUESTIONS_NAME).is_file()), None)


def imported_role(raw: dict[str, object], file: Path) -> Role:
    """A role from its parsed file.

    Raises:
        PersonaError: no prompt, or one that isn't text.
    """
    name = file.stem.lower()
    if not name.isprintable():
        message = f"{file}: the file's name gives the role's, and {name!r} can't be printed; rename the file"
        raise PersonaError(message)
    return Role(
        name=name,
        category=IMPORTED,
        description=name.replace("_", " "),
        prompts=tuple(
            text(entry, "pos", where, "a system prompt")
            for where, entry in _instructions(raw, f"{file}, role '{name}'")
        ),
    )


def imported_defaults(raw: dict[str, object], file: Path) -> tuple[DefaultPrompt, ...]:
    """Default prompts from a parsed ``default.json``: the empty text means none, templates are left out.

    Raises:
        PersonaError: no usable prompt, or one that isn't text.
    """
    found: list[DefaultPrompt] = []
    for index, (where, entry) in enumerate(_instructions(raw, str(file))):
        none = entry.get("pos") == ""
        prompt = None if none else text(entry, "pos", where, "a system prompt, or '' for none")
        if prompt is None or _PLACEHOLDER not in prompt:
            found.append(DefaultPrompt(id=f"default_{index}", text=prompt))
    if not found:
        message = f"{file}: nothing but templates with {_PLACEHOLDER}; add a prompt without it, or '' for none"
        raise PersonaError(message)
    return tuple(found)


def _instructions(raw: dict[str, object], where: str) -> list[tuple[str, dict[str, object]]]:
    entries = items(raw, "instruction", where, _LIST)
    places = [f"{where}, instruction {index}" for index in range(1, len(entries) + 1)]
    return [
        (place, an_object(entry, place, """{"pos": "You are ..."}"""))
        for place, entry in zip(places, entries, strict=True)
    ]
