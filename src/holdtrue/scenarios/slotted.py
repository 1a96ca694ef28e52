"""Families whose records are no scripts: their slots, their files, and the draw of families and variants."""

import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from math import prod
from pathlib import Path
from typing import ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from holdtrue.errors import ArtifactError, SettingError
from holdtrue.records.base import read_capped

__all__ = ["Filled", "SlottedFamily", "drawn", "read_slotted"]

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


def drawn(
    found: Sequence[F], kind: str, *, families: int | None, variants: int, seed: int
) -> Iterator[tuple[F, int, Filled]]:
    """Choose families, spread over their strata, and variants of each; equal arguments choose the same.

    The smaller of two subsets of one seed is part of the larger, and more variants begin with the same ones.

    Args:
        found: all families.
        kind: what they are, for the message and the draw.
        families: how many to take; None for all.
        variants: of each family; variant 0 takes the first alternative of every slot, whatever the seed.
        seed: of the draw.

    Yields:
        A family, the variant's number and its texts' filling, in the order of `found`.

    Raises:
        SettingError: more families or variants than there are, or none.
    """
    most = min(each.variants for each in found)
    for name, count, limit in (("families", families, len(found)), ("variants", variants, most)):
        if count is not None and not 1 <= count <= limit:
            message = f"{count} {name} of kind '{kind}'; there are {limit}: ask for 1 to {limit}"
            raise SettingError(message)
    rng = random.Random(f"{seed}/{kind}/families")  # noqa: S311 - a draw to be repeated, no secret
    strata: dict[str, list[F]] = {}
    for family in rng.sample(found, len(found)):
        strata.setdefault(family.stratum, []).append(family)
    # One of each stratum, then a second of each: sorting by the round keeps the order of the shuffle.
    rounds = sorted(((turn, each.family) for group in strata.values() for turn, each in enumerate(group)), key=_round)
    taken = {name for _, name in rounds[:families]}
    for family in found:
        if family.family in taken:
            others = list(range(1, family.variants))
            random.Random(f"{seed}/{kind}/{family.family}").shuffle(others)  # noqa: S311 - as above
            for number, combination in enumerate([0, *others[: variants - 1]]):
                yield family, number, family.filled(combination)


def _round(pair: tuple[int, str]) -> int:
    return pair[0]
