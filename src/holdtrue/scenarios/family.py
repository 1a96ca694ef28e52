"""A family of scenarios: texts with slots, of which every combination of alternatives is a variant."""

import re
from collections.abc import Callable
from math import prod
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from holdtrue.records.scenario import Branch, Check, Probe, Scenario, UserTurn

__all__ = ["Family"]

_SLOT = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_MAX_VARIANTS = 4096


class Family(BaseModel):
    """One independent family; data/FORMAT.md says what each field means."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    topic: str = Field(min_length=1)
    system: str | None = None
    turns: tuple[UserTurn, ...] = Field(min_length=1)
    checks: tuple[Check, ...] = ()
    probe: Probe | None = None
    checkpoints: tuple[int, ...] = ()
    max_tokens: int = Field(default=40, ge=1)
    slots: dict[str, tuple[str, ...]] = {}

    @property
    def stratum(self) -> str:
        """What a subset is spread over."""
        return self.topic

    @property
    def variants(self) -> int:
        """How many variants there are: every combination of the slots' alternatives."""
        return prod(len(choices) for choices in self.slots.values())

    def scenario(self, kind: str, variant: int = 0, combination: int = 0) -> Scenario:
        """The family with its slots filled.

        Args:
            kind: of the record.
            variant: its number in the record.
            combination: which of the `variants` combinations; 0 takes the first alternative of every slot.
        """
        filled = {}
        for name, choices in self.slots.items():
            combination, place = divmod(combination, len(choices))
            filled[name] = choices[place]
        text = _filling(filled)
        pattern = _filling({name: re.escape(choice) for name, choice in filled.items()})
        probe = self.probe
        return Scenario(
            kind=kind,
            family=self.family,
            variant=variant,
            topic=self.topic,
            system=None if self.system is None else text(self.system),
            turns=tuple(
                UserTurn(
                    say=text(turn.say),
                    branches=tuple(Branch(when=pattern(each.when), say=text(each.say)) for each in turn.branches),
                )
                for turn in self.turns
            ),
            checks=tuple(check.model_copy(update={"pattern": pattern(check.pattern)}) for check in self.checks),
            probe=probe and Probe(ask=text(probe.ask), wanted=text(probe.wanted), unwanted=text(probe.unwanted)),
            checkpoints=self.checkpoints,
            max_tokens=self.max_tokens,
        )

    @field_validator("turns", mode="before")
    @classmethod
    def _plain_turns(cls, raw: Any) -> Any:
        if not isinstance(raw, list | tuple):
            return raw
        return [{"say": each} if isinstance(each, str) else each for each in raw]

    @field_validator("slots")
    @classmethod
    def _alternatives(cls, slots: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for name, choices in slots.items():
            wrong = None
            if not _SLOT.fullmatch(f"{{{name}}}"):
                wrong = "must be lower-case letters, digits and underscores, a letter first"
            elif not choices:
                wrong = "has no alternative; give at least one"
            elif len(set(choices)) < len(choices):
                wrong = f"names an alternative twice: {list(choices)}"
            elif any(_SLOT.search(choice) for choice in choices):
                wrong = f"holds a slot itself: {list(choices)}; write the text out"
            if wrong:
                message = f"slot {name!r} {wrong}"
                raise ValueError(message)
        count = prod(len(choices) for choices in slots.values())
        if count > _MAX_VARIANTS:
            message = f"they make {count} variants; take alternatives away until there are {_MAX_VARIANTS}"
            raise ValueError(message)
        return slots

    @model_validator(mode="after")
    def _patterns_compile(self) -> "Family":
        for pattern in self._patterns():
            try:
                # Alternatives are escaped, so what compiles with one text in a slot compiles with all.
                re.compile(_SLOT.sub("x", pattern))
            except re.error as error:
                message = f"pattern {pattern!r} doesn't compile ({error}); mend it"
                raise ValueError(message) from None
        return self

    @model_validator(mode="after")
    def _slots_fit(self) -> "Family":
        texts = [text for turn in self.turns for text in (turn.say, *(branch.say for branch in turn.branches))]
        texts += [self.system or "", *(self.probe.model_dump().values() if self.probe else ())]
        used = {name for text in (*texts, *self._patterns()) for name in _SLOT.findall(text)}
        if missing := sorted(used - set(self.slots)):
            message = f"slots: none is named {missing[0]!r}, though a text uses it; known: {sorted(self.slots)}"
            raise ValueError(message)
        if spare := sorted(set(self.slots) - used):
            message = f"slots: {spare[0]!r} is never used; use it or take it out"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _checkpoints_fit(self) -> "Family":
        points, last = list(self.checkpoints), len(self.turns)
        if points and self.probe is None:
            message = f"checkpoints {points} need a probe; add one, or take them out"
            raise ValueError(message)
        if points != sorted({point for point in points if 1 <= point <= last}):
            message = f"checkpoints {points} must ascend and lie between 1 and {last}"
            raise ValueError(message)
        return self

    def _patterns(self) -> list[str]:
        branches = [branch.when for turn in self.turns for branch in turn.branches]
        return [check.pattern for check in self.checks] + branches


def _filling(filled: dict[str, str]) -> Callable[[str], str]:
    return lambda raw: _SLOT.sub(lambda found: filled[found[1]], raw)
