"""Failing families of every arm in one kind: a dot and its interval, with the free arm as a line to compare with."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from holdtrue.report.charts import Width
from holdtrue.report.charts.base import overlay, rows
from holdtrue.report.stress.arms import Arm, free_of
from holdtrue.report.stress.words import failures, part, share, span
from holdtrue.report.theme import Theme

__all__ = ["rates"]

STEP = 18
TITLE = "failing families"


def rates(
    results: Mapping[str, Any], arms: Sequence[Arm], kind: str, theme: Theme, width: Width = 300
) -> alt.LayerChart | None:
    """Dots and whiskers of one kind; None where no arm tried it.

    Args:
        results: their `arms`.
        arms: in the order in which they stand, the first one at the top.
        kind: a kind of the results.
        theme: colours.
        width: pixels, or `container`.
    """
    found = {arm.name: part(results, "arms", arm.name, kind) for arm in arms}
    drawn = [arm for arm in arms if part(found[arm.name], "rate") is not None]
    if not drawn:
        return None
    data = [_row(arm, found[arm.name]) for arm in drawn]
    labels = [arm.label for arm in drawn]
    x = alt.X(
        "rate:Q",
        title=TITLE,
        scale=alt.Scale(domain=[-0.03, 1.03], nice=False),
        axis=alt.Axis(format="%", values=[0, 0.25, 0.5, 0.75, 1], labelFlush=False, labelOverlap="parity"),
    )
    axis = alt.Axis(title=None, ticks=False, grid=False, labelLimit=150, labelPadding=8)
    y = alt.Y("label:N", sort=labels, axis=axis, scale=alt.Scale(domain=labels))
    colour = alt.Color(
        "label:N", legend=None, scale=alt.Scale(domain=labels, range=[arm.colour(theme) for arm in drawn])
    )
    shape = alt.Shape("label:N", legend=None, scale=alt.Scale(domain=labels, range=[arm.shape for arm in drawn]))
    tooltip = [alt.Tooltip(f"{name}:N", title=title) for name, title in (("label", "arm"), ("of", "failed"))]
    tooltip.append(alt.Tooltip("shown:N", title="rate, 95 %"))
    base = alt.Chart(rows(data)).encode(y=y, color=colour, tooltip=tooltip)
    layers: list[Any] = _reference(drawn, found, theme, x)
    layers.append(base.mark_rule(strokeWidth=2.2, opacity=0.75).encode(x=alt.X("low:Q", title=TITLE), x2="high:Q"))
    layers.append(base.mark_point(filled=True, size=72, opacity=1).encode(x=x, shape=shape))
    return overlay(layers, width, alt.Step(STEP), f"Share of failing families by arm, {len(drawn)} arms.")


def _row(arm: Arm, rate: Mapping[str, Any]) -> dict[str, Any]:
    value = rate["rate"]
    low, high = span(rate.get("ci")) or (value, value)
    return {
        "label": arm.label,
        "rate": value,
        "low": low,
        "high": high,
        "of": f"{failures(rate)} families",
        "shown": share(value, rate.get("ci")),
    }


def _reference(drawn: Sequence[Arm], found: Mapping[str, Any], theme: Theme, x: alt.X) -> list[alt.Chart]:
    free = free_of(drawn)
    if free is None or len(drawn) == 1:
        return []
    base = alt.Chart(rows([{"rate": found[free.name]["rate"]}]))
    line: alt.Chart = base.mark_rule(color=theme.ink, strokeWidth=1.1, strokeDash=[4, 3], opacity=0.7).encode(x=x)
    return [line]
