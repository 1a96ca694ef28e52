"""What every chart shares: its data, its width and its dress."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import altair as alt

from holdtrue.report.theme import Theme, chart_config

__all__ = ["Chart", "Width", "dress", "headed", "overlay", "placeholder", "rows", "title"]

Chart = alt.Chart | alt.LayerChart | alt.ConcatChart | alt.HConcatChart | alt.VConcatChart
Width = int | Literal["container"]
"""Pixels for pictures; `container` for a page that the chart fills and follows."""


def rows(values: Sequence[Mapping[str, Any]]) -> alt.InlineData:
    """Inline data."""
    return alt.InlineData(values=[dict(value) for value in values])


def title(text: str, *, large: bool = False) -> alt.TitleParams:
    """A chart's own heading, for pictures that stand alone."""
    return alt.TitleParams(text=text, frame="group", fontSize=17 if large else 13.5, offset=18 if large else 10)


def overlay(layers: Sequence[Any], width: Width, height: Any, description: str) -> alt.LayerChart:
    """Layers drawn over each other, the first one lowest.

    Args:
        layers: charts that share their x and y.
        width: pixels, or `container`.
        height: pixels, or a step for each band.
        description: read out in place of the picture.
    """
    drawn: alt.LayerChart = alt.LayerChart(layer=list(layers)).properties(
        width=width, height=height, description=description
    )
    return drawn


def headed(chart: alt.LayerChart, text: str, theme: Theme, above: int) -> alt.LayerChart:
    """The chart with a heading at a fixed height over its plot, whatever legends lie between."""
    words = alt.Chart(rows([{"text": text}])).mark_text(
        align="left", baseline="bottom", fontSize=13.5, fontWeight=600, color=theme.ink
    )
    drawn: alt.LayerChart = chart.copy()
    drawn.layer = [*drawn.layer, words.encode(x=alt.value(0), y=alt.value(-above), text="text:N")]
    return drawn


def placeholder(text: str, heading: str, theme: Theme, width: int, height: int) -> alt.Chart:
    """A panel that says in words that there is nothing to draw."""
    words = alt.Chart(rows([{"text": text}]), title=title(heading)).encode(text="text:N")
    drawn: alt.Chart = words.mark_text(color=theme.muted, fontStyle="italic", fontSize=12).properties(
        width=width, height=height
    )
    return drawn


def dress(chart: Chart, theme: Theme, *, responsive: bool = False) -> dict[str, Any]:
    """The whole Vega-Lite specification, configured.

    Args:
        chart: any chart of this package.
        theme: the one that it was drawn with.
        responsive: the chart has `width="container"` and follows its box.
    """
    # A copy through JSON leaves plain data behind: no altair object travels on.
    specification: dict[str, Any] = json.loads(json.dumps(chart.to_dict()))
    specification["config"] = chart_config(theme)
    if responsive:
        specification["autosize"] = {"type": "fit-x", "contains": "padding"}
    return specification
