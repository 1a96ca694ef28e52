"""Read files of scenarios and of filler, refusing in one line what can't be used."""

import json
from collections import Counter
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from holdtrue.errors import ArtifactError
from holdtrue.records.base import read_capped
from holdtrue.scenarios.family import Family

__all__ = ["DATA", "read_families", "read_filler"]

DATA = Path(str(files("holdtrue.scenarios"))) / "data"


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_id: ClassVar[str]


class _Scenarios(_File):
    schema_id: ClassVar[str] = "holdtrue.scenarios/1"

    kind: str
    families: tuple[Family, ...] = Field(min_length=1)


class _Filler(_File):
    schema_id: ClassVar[str] = "holdtrue.filler/1"

    exchanges: tuple[tuple[str, str], ...] = Field(min_length=2)


F = TypeVar("F", bound=_File)


@lru_cache(maxsize=32)
def read_families(path: Path) -> tuple[Family, ...]:
    """The families of a file in the form of data/FORMAT.md; a second call doesn't read it again.

    Args:
        path: the file; its stem is the kind that it must state.

    Raises:
        ArtifactError: missing, not JSON, or malformed; one line that names the file, the family and the field.
    """
    found = _read(path, _Scenarios)
    if found.kind != path.stem:
        message = f"{path}: kind is {found.kind!r}, the file's name says '{path.stem}'; make the two equal"
        raise ArtifactError(message)
    twice = [name for name, count in Counter(each.family for each in found.families).items() if count > 1]
    if twice:
        message = f"{path}: family '{twice[0]}' is there more than once; give each its own name"
        raise ArtifactError(message)
    return found.families


@lru_cache(maxsize=4)
def read_filler(path: Path) -> tuple[tuple[str, str], ...]:
    """The exchanges of a filler file, question and answer; a second call doesn't read it again.

    Raises:
        ArtifactError: missing, not JSON, or malformed; one line that names the file and the field.
    """
    return _read(path, _Filler).exchanges


def _read(path: Path, form: type[F]) -> F:
    kind = f"a {form.schema_id} file"
    try:
        raw = json.loads(read_capped(path, kind))
    except (ValueError, RecursionError) as error:
        message = f"{path}: not JSON ({error}); expected {kind}"
        raise ArtifactError(message) from None
    found = raw.pop("schema", None) if isinstance(raw, dict) else None
    if found != form.schema_id:
        message = f"{path}: schema is {found!r}, expected '{form.schema_id}'; is it another kind of file, or newer?"
        raise ArtifactError(message)
    try:
        return form.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        place, where = _place(raw, first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        field = f"field '{where}': " if where else ""
        # What a whole family holds would bury the message; its own checks quote the value that is wrong.
        given = "" if first["type"] == "value_error" else f" (got {str(first['input'])[:80]!r})"
        message = f"{path}: {place}{field}{said}{given}"
        raise ArtifactError(message) from None


def _place(raw: dict[str, Any], loc: tuple[int | str, ...]) -> tuple[str, str]:
    """Which family and which field of it pydantic means; a family without a usable name goes by its number."""
    match loc:
        case ("families", int(number), *rest):
            family = raw["families"][number]
            name = family.get("family") if isinstance(family, dict) else None
            return f"family {name!r}: " if isinstance(name, str) else f"family {number}: ", ".".join(map(str, rest))
    return "", ".".join(map(str, loc))
