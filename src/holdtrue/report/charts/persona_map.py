"""Roles in the plane of the first two principal components, coloured by projection."""

from typing import Any, Literal

import altair as alt
import numpy as np

from holdtrue.records import AxisCard, RolePosition
from holdtrue.report.charts.base import Width, overlay, rows
from holdtrue.report.layout import Label, Placed, place_labels
from holdtrue.report.plain import plain
from holdtrue.report.theme import Theme

__all__ = ["MATCH", "cuts", "persona_map", "shade_of", "speaks"]

# Plot widths that labels are laid out for; a wider plot only spreads them further apart.
_LAYOUTS = (230, 340, 480, 640)
_LAYOUT_INDEX = "(width < 340 ? 0 : width < 480 ? 1 : width < 640 ? 2 : 3)"
_MAX_NAME = 26
_AXIS = alt.Axis(tickCount=7)

MATCH = "(!find || indexof(datum.key, find) >= 0) && (!group || datum.category == group)"
"""Whether a role is among those that the page's search box and category menu ask for."""


def cuts(card: AxisCard) -> list[float]:
    """Six cuts between the seven colours, from the least assistant-like role to the default or beyond."""
    values = [0.0, *(role.projection for role in card.roles)]
    low, high = min(values), max(values)
    return [round(float(cut), 6) for cut in np.linspace(low, high if high > low else low + 1, 8)[1:-1]]


def shade_of(card: AxisCard, theme: Theme, *, live: bool = False, legend: bool = True) -> alt.Color:
    """The colour channel that the map and the ranking share."""
    shown: Any = (
        alt.Legend(
            title="projection, relative to the default (0)",
            type="gradient",
            format="~g",
            gradientLength=alt.ExprRef("min(280, width)") if live else 280,
            gradientThickness=9,
        )
        if legend
        else None
    )
    # Cuts have two significant digits: they are colours' borders, not results.
    domain = [float(f"{cut:.2g}") for cut in cuts(card)]
    return alt.Color(
        "projection:Q",
        scale=alt.Scale(type="threshold", domain=domain, range=list(theme.diverging)),
        legend=shown,
    )


def speaks(width: Width) -> list[alt.Parameter]:
    """Parameters that a page's search box and category menu set; none in a picture."""
    if width != "container":
        return []
    return [alt.param(name="find", value=""), alt.param(name="group", value="")]


def persona_map(card: AxisCard, theme: Theme, width: Width = 620, height: int = 430) -> alt.LayerChart | None:
    """The persona map; None when the card holds no roles.

    Args:
        card: its roles and `default_pc` are drawn.
        theme: colours.
        width: pixels, or `container`.
        height: pixels.
    """
    if not card.roles:
        return None
    points = [role.pc for role in card.roles] + ([card.default_pc] if card.default_pc is not None else [])
    x_domain, y_domain = (_domain([point[i] for point in points]) for i in (0, 1))
    live = width == "container"
    sizes = _LAYOUTS if live else (int(width),)
    data = [_row(role) for role in card.roles]
    share = getattr(card.read_check, "pc1_share", None)
    first = "PC1" if share is None else f"PC1 ({100 * share:.0f} % of variance)"
    x = alt.X("pc1:Q", title=first, scale=alt.Scale(domain=x_domain, nice=False), axis=_AXIS)
    y = alt.Y("pc2:Q", title="PC2", scale=alt.Scale(domain=y_domain, nice=False), axis=_AXIS)
    base = alt.Chart(rows(data))
    dots = base.mark_circle(size=62, stroke=theme.paper, strokeWidth=0.7).encode(
        x=x,
        y=y,
        color=shade_of(card, theme, live=live),
        opacity=alt.condition(MATCH, alt.value(0.95), alt.value(0.08)) if live else alt.value(0.95),
        tooltip=[
            alt.Tooltip("name:N", title="role"),
            alt.Tooltip("category:N", title="category"),
            alt.Tooltip("projection:Q", title="projection", format=".3f"),
            alt.Tooltip("n:Q", title="accepted rollouts"),
        ],
    )
    layers: list[Any] = [dots.add_params(*speaks(width))]
    named = _labels(card, points, (x_domain, y_domain), sizes, height)
    layers += _text([row for row in named if row["category"]], theme, "normal", x, y, find=live)
    if card.default_pc is not None:
        mark = alt.Chart(rows([{"pc1": card.default_pc[0], "pc2": card.default_pc[1], "name": "default assistant"}]))
        layers.append(
            mark.mark_point(
                shape="diamond", size=240, filled=True, fill=theme.assistant, stroke=theme.ink, opacity=1
            ).encode(x=x, y=y, tooltip=[alt.Tooltip("name:N", title="role")])
        )
        layers += _text([row for row in named if not row["category"]], theme, "bold", x, y, find=False)
    return overlay(
        layers, width, height, f"Persona map: {len(card.roles)} roles in the plane of two principal components."
    )


