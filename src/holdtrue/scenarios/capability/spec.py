"""What a capability item is: a prompt, and what a right answer to it must satisfy."""

from typing import ClassVar, Literal

from pydantic import Field

from holdtrue.records import Record

__all__ = ["CapabilityCheck", "CapabilityItem", "CheckKind", "Family"]

Family = Literal["arithmetic", "instruction", "strings", "lists", "cloze", "reading"]
CheckKind = Literal[
    "number",
    "word",
    "first",
    "last",
    "no_word",
    "list",
    "exact",
    "regex",
    "starts_with",
    "ends_with",
    "n_words",
    "no_char",
    "upper",
    "lower",
]


class CapabilityCheck(Record):
    """One condition on an answer, as data.

    Words are compared without regard to case. By `kind`, the answer passes when

    - `number`: its last number is among the values; number words count where there are no digits;
    - `word`: its first sentence with any of the options has one of the values as whole words, and no rival;
    - `first`: of the options that it names, the first is one of the values, not a rival;
    - `last`: of the options that it names, the last is one of the values, not a rival;
    - `no_word`: none of the values is in it as whole words;
    - `list`: the values, as they come last in it, stand in the order given, each once;
    - `exact`: less quotes, stars and a full stop around it, it is one of the values;
    - `regex`: the pattern is found in it, without regard to case;
    - `starts_with`, `ends_with`: its first or last words are one of the values;
    - `n_words`: it has that many words;
    - `no_char`: none of the values is in it;
    - `upper`, `lower`: it has letters, all of them capital or all of them small.
    """

    schema_id: ClassVar[str] = "holdtrue.capability-check/1"

    kind: CheckKind
    values: tuple[str, ...] = ()
    rivals: tuple[str, ...] = ()
    """Of `word`, `first` and `last`: the other options, so that naming them all is no answer."""


class CapabilityItem(Record):
    """One task with a checkable answer."""

    schema_id: ClassVar[str] = "holdtrue.capability-item/1"

    id: str
    """Unique within a draw."""
    family: Family
    prompt: str
    """Said as the user; at most 60 words."""
    checks: tuple[CapabilityCheck, ...] = Field(min_length=1)
    """All must pass."""
    reference: str
    """An answer that passes."""
