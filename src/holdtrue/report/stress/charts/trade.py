"""What a hold buys and what it costs: failures, right answers and tokens in one picture."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np

from holdtrue.report.charts import Width
from holdtrue.report.charts.base import overlay, rows
from holdtrue.report.layout import Label, place_labels
from holdtrue.report.stress.arms import Arm
from holdtrue.report.stress.kinds import ALL
from holdtrue.report.stress.words import part, share, span, times
from holdtrue.report.theme import Theme

__all__ = ["Traded", "trade", "traded", "unbeaten"]

# Plot widths that labels are laid out for; a wider plot only spreads them further apart.
_LAYOUTS = (230, 340, 480, 640)
_LAYOUT = "(width < 340 ? 0 : width < 480 ? 1 : width < 640 ? 2 : 3)"

FAILING, RIGHT = "failing families; left is better", "right answers; up is better"

Traded = dict[str, Any]


def traded(results: Mapping[str, Any], arms: Sequence[Arm]) -> list[Traded]:
    """Arms with both a failure rate and a capability; scripts aren't a way of holding, and stay out."""
    found = []
    for arm in arms:
        rate, able = part(results, "arms", arm.name, ALL), part(results, "capability", arm.name)
        if arm.role == "script" or part(rate, "rate") is None or part(able, "rate") is None:
            continue
        ratio = 1.0 if arm.role == "free" else part(results, "overhead", arm.name, "tokens_ratio")
        (x_low, x_high), (y_low, y_high) = (span(one.get("ci")) or (one["rate"],) * 2 for one in (rate, able))
        found.append(
            {
                "arm": arm.label,
                "known": arm.role == "control",
                "rate": rate["rate"],
                "rate_low": x_low,
                "rate_high": x_high,
                "able": able["rate"],
                "able_low": y_low,
                "able_high": y_high,
                "ratio": ratio,
                "text": arm.label if ratio is None or arm.role == "free" else f"{arm.label} {times(ratio)}",
                "failing": share(rate["rate"], rate.get("ci")),
                "right": share(able["rate"], able.get("ci")),
                "tokens": times(ratio),
            }
        )
    return found


def unbeaten(data: Sequence[Traded]) -> list[str]:
    """Arms that no other equals in all three figures and beats in one; a missing ratio counts as 1."""

    def cost(row: Traded) -> tuple[float, float, float]:
        return row["rate"], -row["able"], row["ratio"] or 1.0

    def beats(a: Traded, b: Traded) -> bool:
        pairs = list(zip(cost(a), cost(b), strict=True))
        return all(one <= other for one, other in pairs) and any(one < other for one, other in pairs)

    asked = [row for row in data if not row["known"]]
    return [row["arm"] for row in asked if not any(beats(other, row) for other in asked)]


