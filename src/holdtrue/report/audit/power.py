"""How often planted poison was found, dose by dose."""

from dataclasses import dataclass
from typing import final

from holdtrue.records.audit import FindingKind

__all__ = ["PowerCurve", "PowerPoint"]


@final
@dataclass(frozen=True)
class PowerPoint:
    """A dose that was tried."""

    rows: int
    """Poisoned ones, at least 1."""
    found: float
    """Share of tries in which they were found."""
    ci: tuple[float, float] | None = None
    """95 %."""


@final
@dataclass(frozen=True)
class PowerCurve:
    """One kind of poison over its doses."""

    kind: FindingKind
    outcome: str
    points: tuple[PowerPoint, ...]
    works_from: int | None = None
    """The least dose, in rows of this dataset, known to work on a model."""
