"""Role files: one file a category, or a folder of them."""

import re
from pathlib import Path

from holdtrue.errors import PersonaError
from holdtrue.personas.fields import an_object, items, known_keys, label, schema, text, unique
from holdtrue.personas.files import json_files, read_json, require
from holdtrue.personas.imported import imported_defaults, imported_role, instructions_folder, is_imported
from holdtrue.personas.persona_set import DefaultPrompt, Role
from holdtrue.records import DEFAULT_ROLE

__all__ = ["ROLES_SCHEMA", "read_roles"]

ROLES_SCHEMA = "holdtrue.roles/1"
_KIND = f"a roles file ('{ROLES_SCHEMA}'), a folder of them, or a roles/instructions folder"
_ENTRY = "an object with 'name', 'description' and 'prompts'"
_NAME = re.compile(r"[a-z][a-z0-9_]*")


def read_roles(path: Path) -> tuple[tuple[Role, ...], tuple[DefaultPrompt, ...], Path | None]:
    """Every role in a file or folder.

    Args:
        path: a file of ours, a folder of ours, or a folder in the reference project's layout.

    Returns:
        The roles; the default prompts of a reference ``default.json``, else none; and the reference's instructions
        folder, else None.

    Raises:
        PersonaError: naming the file, the role and the mend; also for fewer than two roles.
    """
    require(path, _KIND)
    folder = instructions_folder(path) if path.is_dir() else None
    files = json_files(folder or path, _KIND) if path.is_dir() else [path]
    roles: list[Role] = []
    defaults: tuple[DefaultPrompt, ...] = ()
    seen: dict[str, str] = {}
    for file in files:
        raw = an_object(read_json(file, _KIND), str(file), _KIND)
        if not is_imported(raw):
            found = _own_roles(raw, file)
        elif file.stem.lower() == DEFAULT_ROLE:
            folder, defaults, found = file.parent, imported_defaults(raw, file), ()
        else:
            folder, found = file.parent, (imported_role(raw, file),)
        for role in found:
            unique(seen, role.name, "role", f"{file}, role '{role.name}'")
            roles.append(role)
    if len(roles) < 2:
        held = f"only the role '{roles[0].name}'" if roles else "no role"
        message = f"{path}: {held}; an axis needs 2 roles or more, and wants dozens: add some"
        raise PersonaError(message)
    return tuple(roles), defaults, folder


def _own_roles(raw: dict[str, object], file: Path) -> tuple[Role, ...]:
    where = str(file)
    schema(raw, ROLES_SCHEMA, where)
    known_keys(raw, ("schema", "category", "roles"), where)
    category = label(raw, "category", where, "the category's name")
    entries = items(raw, "roles", where, f"a list of roles, each {_ENTRY}")
    return tuple(_own_role(entry, category, f"{file}, role {index}") for index, entry in enumerate(entries, start=1))


def _own_role(entry: object, category: str, where: str) -> Role:
    raw = an_object(entry, where, _ENTRY)
    known_keys(raw, ("name", "description", "prompts"), where)
    name = label(raw, "name", where, "the role's name in lower_snake_case")
    if not _NAME.fullmatch(name):
        fixed = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
        hint = f"write '{fixed}'" if _NAME.fullmatch(fixed) else "for example 'night_nurse'"
        message = f"{where}: name {name[:60]!r} is not lower_snake_case (a-z, 0-9, _; a letter first); {hint}"
        raise PersonaError(message)
    if name == DEFAULT_ROLE:
        message = f"{where}: the name '{name}' is reserved for the assistant itself; rename the role"
        raise PersonaError(message)
    where = f"{where} '{name}'"
    prompts = items(raw, "prompts", where, "a list of system prompts")
    return Role(
        name=name,
        category=category,
        description=label(raw, "description", where, "one line on the role"),
        prompts=tuple(
            text({"prompt": prompt}, "prompt", f"{where}, prompt {index}", "a system prompt")
            for index, prompt in enumerate(prompts, start=1)
        ),
    )
