"""A watched conversation as a page shows it: turns, their figures, and tokens tinted by projection."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from holdtrue.records import AxisCard, Reading, TurnReading
from holdtrue.report.plain import number, plain, printable
from holdtrue.report.series import BENIGN_SD, Gauge, colours, gauge_of, labels
from holdtrue.report.theme import CSS
from holdtrue.report.verdict import calibration_at

__all__ = ["Piece", "Talk", "TurnView", "talks"]

# Seven tints; the middle one, within half a standard deviation, is left plain.
CUTS = (-2.0, -1.25, -0.5, 0.5, 1.25, 2.0)
MAX_TINTED_TOKENS = 20_000
"""In one page; turns past it show their excerpt, since a browser chokes on more."""
_METER = (-6.0, 4.0)


@final
@dataclass(frozen=True)
class Piece:
    """A token, and how far from ordinary it projects: tint 0 least assistant-like, 3 ordinary, 6 most."""

    text: str
    tint: int
    hint: str


@final
@dataclass(frozen=True)
class TurnView:
    """One assistant turn."""

    number: int
    figures: tuple[str, ...]
    meter: float | None
    """Where z stands on the meter, in per cent of its width."""
    band: tuple[float, float]
    """The benign range's distance from the meter's ends, in per cent."""
    onset: bool
    alarm: bool
    pieces: tuple[Piece, ...]
    excerpt: str


@final
@dataclass(frozen=True)
class Talk:
    """One watched conversation."""

    label: str
    colour: str
    facts: str
    caveat: str
    scale: str
    turns: tuple[TurnView, ...]


def talks(readings: Sequence[Reading], card: AxisCard | None) -> list[Talk]:
    """The readings, ready for the page's template."""
    left = MAX_TINTED_TOKENS
    shown = []
    for reading, label, colour in zip(readings, labels(readings, 90), colours(readings, CSS), strict=True):
        gauge, scale = _token_gauge(reading, card)
        turns = []
        for turn in reading.turns:
            left -= len(turn.tokens)
            turns.append(_turn(turn, reading, gauge_of(reading, card), gauge if left >= 0 else None))
        shown.append(Talk(label, colour, _facts(reading), plain(reading.caveat, 600), scale, tuple(turns)))
    return shown


def _token_gauge(reading: Reading, card: AxisCard | None) -> tuple[Gauge | None, str]:
    """What a token is compared with, and the words that say so."""
    calibration = calibration_at(card, reading.layer) if card is not None else None
    if calibration is not None and calibration.token.sd > 0:
        return Gauge(
            calibration.token.mean, calibration.token.sd
        ), "tokens against benign tokens, in their sd: ±0.5 is plain"
    values = np.array([token.value for turn in reading.turns for token in turn.tokens])
    if len(values) > 1 and values.std() > 0:
        # Without calibration only differences within the conversation mean anything.
        return Gauge(
            float(values.mean()), float(values.std())
        ), "tokens against this conversation's own mean, in its sd"
    return None, "no token projections"


def _turn(turn: TurnReading, reading: Reading, gauge: Gauge | None, tokens: Gauge | None) -> TurnView:
    z = turn.z if turn.z is not None else gauge.z(turn.projection) if gauge and turn.projection is not None else None
    figures = [f"z {number(z)}" if z is not None else "z not measured"]
    figures.append("no answer tokens" if turn.projection is None else f"projection {number(turn.projection)}")
    figures.append(f"{turn.n_tokens:,} tokens")
    if turn.thinking_projection is not None:
        figures.append(f"thinking {number(turn.thinking_projection)}")
    low, high = _METER
    at = None if z is None else 100 * (min(max(z, low), high) - low) / (high - low)
    return TurnView(
        number=turn.turn,
        figures=tuple(figures),
        meter=None if at is None else round(at, 1),
        band=(100 * (-BENIGN_SD - low) / (high - low), 100 * (high - BENIGN_SD) / (high - low)),
        onset=turn.turn == reading.onset_turn,
        alarm=turn.turn == reading.alarm_turn,
        pieces=() if tokens is None else tuple(_piece(token.text, tokens.z(token.value)) for token in turn.tokens),
        excerpt=plain(turn.excerpt, 600) or "(empty turn)",
    )


def _piece(text: str, z: float) -> Piece:
    return Piece(printable(text), bisect_right(CUTS, z), number(z, 1))


def _facts(reading: Reading) -> str:
    alarm = "no alarm" if reading.alarm_turn is None else f"alarm at turn {reading.alarm_turn}"
    if reading.alarm_turn is not None and reading.onset_turn is not None:
        alarm += f", drift begins at turn {reading.onset_turn}"
    rule = plain(reading.rule, 200)
    return f"{alarm[0].upper()}{alarm[1:]} · block {reading.layer} · rule: {rule} · from {plain(reading.source, 120)}"
