"""A watched conversation, turn by turn, against the benign band."""

from collections.abc import Sequence
from math import ceil
from typing import Any, Literal

import altair as alt
import numpy as np

from holdtrue.records import AxisCard, Reading
from holdtrue.report.charts.base import Width, overlay, rows
from holdtrue.report.plain import plain
from holdtrue.report.series import BENIGN_SD, Gauge, colours, gauge_of, labels
from holdtrue.report.theme import Theme

__all__ = ["TOKENS_A_DOT", "drift"]

TOKENS_A_DOT = 8
"""Tokens averaged in one faint dot; more in conversations of many tokens."""
_MAX_DOTS = 700


def drift(
    readings: Sequence[Reading], card: AxisCard | None, theme: Theme, width: Width = 620, height: int = 300
) -> alt.LayerChart | None:
    """Trajectories of one or more conversations; None when no turn has a projection.

    Args:
        readings: drawn over each other, each with its label, colour and shape.
        card: the axis that they were read with, where it is at hand.
        theme: colours.
        width: pixels, or `container`.
        height: pixels.
    """
    gauges = [gauge_of(reading, card) for reading in readings]
    spoken = [any(turn.projection is not None for turn in reading.turns) for reading in readings]
    if not any(spoken):
        return None
    # One unit for all: z only where every conversation that spoke has it.
    calibrated = all(gauge is not None for gauge, said in zip(gauges, spoken, strict=True) if said)
    names = labels(readings)
    data: list[dict[str, Any]] = []
    dots: list[dict[str, Any]] = []
    marks: list[dict[str, Any]] = []
    for reading, gauge, name in zip(readings, gauges, names, strict=True):
        used = gauge if calibrated else None
        data += _turns(reading, used, name)
        dots += _dots(reading, used, name)
    last = max(row["turn"] for row in data)
    for reading, name in zip(readings, names, strict=True):
        own = [row for row in data if row["series"] == name]
        marks += _marks(reading, own, name, above=len(marks), last=last)
    step = max(1, ceil(last / 14))
    scale_x = alt.Scale(domain=[0.4, last + 0.6], nice=False)
    x = alt.X(
        "turn:Q",
        title="assistant turn",
        scale=scale_x,
        axis=alt.Axis(values=list(range(1, last + 1, step)), format="d", grid=False),
    )
    unit = "z against benign answers" if calibrated else "projection (not calibrated: no z)"
    y = alt.Y("value:Q", title=f"{unit}; down: less assistant-like", scale=_y_scale(data, dots, banded=calibrated))
    shades = alt.Scale(domain=names, range=colours(readings, theme))
    legend = alt.Legend(title=None, columns=1, labelLimit=300, offset=14 + 12 * len(marks))
    colour = alt.Color("series:N", scale=shades, legend=legend)
    shape = alt.Shape("series:N", scale=alt.Scale(domain=names), legend=legend)
    layers: list[Any] = _band(theme) if calibrated else []
    if dots:
        faint = alt.Chart(rows(dots)).mark_circle(size=13, opacity=0.3, clip=True)
        layers.append(faint.encode(x=x, y=y, color=alt.Color("series:N", scale=shades)))
    base = alt.Chart(rows(data)).encode(x=x, y=y, color=colour)
    layers.append(base.mark_line(strokeWidth=2.2).encode(detail="run:N"))
    layers.append(
        base.mark_point(filled=True, size=64, opacity=1, stroke=theme.paper, strokeWidth=0.8).encode(
            shape=shape, tooltip=_tooltip(names, calibrated=calibrated)
        )
    )
    layers += _flags(marks, theme, x, y, shades)
    return overlay(layers, width, height, f"Projection by turn for {len(readings)} watched conversation(s).")


def _turns(reading: Reading, gauge: Gauge | None, name: str) -> list[dict[str, Any]]:
    points: list[dict[str, Any]] = []
    run = 0
    for turn in reading.turns:
        if turn.projection is None:
            # No line is drawn across a turn that says nothing.
            run += 1
            continue
        points.append(
            {
                "turn": turn.turn,
                "value": turn.projection if gauge is None else gauge.z(turn.projection),
                "projection": turn.projection,
                "tokens": turn.n_tokens,
                "excerpt": plain(turn.excerpt, 220),
                "series": name,
                "run": f"{name} {run}",
            }
        )
    return points


def _dots(reading: Reading, gauge: Gauge | None, name: str) -> list[dict[str, Any]]:
    """Means over short stretches of tokens, spread over the width of their turn."""
    total = sum(len(turn.tokens) for turn in reading.turns)
    size = max(TOKENS_A_DOT, ceil(total / _MAX_DOTS))
    found = []
    for turn in reading.turns:
        n = max(1, round(len(turn.tokens) / size))
        stretches = np.array_split(np.array([token.value for token in turn.tokens]), n)
        for i, stretch in enumerate(stretches):
            if len(stretch):
                mean = float(stretch.mean())
                at = turn.turn - 0.4 + 0.8 * (i + 0.5) / n
                value = mean if gauge is None else gauge.z(mean)
                found.append({"turn": round(at, 3), "value": round(value, 4), "series": name})
    return found


