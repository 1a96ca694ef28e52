"""Epidemic curves: the share of the other agents that spoke as the marked persona, by round."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import altair as alt

from holdtrue.report.charts import Width
from holdtrue.report.stress.arms import Arm
from holdtrue.report.stress.charts.lines import curves, points_of
from holdtrue.report.stress.words import part
from holdtrue.report.theme import Theme

__all__ = ["shapes_of", "spread"]

TITLE = "infected share of the others"


def shapes_of(results: Mapping[str, Any]) -> list[str]:
    """Shapes of networks that any arm was tried on, by name."""
    return sorted({str(shape) for own in (part(results, "agents") or {}).values() for shape in own or ()})


def spread(
    results: Mapping[str, Any], arms: Sequence[Arm], shape: str, theme: Theme, width: Width = 300, height: int = 220
) -> alt.LayerChart | None:
    """Shares by round for one shape; None where no arm has them.

    Args:
        results: their `agents`.
        arms: of the whole run.
        shape: one of `shapes_of`.
        theme: colours.
        width: pixels, or `container`.
        height: pixels.
    """
    data = []
    for arm in arms:
        data += points_of(arm, part(results, "agents", arm.name, shape, "rounds") or (), "round", "share")
    if not data:
        return None
    last = max(row["at"] for row in data)
    x = alt.X(
        "at:Q",
        title="round",
        scale=alt.Scale(domain=[-0.15, last + 0.15], nice=False),
        axis=alt.Axis(values=list(range(0, last + 1, max(1, ceil(last / 10)))), format="d", grid=False),
    )
    y = alt.Y(
        "value:Q",
        title=TITLE,
        scale=alt.Scale(domain=[-0.02, 1.02], nice=False),
        axis=alt.Axis(format="%", values=[0, 0.25, 0.5, 0.75, 1]),
    )
    about = f"Infected share by round, {len({row['arm'] for row in data})} arms."
    return curves(data, arms, theme, x=x, y=y, y_title=TITLE, width=width, height=height, about=about)
