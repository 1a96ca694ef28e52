"""Where benign talk and role play project, and where floors would lie."""

from typing import Any

import altair as alt
import numpy as np

from holdtrue.records import AxisCard, Histogram, Quantiles
from holdtrue.report.charts.base import Width, overlay, rows
from holdtrue.report.plain import plain
from holdtrue.report.theme import Theme
from holdtrue.report.verdict import calibration_at

__all__ = ["calibration_histograms", "floors"]

FIRING_RATES = (0.01, 0.05, 0.10)


def floors(tokens: Quantiles) -> dict[float, float]:
    """Floors by benign firing rate: the quantile that such a share of benign tokens lies under.

    Rates outside the stored quantiles are left out rather than extrapolated.
    """
    if not tokens.probs:
        return {}
    known = (rate for rate in FIRING_RATES if min(tokens.probs) <= rate <= max(tokens.probs))
    return {rate: float(np.interp(rate, tokens.probs, tokens.values)) for rate in known}


def calibration_histograms(
    card: AxisCard, theme: Theme, width: Width = 620, height: int = 240
) -> alt.LayerChart | None:
    """The recommended layer's histograms as densities, with floors; None when there is nothing to draw."""
    drawn = [histogram for histogram in card.histograms if sum(histogram.counts) > 0 and len(histogram.edges) > 1]
    if not drawn:
        return None
    labels = [plain(histogram.label, 40) for histogram in drawn]
    data = [row for histogram, label in zip(drawn, labels, strict=True) for row in _steps(histogram, label)]
    scale = alt.Scale(domain=labels, range=[_colour(label, i, theme) for i, label in enumerate(labels)])
    columns: Any = alt.ExprRef("width < 420 ? 1 : 3") if width == "container" else 3
    x = alt.X(
        "edge:Q",
        title="projection onto the unit axis",
        scale=alt.Scale(zero=False, nice=False),
        axis=alt.Axis(tickCount=8),
    )
    areas = (
        alt.Chart(rows(data))
        .mark_area(interpolate="step-after", opacity=0.32, line={"strokeWidth": 1.6, "interpolate": "step-after"})
        .encode(
            x=x,
            y=alt.Y("density:Q", title="density", stack=None, axis=alt.Axis(tickCount=4)),
            color=alt.Color("label:N", scale=scale, legend=alt.Legend(title=None, columns=columns, offset=44)),
            tooltip=[
                alt.Tooltip("label:N", title="of"),
                alt.Tooltip("edge:Q", title="from", format=".2f"),
                alt.Tooltip("count:Q", title="count"),
            ],
        )
    )
    layers: list[Any] = [areas]
    calibration = calibration_at(card, card.recommended_layer)
    if calibration is not None:
        marks: list[dict[str, Any]] = [
            {"edge": value, "text": f"{rate * 100:g} % floor", "row": i}
            for i, (rate, value) in enumerate(floors(calibration.token).items())
        ]
        base = alt.Chart(rows(marks)).encode(x=x)
        layers.append(base.mark_rule(color=theme.alarm, strokeWidth=1.2, strokeDash=[4, 3]))
        # Each on its own line, so that near floors never write over each other.
        layers += [
            alt.Chart(rows([mark]))
            .mark_text(color=theme.alarm, align="right", dx=3, baseline="bottom")
            .encode(x=x, y=alt.value(-2 - 11 * mark["row"]), text="text:N")
            for mark in marks
        ]
    return overlay(layers, width, height, "Densities of projections at the recommended layer, with floors.")


def _steps(histogram: Histogram, label: str) -> list[dict[str, Any]]:
    edges, total = histogram.edges, sum(histogram.counts)
    steps = [
        {"label": label, "edge": left, "density": count / (total * (right - left)), "count": count}
        for left, right, count in zip(edges[:-1], edges[1:], histogram.counts, strict=True)
        if right > left
    ]
    return [*steps, {"label": label, "edge": edges[-1], "density": 0.0, "count": 0}]


def _colour(label: str, index: int, theme: Theme) -> str:
    """Blue for the assistant, orange for roles, whatever the order that they come in."""
    if "role" in label:
        return theme.drifting[0]
    if "token" in label:
        return theme.muted
    return theme.steady[0] if "response" in label else theme.steady[(index + 1) % len(theme.steady)]
