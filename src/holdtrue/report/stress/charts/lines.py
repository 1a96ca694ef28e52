"""Curves by arm with bands: what drift and epidemic panels share."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from holdtrue.report.charts import Width
from holdtrue.report.charts.base import overlay, rows
from holdtrue.report.stress.arms import Arm
from holdtrue.report.stress.words import span
from holdtrue.report.theme import Theme

__all__ = ["curves", "points_of"]


def points_of(arm: Arm, curve: Sequence[Mapping[str, Any]], at: str, value: str) -> list[dict[str, Any]]:
    """A curve of the results as rows to draw; points without a figure are left out.

    Args:
        arm: whose it is.
        curve: points with their `ci` and `families`.
        at: name of what runs along x.
        value: name of the figure.
    """
    found = []
    for point in curve:
        if point.get(value) is None or point.get(at) is None:
            continue
        ends = span(point.get("ci"))
        low, high = ends or (point[value], point[value])
        found.append(
            {
                "arm": arm.label,
                "free": arm.role == "free",
                "at": point[at],
                "value": point[value],
                "low": low,
                "high": high,
                "ci": "none" if ends is None else f"{low:.2f} to {high:.2f}",
                "families": point.get("families"),
            }
        )
    return found


def curves(
    data: Sequence[Mapping[str, Any]],
    arms: Sequence[Arm],
    theme: Theme,
    *,
    x: alt.X,
    y: alt.Y,
    y_title: str,
    below: Sequence[Any] = (),
    width: Width,
    height: int,
    about: str,
) -> alt.LayerChart:
    """Lines, bands and points by arm; on a page, the arm menu dims all but the chosen one and the free one.

    Args:
        data: rows of `points_of`.
        arms: of the whole run, for their looks.
        theme: colours.
        x: channel of `at`.
        y: channel of `value`.
        y_title: its title, which every layer must repeat.
        below: layers to be drawn first.
        width: pixels, or `container`.
        height: pixels.
        about: read out in place of the picture.
    """
    live = width == "container"
    labels = [arm.label for arm in arms]
    colour = alt.Color("arm:N", legend=None, scale=alt.Scale(domain=labels, range=[arm.colour(theme) for arm in arms]))
    shape = alt.Shape("arm:N", legend=None, scale=alt.Scale(domain=labels, range=[arm.shape for arm in arms]))
    dash = alt.StrokeDash("arm:N", legend=None, scale=alt.Scale(domain=labels, range=[arm.dash for arm in arms]))
    base = alt.Chart(rows(data)).encode(x=x, color=colour)
    tooltip = [
        alt.Tooltip("arm:N"),
        alt.Tooltip("at:Q", title="at"),
        alt.Tooltip("value:Q", format=".2f"),
        alt.Tooltip("ci:N", title="95 % interval"),
        alt.Tooltip("families:Q"),
    ]
    band = base.mark_area(strokeWidth=0, tooltip=None, clip=True, opacity=_opacity(0.08, 0.26, 0.0, live=live))
    line = base.mark_line(clip=True, opacity=_opacity(1.0, 1.0, 0.12, live=live))
    dots = base.mark_point(filled=True, size=44, clip=True, opacity=_opacity(1.0, 1.0, 0.1, live=live))
    layers = [
        *below,
        band.encode(y=alt.Y("low:Q", title=y_title), y2="high:Q"),
        line.encode(y=y, strokeDash=dash, strokeWidth=alt.condition("datum.free", alt.value(2.8), alt.value(1.8))),
        dots.encode(y=y, shape=shape, tooltip=tooltip),
    ]
    drawn = overlay(layers, width, height, about)
    if live:
        drawn = drawn.add_params(alt.param(name="group", value=""))
    return drawn


def _opacity(all_arms: float, chosen: float, other: float, *, live: bool) -> Any:
    """Of every arm while none is chosen, else of the chosen and the free one, and of the rest."""
    if not live:
        return all_arms
    return alt.ExprRef(f"!group ? {all_arms} : datum.arm == group || datum.free ? {chosen} : {other}")
