"""Roles ranked along the axis: every one as a dot by category, and the ends as named bars."""

from collections import Counter
from statistics import median
from typing import Any

import altair as alt

from holdtrue.records import AxisCard
from holdtrue.report.charts.base import Width, overlay, rows
from holdtrue.report.charts.persona_map import MATCH, shade_of, speaks
from holdtrue.report.layout import swarm
from holdtrue.report.plain import plain
from holdtrue.report.theme import Theme

__all__ = ["role_bars", "role_strip"]

_MAX_CATEGORIES = 14
# The strip is as tall as the bars beside it, within reason.
_HEIGHT, _ROWS = 400, (28, 50)
# At the end, so that a short axis does not push its title out of the frame.
_AXIS = alt.Axis(tickCount=6, titleAnchor="end")
_TOOLTIP = [
    alt.Tooltip("name:N", title="role"),
    alt.Tooltip("category:N", title="category"),
    alt.Tooltip("projection:Q", title="projection", format=".3f"),
    alt.Tooltip("rank:Q", title="rank, 1 = most assistant-like"),
    alt.Tooltip("n:Q", title="accepted rollouts"),
]
_AXIS_TITLE = "projection, relative to the default"


def _ranked(card: AxisCard) -> list[dict[str, Any]]:
    order = sorted(card.roles, key=lambda role: -role.projection)
    return [
        {
            "name": plain(role.name, 60),
            "key": plain(role.name, 60).lower(),
            "category": plain(role.category, 40),
            "projection": role.projection,
            "rank": i + 1,
            "n": role.n_rollouts,
        }
        for i, role in enumerate(order)
    ]


def role_strip(card: AxisCard, theme: Theme, width: Width = 520) -> alt.LayerChart | None:
    """Every role as a dot on its category's line; None when the card holds no roles."""
    if not card.roles:
        return None
    data = _ranked(card)
    common = [name for name, _ in Counter(row["category"] for row in data).most_common()]
    kept = set(common if len(common) <= _MAX_CATEGORIES else common[: _MAX_CATEGORIES - 1])
    lines: dict[str, list[dict[str, Any]]] = {}
    for row in data:
        row["line"] = row["category"] if row["category"] in kept else "all other categories"
        lines.setdefault(row["line"], []).append(row)
    values = [0.0, *(row["projection"] for row in data)]
    row_height = min(max(_HEIGHT / len(lines), _ROWS[0]), _ROWS[1])
    # Dots are spread for the narrowest plot that most screens will give it.
    scale = (360 if width == "container" else int(width) - 110) / ((max(values) - min(values)) or 1)
    for members in lines.values():
        offsets = swarm([row["projection"] * scale for row in members], radius=3.7, reach=row_height / 2 - 5)
        for row, offset in zip(members, offsets, strict=True):
            row["lift"] = round(offset, 2)
    order = sorted(lines, key=lambda name: -median(row["projection"] for row in lines[name]))
    live = width == "container"
    x = alt.X("projection:Q", title=_AXIS_TITLE, scale=alt.Scale(zero=True, nice=True), axis=_AXIS)
    dots = (
        alt.Chart(rows(data))
        .mark_circle(size=46, stroke=theme.paper, strokeWidth=0.5)
        .encode(
            x=x,
            y=alt.Y(
                "line:N",
                sort=order,
                title=None,
                scale=alt.Scale(padding=0),
                axis=alt.Axis(labelLimit=118, ticks=False, grid=True),
            ),
            yOffset=alt.YOffset(
                "lift:Q", scale=alt.Scale(domain=[-row_height / 2, row_height / 2], range=[0, row_height])
            ),
            color=shade_of(card, theme, legend=False),
            opacity=alt.condition(MATCH, alt.value(0.95), alt.value(0.08)) if live else alt.value(0.95),
            tooltip=_TOOLTIP,
        )
        .add_params(*speaks(width))
    )
    words = f"{len(data)} roles along the axis, one line for each of {len(lines)} categories."
    return overlay([*_default_rule(theme), dots], width, row_height * len(lines), words)


def role_bars(card: AxisCard, theme: Theme, width: Width = 330, ends: int = 12) -> alt.LayerChart | None:
    """The most and the least assistant-like roles by name; None when the card holds no roles.

    Args:
        card: its roles are drawn.
        theme: colours.
        width: pixels, or `container`.
        ends: how many roles at either end; all of them when there are few.
    """
    if not card.roles:
        return None
    data = _ranked(card)
    between = len(data) - 2 * ends
    chosen = data if between <= 0 else data[:ends] + data[-ends:]
    # Two roles may share a name, so the place is the rank's and the name is only written there; the half rank between
    # the ends is an empty row.
    gap = [] if between <= 0 else [{"rank": ends + 0.5, "text": f"… {between} roles between …"}]
    order = sorted(row["rank"] for row in (*chosen, *gap))
    y = alt.Y("rank:O", axis=None, scale=alt.Scale(domain=order, paddingInner=0))
    x = alt.X("projection:Q", title=_AXIS_TITLE, scale=alt.Scale(zero=True, nice=True), axis=_AXIS)
    base = alt.Chart(rows(chosen)).encode(y=y)
    bars = base.mark_bar(cornerRadius=2, height=alt.RelativeBandSize(0.72)).encode(
        x=x, color=shade_of(card, theme, legend=False), tooltip=_TOOLTIP
    )
    names = (
        base.transform_calculate(short="truncate(datum.name, 22)")
        .mark_text(align="right", baseline="middle", dx=-6, color=theme.ink)
        .encode(x=alt.value(0), text="short:N", tooltip=_TOOLTIP)
    )
    layers: list[Any] = [bars, names, *_default_rule(theme, label=False)]
    if gap:
        words = alt.Chart(rows(gap)).mark_text(align="right", dx=-6, fontStyle="italic", color=theme.muted)
        layers.append(words.encode(x=alt.value(0), y=y, text="text:N"))
    return overlay(layers, width, 16 * len(order), f"The {ends} most and {ends} least assistant-like roles.")


def _default_rule(theme: Theme, *, label: bool = True) -> list[alt.Chart]:
    base = alt.Chart(rows([{"projection": 0, "text": "default assistant"}]))
    rule = base.mark_rule(color=theme.assistant, strokeWidth=1.5).encode(x="projection:Q")
    text = base.mark_text(color=theme.assistant, fontWeight="bold", align="right", dx=4, baseline="bottom").encode(
        x="projection:Q", y=alt.value(-5), text="text:N"
    )
    return [rule, text] if label else [rule]
