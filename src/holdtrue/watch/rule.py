"""The rule an alarm rings by, and what was measured of it."""

from dataclasses import dataclass
from typing import Final, TypeVar, final

import numpy as np
from jaxtyping import Float

__all__ = ["Cusum", "Delay", "DriftRule", "Ewma", "Rate"]

Level = TypeVar("Level", float, Float[np.ndarray, " talks"])
"""A chart's level, or a column of them: the arithmetic is written once for a talk as for thousands simulated."""

CEILING: Final = 2.0
"""Charts climb to twice their line and no further, so that a talk that comes back is soon out of alarm."""


@final
@dataclass(frozen=True)
class Cusum:
    """`S <- clip(S - z - allowance, 0, 2 line)`; rings above `line`."""

    allowance: float
    """Shortfall per turn that counts as ordinary."""
    line: float

    def climb(self, level: Level, z: Level) -> Level:
        """The chart after one more turn."""
        return _clip(level - z - self.allowance, 0.0, CEILING * self.line)


@final
@dataclass(frozen=True)
class Ewma:
    """`M <- clip((1 - weight) M - weight z, -2 line, 2 line)`; rings above `line`."""

    weight: float
    """Of the newest turn."""
    line: float

    def climb(self, level: Level, z: Level) -> Level:
        """The chart after one more turn."""
        return _clip((1 - self.weight) * level - self.weight * z, -CEILING * self.line, CEILING * self.line)


@final
@dataclass(frozen=True)
class Rate:
    """False alarms, counted on simulated benign talk that the rule was not tuned on."""

    per_1000: float
    """First alarms per 1,000 turns at risk: turns up to a talk's first alarm, or to its end."""
    interval: tuple[float, float]
    """95 %, exact (Poisson): what the simulation leaves open, the noise model taken as it is."""
    spread: tuple[float, float]
    """5th and 95th percentile over noise models that the calibration talks allow: what they leave open."""
    talks_ringing: float
    """Share of benign talks of `talk_turns` turns in which it rings at all."""
    talk_turns: int


@final
@dataclass(frozen=True)
class Delay:
    """How soon a planted drift rings: turns from its first turn to the alarm, both counted."""

    drift: str
    """What was planted, in words."""
    median: int | None
    """None: not within the turns simulated."""
    p90: int | None


@final
@dataclass(frozen=True)
class DriftRule:
    """A drift detector's parameters, and what they are known to do."""

    cusum: Cusum
    ewma: Ewma | None
    turn_means: tuple[float, ...] = ()
    """Benign z by place in the talk, the last one for all later turns; empty where the place doesn't matter."""
    calibrated_on: tuple[int, int] | None = None
    """Benign talks it was tuned on, and turns of the longest; what comes later in a talk is the noise model's word."""
    target_per_1000: float | None = None
    """The false-alarm rate it was tuned for; None when it wasn't tuned."""
    rate: Rate | None = None
    delays: tuple[Delay, ...] = ()
    unknown: str | None = None
    """Why the false-alarm rate is unknown, where it is."""

    alarm: float = 1.0
    """The detector's statistic is the share of the way to its line: it rings above this."""

    def expected(self, turn: int) -> float:
        """Benign z at a place in the talk, 1-based."""
        return self.turn_means[min(turn, len(self.turn_means)) - 1] if self.turn_means else 0.0

    @property
    def text(self) -> str:
        """The detector in words, for reports."""
        charts = f"CUSUM of turn z, allowance {self.cusum.allowance:.3g} sd, alarm above {self.cusum.line:.3g} sd"
        if self.ewma:
            charts += f", or EWMA (weight {self.ewma.weight:.3g}) over {self.ewma.line:.3g} sd"
        placed = ", z less the turn's usual" if self.turn_means else ""
        return f"{charts}{placed}. {self._known}"

    @property
    def _known(self) -> str:
        if self.rate is None or self.calibrated_on is None:
            return f"False-alarm rate unknown: {self.unknown or 'the rule was set by hand'}"
        talks, turns = self.calibrated_on
        low, high = self.rate.spread
        longer = ", extended by a noise model" if turns < self.rate.talk_turns else ""
        return (
            f"Tuned to {self.target_per_1000:.3g} false first alarms per 1,000 turns on the model's {talks} benign "
            f"talks of {turns} turns{longer}: {self.rate.per_1000:.2g} in simulation "
            f"({low:.2g} to {high:.2g} as far as calibration tells)"
        )


def _clip(level: Level, low: float, high: float) -> Level:
    if isinstance(level, float):
        return min(max(level, low), high)
    clipped: Level = np.minimum(np.maximum(level, low), high)
    return clipped
