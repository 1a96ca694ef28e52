"""How much poison an audit of this size finds, drawn."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from holdtrue.report.audit.power import PowerCurve
from holdtrue.report.audit.shown import visible
from holdtrue.report.audit.words import KINDS, percent
from holdtrue.report.charts import Width
from holdtrue.report.charts.base import overlay, rows
from holdtrue.report.theme import Theme

__all__ = ["power_chart"]


def power_chart(curves: Sequence[PowerCurve], theme: Theme, width: Width = 600) -> alt.LayerChart | None:
    """Share of tries found over poisoned rows, on a logarithmic axis; None where no dose was tried.

    Args:
        curves: a line each.
        theme: colours.
        width: pixels, or `container`.
    """
    # Curves of one name stay apart by their number, which the legend doesn't show.
    named = [f"{at:02d}{KINDS[curve.kind][0]}: {visible(curve.outcome, 50)}" for at, curve in enumerate(curves)]
    data: list[dict[str, Any]] = []
    for name, curve in zip(named, curves, strict=True):
        for point in curve.points:
            low, high = point.ci if point.ci is not None else (point.found, point.found)
            said = f"{percent(point.found)} [{100 * low:.0f}, {100 * high:.0f}]"
            data.append(
                {"curve": name, "rows": point.rows, "found": point.found, "low": low, "high": high, "said": said}
            )
    if not data:
        return None
    tones = [*theme.steady, *theme.drifting]
    colour = alt.Color(
        "curve:N",
        title=None,
        scale=alt.Scale(domain=named, range=[tones[at % len(tones)] for at in range(len(named))]),
        legend=alt.Legend(labelExpr="slice(datum.label, 2)", columns=1, symbolType="stroke"),
    )
    dashes = alt.StrokeDash(
        "curve:N",
        title=None,
        scale=alt.Scale(domain=named, range=[[1, 0], [6, 3], [2, 2], [8, 3, 2, 3]]),
        legend=alt.Legend(labelExpr="slice(datum.label, 2)", columns=1),
    )
    # One end more than the doses, so that the outermost marks aren't cut.
    ends = [min(row["rows"] for row in data) / 1.25, max(row["rows"] for row in data) * 1.25]
    x = alt.X(
        "rows:Q",
        title="poisoned rows, logarithmic",
        scale=alt.Scale(type="log", domain=ends, nice=False),
        axis=alt.Axis(format="~s", values=sorted({row["rows"] for row in data}), labelOverlap="parity", grid=False),
    )
    y = alt.Y("found:Q", title="found, of all tries", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format=".0%"))
    tooltip = [
        alt.Tooltip("rows:Q", title="poisoned rows", format=","),
        alt.Tooltip("said:N", title="found, 95 %"),
    ]
    base = alt.Chart(rows(data)).encode(color=colour, tooltip=tooltip)
    works = [
        {"curve": name, "rows": curve.works_from}
        for name, curve in zip(named, curves, strict=True)
        if curve.works_from is not None and ends[0] <= curve.works_from <= ends[1]
    ]
    layers = [
        alt.Chart(rows([{"found": 0.95}])).mark_rule(strokeDash=[3, 3], opacity=0.7, color=theme.muted).encode(y=y),
        base.mark_rule(strokeWidth=2, opacity=0.4).encode(x=x, y=alt.Y("low:Q"), y2="high:Q"),
        base.mark_line(strokeWidth=2.2).encode(x=x, y=y, strokeDash=dashes),
        base.mark_point(filled=True, size=56, opacity=1).encode(x=x, y=y),
    ]
    if works:
        at_foot = alt.Chart(rows(works)).encode(x=x, y=alt.value("height"), color=colour)
        layers.append(at_foot.mark_point(shape="triangle-up", filled=True, size=130, opacity=1, yOffset=-6))
    about = f"Share of tries in which planted poison was found, for {len(curves)} kinds, over poisoned rows."
    return overlay(layers, width, 300, about)
