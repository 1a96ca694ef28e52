"""When did it start? A one-sided CUSUM over z-scores of turns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

__all__ = ["ALARM_SIGMA", "ALLOWANCE_SIGMA", "DriftOnset", "find_onset", "rule_text"]

ALLOWANCE_SIGMA = 0.5
"""Shortfall per turn that counts as ordinary: half the shift to be found (Page 1954)."""
ALARM_SIGMA = 4.0
"""Accumulated shortfall at which the alarm rings."""


@final
@dataclass(frozen=True)
class DriftOnset:
    """Assistant turns, 1-based; None where no alarm rang."""

    alarm: int | None
    onset: int | None


def find_onset(z: Sequence[float | None]) -> DriftOnset:
    """First alarm of `S = max(0, S - z - allowance)`, and the turn where that climb began.

    The onset is the turn after the CUSUM's last zero before the alarm: the usual estimate of the change point.

    Args:
        z: one score per assistant turn, negative = less assistant-like; None (an empty turn) is passed over.
    """
    total, began = 0.0, 1
    for turn, score in enumerate(z, start=1):
        if score is None:
            continue
        before, total = total, max(0.0, total - score - ALLOWANCE_SIGMA)
        if before == 0:
            began = turn
        if total > ALARM_SIGMA:
            return DriftOnset(alarm=turn, onset=began)
    return DriftOnset(None, None)


def rule_text() -> str:
    """The detector in words, for reports."""
    return (
        f"one-sided CUSUM of turn z-scores, allowance {ALLOWANCE_SIGMA} sd per turn, alarm above {ALARM_SIGMA} sd; "
        "onset = the turn after its last zero"
    )
