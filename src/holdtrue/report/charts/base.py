"""What every chart shares: its data, its width and its dress."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import altair as alt

from holdtrue.report.theme import Theme, chart_config

__all__ = ["Chart", "Width", "dress", "placeholder", "rows", "title"]

Chart = alt.Chart | alt.LayerChart | alt.ConcatChart | alt.HConcatChart | alt.VConcatChart
Width = int | Literal["container"]
"""Pixels for pictures; `container` for a page that the chart fills and follows."""


def rows(values: Sequence[Mapping[str, Any]]) -> alt.Data:
    """Inline data."""
    return alt.Data(values=[dict(value) for value in values])


def title(text: str, subtitle: str = "") -> alt.TitleParams:
    """A chart's own heading, for pictures that stand alone."""
    return alt.TitleParams(text=text, frame="group", **({"subtitle": subtitle} if subtitle else {}))


def placeholder(text: str, heading: str, theme: Theme, width: int, height: int) -> alt.Chart:
    """A panel that says in words that there is nothing to draw."""
    return (
        alt.Chart(rows([{"text": text}]), title=title(heading))
        .mark_text(color=theme.muted, fontStyle="italic", fontSize=12)
        .encode(text="text:N")
        .properties(width=width, height=height)
    )


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
