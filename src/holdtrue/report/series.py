"""Readings as series to draw: one label and colour each, one unit for all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from holdtrue.records import AxisCard, Reading
from holdtrue.report.plain import plain
from holdtrue.report.theme import Theme
from holdtrue.report.verdict import calibration_at

__all__ = ["BENIGN_SD", "Gauge", "colours", "gauge_of", "labels"]

BENIGN_SD = 2.0
"""Half-width of the benign band, in standard deviations of benign response means."""


@final
@dataclass(frozen=True)
class Gauge:
    """z = (projection - mean) / sd, against benign response means."""

    mean: float
    sd: float

    def z(self, projection: float) -> float:
        """A projection in benign standard deviations."""
        return (projection - self.mean) / self.sd


def gauge_of(reading: Reading, card: AxisCard | None = None) -> Gauge | None:
    """What turns this reading's projections into z; None when it was never calibrated.

    Two turns that carry both figures determine it, since z is affine in the projection; the card's calibration of the
    read layer serves where they don't.
    """
    pairs = sorted(
        (turn.projection, turn.z) for turn in reading.turns if turn.projection is not None and turn.z is not None
    )
    if not pairs:
        return None
    (low, z_low), (high, z_high) = pairs[0], pairs[-1]
    if z_high - z_low > 1e-3:
        sd = (high - low) / (z_high - z_low)
        return Gauge(low - z_low * sd, sd)
    found = calibration_at(card, reading.layer) if card is not None else None
    return None if found is None or found.response.sd <= 0 else Gauge(found.response.mean, found.response.sd)


def labels(readings: Sequence[Reading], limit: int = 48) -> list[str]:
    """A distinct printable label for each reading."""
    names = [plain(reading.title, limit) or "untitled conversation" for reading in readings]
    return [name if names.count(name) == 1 else f"{name} ({i + 1})" for i, name in enumerate(names)]


def colours(readings: Sequence[Reading], theme: Theme) -> list[str]:
    """Warm for conversations in which the alarm rang, cool for the others."""
    chosen, used = [], {True: 0, False: 0}
    for reading in readings:
        rang = reading.alarm_turn is not None
        shades = theme.drifting if rang else theme.steady
        chosen.append(shades[used[rang] % len(shades)])
        used[rang] += 1
    return chosen