def trade(
    results: Mapping[str, Any], arms: Sequence[Arm], theme: Theme, width: Width = 620, height: int = 340
) -> alt.LayerChart | None:
    """Failures against capability, sized by tokens; None unless an arm has both.

    Args:
        results: their `arms`, `capability` and `overhead`.
        arms: of the whole run.
        theme: colours.
        width: pixels, or `container`.
        height: pixels.
    """
    data = traded(results, arms)
    if not data:
        return None
    names = [row["arm"] for row in data]
    looks = [arm for arm in arms if arm.label in names]
    x_domain = _domain([row[key] for row in data for key in ("rate_low", "rate_high")], 0.14)
    y_domain = _domain([row[key] for row in data for key in ("able_low", "able_high")], 0.08)
    percent = alt.Axis(format=".0%", tickCount=6)
    x = alt.X("rate:Q", title=FAILING, scale=_scale(x_domain), axis=percent)
    y = alt.Y("able:Q", title=RIGHT, scale=_scale(y_domain), axis=percent)
    colour = alt.Color("arm:N", legend=None, scale=alt.Scale(domain=names, range=[arm.colour(theme) for arm in looks]))
    shape = alt.Shape("arm:N", legend=None, scale=alt.Scale(domain=names, range=[arm.shape for arm in looks]))
    ratios = [row["ratio"] or 1.0 for row in data]
    size = alt.Size("ratio:Q", legend=None, scale=alt.Scale(domain=[min(ratios), max([*ratios, min(ratios) + 0.01])],
                                                            range=[70, 260]))  # fmt: skip
    tooltip = [
        alt.Tooltip(f"{name}:N", title=title)
        for name, title in (("arm", "arm"), ("failing", "failing"), ("right", "right"), ("tokens", "tokens"))
    ]
    base = alt.Chart(rows([{**row, "ratio": row["ratio"] or 1.0} for row in data])).encode(color=colour)
    thin: dict[str, Any] = {"strokeWidth": 1.2, "opacity": 0.38}
    layers: list[Any] = [
        base.mark_rule(**thin).encode(x=alt.X("rate_low:Q", title=FAILING), x2="rate_high:Q", y=y),
        base.mark_rule(**thin).encode(x=x, y=alt.Y("able_low:Q", title=RIGHT), y2="able_high:Q"),
        base.mark_point(filled=True, opacity=1, stroke=theme.paper, strokeWidth=0.8).encode(
            x=x, y=y, size=size, shape=shape, tooltip=tooltip
        ),
    ]
    sizes = _LAYOUTS if width == "container" else (int(width),)
    layers += _names(data, (x_domain, y_domain), sizes, height, theme, x, y)
    return overlay(layers, width, height, f"Failing families against right answers, {len(data)} arms.")


def _scale(domain: list[float]) -> alt.Scale:
    return alt.Scale(domain=domain, nice=False, zero=False)


def _domain(values: list[float], room: float) -> list[float]:
    margin = room * (max(values) - min(values)) or 0.05
    return [min(values) - margin, max(values) + margin]


def _names(
    data: Sequence[Traded],
    domains: tuple[list[float], list[float]],
    sizes: tuple[int, ...],
    height: int,
    theme: Theme,
    x: alt.X,
    y: alt.Y,
) -> list[alt.Chart]:
    """Names beside the points over a halo of paper, laid out for every plot width; what is asked finds room first."""
    data = sorted(data, key=lambda row: row["known"])
    layouts = []
    for width in sizes:
        at = np.array([[row["rate"], row["able"]] for row in data]) - [domains[0][0], domains[1][0]]
        at = at * np.array([width, height]) / [domains[0][1] - domains[0][0], domains[1][1] - domains[1][0]]
        at[:, 1] = height - at[:, 1]
        wanted = [Label(row["text"], float(spot[0]), float(spot[1]), 10.0) for row, spot in zip(data, at, strict=True)]
        layouts.append(place_labels(wanted, at, float(width), float(height)))
    named = [
        {
            "rate": row["rate"],
            "able": row["able"],
            "text": row["text"],
            "shown": [int(layout[i].shown) for layout in layouts],
            "align": [layout[i].align for layout in layouts],
            "dx": [layout[i].dx for layout in layouts],
            "dy": [layout[i].dy for layout in layouts],
        }
        for i, row in enumerate(data)
    ]
    k = _LAYOUT if len(sizes) > 1 else "0"
    looks: tuple[dict[str, Any], ...] = (
        {"color": theme.paper, "stroke": theme.paper, "strokeWidth": 3, "strokeJoin": "round"},
        {"color": theme.ink},
    )
    return [
        alt.Chart(rows(named))
        .mark_text(
            **look,
            baseline="middle",
            align=alt.ExprRef(f"datum.align[{k}]"),
            dx=alt.ExprRef(f"datum.dx[{k}]"),
            dy=alt.ExprRef(f"datum.dy[{k}]"),
            opacity=alt.ExprRef(f"datum.shown[{k}]"),
            tooltip=None,
        )
        .encode(x=x, y=y, text="text:N")
        for look in looks
    ]
