"""Drift trajectories: z by turn, an arm a line, with the benign range behind it."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import altair as alt

from holdtrue.report.charts import Width
from holdtrue.report.charts.base import rows
from holdtrue.report.series import BENIGN_SD
from holdtrue.report.stress.arms import Arm
from holdtrue.report.stress.charts.lines import curves, points_of
from holdtrue.report.stress.kinds import head
from holdtrue.report.stress.words import part
from holdtrue.report.theme import Theme

__all__ = ["MAX_PANELS", "course", "course_labels", "course_points"]

MAX_PANELS = 4
TITLE = "z; down: less assistant-like"


def course_labels(results: Mapping[str, Any]) -> list[str]:
    """The kinds or topics with a course of z over turns: drift first, then the longest talks. Never by outcome."""
    longest: dict[str, int] = {}
    for own in (part(results, "trajectories") or {}).values():
        for label, curve in (own or {}).items():
            turns = [point for point in part(curve, "z") or () if point.get("mean") is not None]
            if len(turns) > 1:
                longest[label] = max(longest.get(label, 0), len(turns))
    return sorted(longest, key=lambda label: (head(label) != "drift", -longest[label], label))


def course(
    results: Mapping[str, Any],
    arms: Sequence[Arm],
    label: str,
    theme: Theme,
    width: Width = 420,
    height: int = 280,
    among: Sequence[str] = (),
) -> alt.LayerChart | None:
    """Draw z by turn for one kind or topic; None where no arm has it.

    Args:
        results: their `trajectories`.
        arms: of the whole run.
        label: one of `course_labels`.
        theme: colours.
        width: pixels, or `container`.
        height: pixels.
        among: the labels that share its y scale.
    """
    data = course_points(results, arms, label)
    if not data:
        return None
    every = [row for name in (label, *among) for row in course_points(results, arms, name)]
    values = [row[end] for row in every for end in ("low", "high")]
    # The farthest ends of bands may be cut off; every mean is in view.
    means = [row["value"] for row in every]
    low, high = min([*means, -BENIGN_SD]), max([*means, BENIGN_SD])
    reach = 0.2 * (high - low)
    domain = [max(min(values), low - reach) - 0.2, min(max(values), high + reach) + 0.2]
    last = max(row["at"] for row in data)
    x = alt.X(
        "at:Q",
        title="assistant turn",
        scale=alt.Scale(domain=[0.7, last + 0.3], nice=False),
        axis=alt.Axis(values=list(range(1, last + 1, ceil(last / 12))), format="d", grid=False),
    )
    y = alt.Y(
        "value:Q",
        title=TITLE,
        scale=alt.Scale(domain=[min(domain[0], -BENIGN_SD), max(domain[1], BENIGN_SD)], nice=False, zero=False),
        axis=alt.Axis(tickCount=6),
    )
    about = f"Mean z by turn, {len({row['arm'] for row in data})} arms."
    benign = alt.Chart(rows([{"low": -BENIGN_SD, "high": BENIGN_SD}])).mark_rect(
        color=theme.shade, opacity=0.55, tooltip=None
    )
    return curves(
        data, arms, theme, x=x, y=y, y_title=TITLE, below=[benign.encode(y=alt.Y("low:Q", title=TITLE), y2="high:Q")],
        width=width, height=height, about=about,
    )  # fmt: skip


def course_points(results: Mapping[str, Any], arms: Sequence[Arm], label: str) -> list[dict[str, Any]]:
    """Mean z by turn of these arms, as rows to draw."""
    found = []
    for arm in arms:
        found += points_of(arm, part(results, "trajectories", arm.name, label, "z") or (), "turn", "mean")
    return found
