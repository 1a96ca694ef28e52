"""Per-layer checks with their intervals: four panels over depth."""

from typing import Any

import altair as alt

from holdtrue.records import AxisCard, LayerCheck
from holdtrue.report.charts.base import Width, overlay, placeholder, rows, title
from holdtrue.report.theme import Theme

__all__ = ["PANELS", "checks_picture", "panel"]

PANELS: dict[str, str] = {
    "auroc": "AUROC, held out",
    "split_half": "Split-half cosine",
    "d_prime": "d′, held out",
    "pc1": "Share of PC1, and |cos(axis, PC1)|",
}
"""Panel names and headings, in order of reading."""

_LINES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "auroc": (("auroc", "auroc_ci", "AUROC"), ("random_auroc", "", "95 % of random directions")),
    "split_half": (("split_half", "split_half_ci", "cosine of axes from disjoint halves"),),
    "d_prime": (("d_prime", "", "difference of means, in pooled sd"),),
    "pc1": (("cos_pc1", "", "|cos(axis, PC1)|"), ("pc1_share", "", "PC1's share")),
}
_REFERENCE = {"auroc": (0.5, "chance"), "split_half": (0.0, "no agreement"), "d_prime": (0.0, "no separation")}


def panel(card: AxisCard, name: str, theme: Theme, width: Width = 330, height: int = 170) -> alt.LayerChart | None:
    """One panel of the per-layer checks; None when the card holds none of its figures.

    Args:
        card: its `layers` are drawn.
        name: a key of `PANELS`.
        theme: colours.
        width: pixels, or `container`.
        height: pixels.
    """
    lines = [
        (data, label)
        for field, ci, label in _LINES[name]
        if (data := [row for check in card.layers if (row := _row(check, field, ci, label)) is not None])
    ]
    if not lines:
        return None
    x = alt.X(
        "layer:Q",
        title="decoder block",
        scale=alt.Scale(domain=[-0.5, card.n_layers - 0.5], nice=False),
        axis=alt.Axis(tickMinStep=1, format="d", grid=False),
    )
    y_scale = alt.Scale(zero=name in {"d_prime", "pc1"}, nice=True)
    y = alt.Y("value:Q", title=None, scale=y_scale, axis=alt.Axis(tickCount=5))
    colours = (theme.assistant, theme.muted)
    layers: list[Any] = [_hold_band(card, theme, x)]
    if name in _REFERENCE:
        layers += _reference(*_REFERENCE[name], card, theme, x, y)
    layers += _recommended(card, theme, x)
    for k, (data, label) in enumerate(lines):
        layers += _line(data, label, colours[k], x, y, dashed=k > 0)
    layers += _legend([label for _, label in lines], colours, theme)
    return overlay(layers, width, height, f"{PANELS[name]} at each of {card.n_layers} blocks.")


def checks_picture(card: AxisCard, theme: Theme) -> alt.ConcatChart:
    """All four panels in one picture; a panel without figures says so."""
    size = (360, 170)
    shown: list[Any] = [
        placeholder("not measured for this axis", heading, theme, *size)
        if (drawn := panel(card, name, theme, *size)) is None
        else drawn.properties(title=title(heading))
        for name, heading in PANELS.items()
    ]
    return alt.concat(*shown, columns=2, spacing={"row": 104, "column": 58}, align="all", bounds="flush")


def _row(check: LayerCheck, field: str, ci: str, label: str) -> dict[str, Any] | None:
    value = getattr(check, field)
    if value is None:
        return None
    bounds = getattr(check, ci) if ci else None
    low, high = bounds if bounds is not None else (value, value)
    shown = "not measured" if bounds is None else f"{low:.3f} to {high:.3f}"
    return {"layer": check.layer, "value": value, "low": low, "high": high, "ci": shown, "series": label}


def _line(data: list[dict[str, Any]], label: str, colour: str, x: alt.X, y: alt.Y, *, dashed: bool) -> list[alt.Chart]:
    base = alt.Chart(rows(data)).encode(x=x)
    tooltip = [
        alt.Tooltip("layer:Q", title="block"),
        alt.Tooltip("value:Q", title=label, format=".3f"),
        alt.Tooltip("ci:N", title="95 % interval"),
    ]
    line = base.mark_line(color=colour, strokeWidth=1.4 if dashed else 2, strokeDash=[4, 3] if dashed else [])
    # Wide, all but invisible dots: a pointer needs not hit the line itself.
    dots = base.mark_circle(color=colour, size=90 if dashed else 34, opacity=0 if dashed else 1)
    drawn = [line.encode(y=y), dots.encode(y=y, tooltip=tooltip if not dashed else tooltip[:2])]
    if any(row["low"] != row["high"] for row in data):
        band = base.mark_area(color=colour, opacity=0.2).encode(y=alt.Y("low:Q", title=None), y2="high:Q")
        drawn.insert(0, band)
    return drawn


def _hold_band(card: AxisCard, theme: Theme, x: alt.X) -> alt.Chart:
    first, last = card.hold_band
    data = rows([{"layer": first - 0.5, "end": last + 0.5}])
    band: alt.Chart = alt.Chart(data).mark_rect(color=theme.shade, opacity=0.75, tooltip=None).encode(x=x, x2="end:Q")
    return band


def _recommended(card: AxisCard, theme: Theme, x: alt.X) -> list[alt.Chart]:
    layer = card.recommended_layer
    base = alt.Chart(rows([{"layer": layer, "text": f"block {layer}"}])).encode(x=x)
    text = base.mark_text(
        color=theme.alarm, baseline="bottom", align="left" if layer < 0.75 * card.n_layers else "right", dx=3
    ).encode(y=alt.value(-2), text="text:N")
    return [base.mark_rule(color=theme.alarm, strokeWidth=1.4), text]


def _reference(at: float, label: str, card: AxisCard, theme: Theme, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    base = alt.Chart(rows([{"value": at, "layer": card.n_layers - 0.5, "text": label}])).encode(y=y)
    return [
        base.mark_rule(color=theme.muted, strokeWidth=1, strokeDash=[1, 2]),
        base.mark_text(color=theme.muted, align="right", baseline="bottom", dy=-2).encode(x=x, text="text:N"),
    ]


def _legend(labels: list[str], colours: tuple[str, ...], theme: Theme) -> list[alt.Chart]:
    """A line above the plot: dashes tell the lines apart without colour."""
    drawn, left = [], 0.0
    for k, label in enumerate(labels):
        stroke = {"strokeDash": [4, 3], "strokeWidth": 1.4} if k else {"strokeWidth": 2}
        swatch = alt.Chart(rows([{"text": label}])).mark_rule(color=colours[k], **stroke)
        drawn.append(swatch.encode(x=alt.value(left), x2=alt.value(left + 18), y=alt.value(-23)))
        words = alt.Chart(rows([{"text": label}])).mark_text(align="left", baseline="middle", color=theme.muted)
        drawn.append(words.encode(x=alt.value(left + 23), y=alt.value(-23), text="text:N"))
        left += 23 + 6.8 * len(label) + 16
    return drawn
