"""What a comparison with a control found."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias, final

import numpy as np
from jaxtyping import Float, Int

from holdtrue.audit.population.bags import Bag
from holdtrue.records.audit import CleanRun, Dose, Finding

__all__ = ["Channel", "PopulationResult", "WordKind", "WordShift", "untestable"]

WordKind: TypeAlias = Literal["topical", "style", "undecided"]
"""Follows the prompt's topic, is used evenly, or is too rare in the control to tell."""


@final
@dataclass(frozen=True)
class WordShift:
    """A word's share in the comparison."""

    word: str
    kind: WordKind
    suspect_only: int
    """Pairs in which only the suspect's reply has it."""
    control_only: int
    expected: float
    """The suspect's share of those to be expected from the replies' lengths."""
    z: float
    p_exact: float
    p_max_t: float
    q: float


@final
@dataclass(frozen=True)
class Channel:
    """How far one channel tells the sides apart."""

    name: Literal["format", "style", "content"]
    auroc: float
    p_value: float
    bags: tuple[Bag, ...]


@final
@dataclass(frozen=True)
class PopulationResult:
    """What a comparison with a control found."""

    pairs: int
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    not_testable: tuple[str, ...] = ()
    clean_runs: tuple[CleanRun, ...] = ()
    doses: tuple[Dose, ...] = ()
    channels: tuple[Channel, ...] = ()
    words: tuple[WordShift, ...] = ()
    """Strongest rise first."""
    rows: Int[np.ndarray, " pairs"] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """The suspect's rows that were compared, where there is a finding."""
    scores: Float[np.ndarray, " pairs"] = field(default_factory=lambda: np.zeros(0))
    """Weak: each one's carrier words, by z. Clean replies have them too."""

    @property
    def figures(self) -> dict[str, float]:
        """How far each channel tells the sides apart, reply by reply and in bags of replies."""
        found = {}
        for channel in self.channels:
            found[f"{channel.name} channel, AUROC"] = round(channel.auroc, 4)
            found[f"{channel.name} channel, p"] = round(channel.p_value, 4)
        for bag in (bag for channel in self.channels if channel.name == "content" for bag in channel.bags):
            found[f"content channel, AUROC of bags of {bag.size}"] = round(bag.auroc, 4)
            found[f"content channel, p of bags of {bag.size}"] = round(bag.p_value, 4)
        return found


def untestable(reason: str) -> str:
    """The line that says what would be needed."""
    return (
        f"subtle whole-dataset poison: {reason}; it takes a control that answers at least 200 of the same prompts: a "
        "trusted model's replies, or a trusted earlier version"
    )
