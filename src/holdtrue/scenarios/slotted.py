"""Families whose records are no scripts: their slots and their files."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from holdtrue.errors import ArtifactError
from holdtrue.records.base import read_capped

__all__ = ["Filled", "SlottedFamily", "read_slotted"]

_SLOT = re.compile(r"\{([a-z][a-z0-9_]*)\}")


class Filled:
    """One alternative of every slot, to be put into texts; a name without a slot, such as `{name}`, stays."""

    def __init__(self, alternatives: dict[str, str]) -> None:
        self._alternatives = alternatives

    def text(self, raw: str) -> str:
        """A text with its slots filled."""
        return _SLOT.sub(lambda found: self._alternatives.get(found[1], found[0]), raw)

    def texts(self, raw: Sequence[str]) -> tuple[str, ...]:
        """Texts with their slots filled."""
        return tuple(self.text(each) for each in raw)

    def pattern(self, raw: str) -> str:
        """A regular expression with its slots filled; an alternative matches itself."""
        return _SLOT.sub(lambda found: re.escape(self._alternatives.get(found[1], found[0])), raw)


class SlottedFamily(BaseModel):
    """One independent family: texts with slots, of which every combination of alternatives is a variant."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_id: ClassVar[str]
    """Of the file that holds such families."""
    open_names: ClassVar[frozenset[str]] = frozenset()
    """Names in braces that are no slots: they stay in the records."""

    family: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    topic: str = Field(min_length=1)
    """Subsets are stratified by it."""
    slots: dict[str, tuple[str, ...]] = {}
    """Alternatives by name; the first of each makes variant 0."""

    @property
    def stratum(self) -> str:
        """What a subset is spread over."""
        return self.topic

    @property
    def variants(self) -> int:
        """How many variants there are."""
        return prod(len(choices) for choices in self.slots.values())

    def filled(self, combination: int) -> Filled:
        """The alternatives of one of the `variants` combinations; 0 takes the first of every slot."""
        taken = {}
        for name, choices in self.slots.items():
            combination, place = divmod(combination, len(choices))
            taken[name] = choices[place]
        return Filled(taken)

    @model_validator(mode="after")
    def _slots_fit(self) -> "SlottedFamily":
        texts = json.dumps(self.model_dump(exclude={"slots"}), ensure_ascii=False)
        used = set(_SLOT.findall(texts)) - self.open_names
        if odd := sorted(used ^ set(self.slots)):
            message = f"slot {odd[0]!r} is only used or only listed; do both, or take it out"
            raise ValueError(message)
        for name, choices in self.slots.items():
            if not choices or len(set(choices)) < len(choices):
                message = f"slot {name!r} is {list(choices)}; give it different alternatives, at least one"
                raise ValueError(message)
        return self


F = TypeVar("F", bound=SlottedFamily)


def read_slotted(path: Path, form: type[F]) -> tuple[F, ...]:
    """The families of a file ``{"schema": …, "families": […]}``.

    Raises:
        ArtifactError: missing, not JSON, or malformed; one line that names the file and the place.
    """
    kind = f"a {form.schema_id} file"
    try:
        raw = json.loads(read_capped(path, kind))
    except (ValueError, RecursionError) as error:
        message = f"{path}: not JSON ({error}); expected {kind}"
        raise ArtifactError(message) from None
    found = raw.get("schema") if isinstance(raw, dict) else None
    if found != form.schema_id:
        message = f"{path}: schema is {found!r}, expected '{form.schema_id}'; is it another kind of file, or newer?"
        raise ArtifactError(message)
    try:
        # mypy can't follow a type that is a value; the annotation says what comes out.
        families: tuple[F, ...] = TypeAdapter(tuple[form, ...]).validate_python(raw.get("families"))  # type: ignore[valid-type]
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        message = f"{path}: families.{place}: {first['msg'].removeprefix('Value error, ')}"
        raise ArtifactError(message) from None
    twice = [name for name, count in Counter(each.family for each in families).items() if count > 1]
    if twice or not families:
        message = f"{path}: family {twice[0]!r} is there more than once" if twice else f"{path}: no families in it"
        raise ArtifactError(f"{message}; give each its own name" if twice else f"{message}; add some")
    return families