def _marks(reading: Reading, points: list[dict[str, Any]], name: str, *, above: int, last: int) -> list[dict[str, Any]]:
    """Alarm and onset, each with the line above the plot that its words stand on, and their side of the rule.

    The onset comes first, so whichever words run over the other's rule stand on the upper line, above its end.
    """
    at = {row["turn"]: row["value"] for row in points}
    alarm, onset = reading.alarm_turn, reading.onset_turn
    late = (alarm if alarm is not None else onset or 0) > 0.6 * last
    side = "right" if late else "left"
    if alarm is not None and alarm == onset:
        wanted = [("onset and alarm", alarm)]
    else:
        wanted = [(word, turn) for word, turn in (("alarm", alarm), ("onset", onset)) if turn is not None]
        wanted = wanted[::-1] if late else wanted
    return [
        {
            "turn": turn,
            "value": at.get(turn),
            "text": f"{word}, turn {turn}",
            "kind": word,
            "series": name,
            "row": above + i,
            "side": "left" if turn < 0.3 * last else side,
        }
        for i, (word, turn) in enumerate(wanted)
    ]


def _y_scale(data: list[dict[str, Any]], dots: list[dict[str, Any]], *, banded: bool) -> alt.Scale:
    """Turns and band always in view; the farthest two in a hundred of the faint dots may fall outside."""
    values = [row["value"] for row in data] + ([-BENIGN_SD, BENIGN_SD] if banded else [])
    if dots:
        values += [float(v) for v in np.quantile([row["value"] for row in dots], [0.02, 0.98])]
    low, high = min(values), max(values)
    margin = 0.06 * (high - low) or 1.0
    return alt.Scale(domain=[low - margin, high + margin], nice=False, zero=False)


def _band(theme: Theme) -> list[alt.Chart]:
    base = alt.Chart(rows([{"low": -BENIGN_SD, "high": BENIGN_SD, "text": "benign range, mean ± 2 sd"}]))
    # The right end of the upper edge: conversations that drift have left it, and marks stand above it.
    words = base.mark_text(color=theme.muted, align="right", baseline="top", dx=-6, dy=4)
    return [
        base.mark_rect(color=theme.shade, opacity=0.8, tooltip=None).encode(y="low:Q", y2="high:Q"),
        words.encode(x=alt.value("width"), y="high:Q", text="text:N"),
    ]


def _tooltip(names: list[str], *, calibrated: bool) -> list[alt.Tooltip]:
    shown = [alt.Tooltip("series:N", title="conversation")] if len(names) > 1 else []
    shown.append(alt.Tooltip("turn:Q", title="turn"))
    if calibrated:
        shown.append(alt.Tooltip("value:Q", title="z", format=".2f"))
    shown.append(alt.Tooltip("projection:Q", title="projection", format=".3f"))
    shown.append(alt.Tooltip("tokens:Q", title="tokens"))
    return [*shown, alt.Tooltip("excerpt:N", title="begins")]


def _flags(marks: list[dict[str, Any]], theme: Theme, x: alt.X, y: alt.Y, shades: alt.Scale) -> list[alt.Chart]:
    """Rules from the turn up to words above the plot, each on a line of its own."""
    colour = alt.Color("series:N", scale=shades)
    drawn: list[alt.Chart] = []
    for mark in marks:
        base = alt.Chart(rows([mark])).encode(x=x)
        top = -3 - 13 * mark["row"]
        rule = base.mark_rule(strokeWidth=1.4, strokeDash=[4, 3] if mark["kind"] == "onset" else [])
        # An alarm at a turn without a projection has no point to stand on: its rule crosses the whole plot.
        foot: Any = y if mark["value"] is not None else alt.value("height")
        drawn.append(rule.encode(y=foot, y2=alt.value(top), color=colour))
    for mark in marks:
        side = mark["side"]
        drawn += _words(mark, theme, x, -3 - 13 * mark["row"], side=side, colour=colour)
    return drawn


def _words(
    mark: dict[str, Any], theme: Theme, x: alt.X, top: int, *, side: Literal["left", "right"], colour: alt.Color
) -> list[alt.Chart]:
    """Words beside the top of a rule, over a halo that other rules stop at."""
    look: dict[str, Any] = {"align": side, "dx": 5 if side == "left" else -5, "dy": -1, "baseline": "middle"}
    base = alt.Chart(rows([mark])).encode(x=x, y=alt.value(top), text="text:N")
    halo = base.mark_text(color=theme.paper, stroke=theme.paper, strokeWidth=4, **look)
    return [halo, base.mark_text(**look).encode(color=colour)]
