"""What a scorer says."""

from dataclasses import dataclass
from typing import final

from holdtrue.records.gate_sample import Outcome

__all__ = ["Score", "failed", "passed", "unclear"]


@final
@dataclass(frozen=True)
class Score:
    """An outcome; `undetermined` counts as a failure until somebody has looked at it."""

    outcome: Outcome
    reason: str
    """In a few words."""
    signature: str = ""
    """Equal for failures alike; empty for a pass."""


def passed(reason: str) -> Score:
    """A pass."""
    return Score("pass", reason)


def failed(signature: str, reason: str) -> Score:
    """A failure."""
    return Score("fail", reason, signature)


def unclear(signature: str, reason: str) -> Score:
    """Neither a pass nor a failure that can be read off."""
    return Score("undetermined", reason, signature)