def _row(role: RolePosition) -> dict[str, Any]:
    name = plain(role.name, 60)
    return {
        "name": name,
        "key": name.lower(),
        "category": plain(role.category, 40),
        "projection": role.projection,
        "n": role.n_rollouts,
        "pc1": role.pc[0],
        "pc2": role.pc[1],
    }


def _domain(values: list[float]) -> list[float]:
    low, high = min(values), max(values)
    margin = 0.06 * (high - low) or 1.0
    return [low - margin, high + margin]


def _extremes(card: AxisCard) -> list[RolePosition]:
    """Roles worth a name: the ends of the axis first, then the ends of PC2."""
    by_axis = sorted(card.roles, key=lambda role: role.projection)
    by_second = sorted(card.roles, key=lambda role: role.pc[1])
    chosen: dict[int, RolePosition] = {}
    for role in (*by_axis[:6], *by_axis[:-5:-1], *by_second[:2], *by_second[:-3:-1]):
        chosen.setdefault(id(role), role)
    return list(chosen.values())


def _labels(
    card: AxisCard,
    points: list[tuple[float, float]],
    domains: tuple[list[float], list[float]],
    sizes: tuple[int, ...],
    height: int,
) -> list[dict[str, Any]]:
    """Text rows with one placement for each layout width, the default's first."""
    default = [("default assistant", card.default_pc, "")] if card.default_pc is not None else []
    wanted = default + [(plain(role.name, _MAX_NAME), role.pc, plain(role.category, 40)) for role in _extremes(card)]
    placements: list[list[Placed]] = []
    for size in sizes:
        scale = np.array([size, height]) / [domains[0][1] - domains[0][0], domains[1][1] - domains[1][0]]
        dots = (np.array(points) - [domains[0][0], domains[1][0]]) * scale
        dots[:, 1] = height - dots[:, 1]
        asked = []
        for text, pc, category in wanted:
            at = (np.array(pc) - [domains[0][0], domains[1][0]]) * scale
            asked.append(Label(text, float(at[0]), float(height - at[1]), gap=7.0 if category else 13.0))
        placements.append(place_labels(asked, dots, float(size), float(height)))
    return [
        {
            "name": text,
            "key": text.lower(),
            "category": category,
            "pc1": pc[0],
            "pc2": pc[1],
            "shown": [int(layout[i].shown) for layout in placements],
            "align": [layout[i].align for layout in placements],
            "dx": [layout[i].dx for layout in placements],
            "dy": [layout[i].dy for layout in placements],
        }
        for i, (text, pc, category) in enumerate(wanted)
    ]


def _text(
    named: list[dict[str, Any]], theme: Theme, weight: Literal["normal", "bold"], x: alt.X, y: alt.Y, *, find: bool
) -> list[alt.Chart]:
    """Names over a halo of paper: dots behind a name would eat its letters."""
    k = _LAYOUT_INDEX if any(len(row["shown"]) > 1 for row in named) else "0"
    shown = f"datum.shown[{k}]"
    if find:
        shown += f" * (({MATCH}) ? 1 : 0.15)"
    looks: tuple[dict[str, Any], ...] = (
        {"color": theme.paper, "stroke": theme.paper, "strokeWidth": 3, "strokeJoin": "round"},
        {"color": theme.ink},
    )
    return [
        alt.Chart(rows(named))
        .mark_text(
            **look,
            baseline="middle",
            fontWeight=weight,
            fontSize=12 if weight == "bold" else 11,
            align=alt.ExprRef(f"datum.align[{k}]"),
            dx=alt.ExprRef(f"datum.dx[{k}]"),
            dy=alt.ExprRef(f"datum.dy[{k}]"),
            opacity=alt.ExprRef(shown),
            tooltip=None,
        )
        .encode(x=x, y=y, text="name:N")
        for look in looks
    ]
