"""Colours and chart configuration: one set of names, a light and a dark set of values, and one that defers to CSS."""

from dataclasses import dataclass, fields
from typing import Literal, final

__all__ = ["BY_NAME", "CSS", "DARK", "FONT", "LIGHT", "Theme", "ThemeName", "chart_config", "css_variables"]

ThemeName = Literal["light", "dark"]

FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, "Liberation Sans", sans-serif'


@final
@dataclass(frozen=True)
class Theme:
    """What a chart is drawn with."""

    name: str
    page: str
    paper: str
    """Behind charts and panels."""
    ink: str
    muted: str
    grid: str
    shade: str
    """Bands: benign range, hold band."""
    assistant: str
    """The assistant's own mark."""
    alarm: str
    diverging: tuple[str, ...]
    """Seven steps from least to most assistant-like: orange to blue, told apart by every common colour vision."""
    steady: tuple[str, ...]
    """Lines of conversations in which no alarm rang."""
    drifting: tuple[str, ...]
    """Lines of conversations in which one did."""


LIGHT = Theme(
    name="light",
    page="#f5f6f8",
    paper="#ffffff",
    ink="#1d2128",
    muted="#5b6472",
    grid="#e6e8ec",
    shade="#dfe7ef",
    assistant="#0f4c8f",
    alarm="#b23a0e",
    diverging=("#8a3803", "#c9651c", "#e9a566", "#b8b4ad", "#8db7dc", "#4485c2", "#114d90"),
    steady=("#1a66b0", "#12776b", "#5a56b8", "#4d6b8a"),
    drifting=("#c4530d", "#a3328a", "#8a6a00", "#b02a3c"),
)

DARK = Theme(
    name="dark",
    page="#0e1115",
    paper="#171b21",
    ink="#e7eaee",
    muted="#a2abb8",
    grid="#2b313a",
    shade="#27323f",
    assistant="#a9d4ff",
    alarm="#ff9a66",
    diverging=("#ffbe85", "#ec9146", "#b06f3c", "#77746f", "#4a7ca8", "#5ea6e3", "#a9d4ff"),
    steady=("#6cb2f2", "#4fc3ae", "#a9a3f5", "#9db4cc"),
    drifting=("#f59a57", "#e08bd0", "#d6b94a", "#f2838f"),
)

BY_NAME: dict[str, Theme] = {theme.name: theme for theme in (LIGHT, DARK)}


def _variables(theme: Theme) -> dict[str, str]:
    """Every colour under the name that its CSS variable has."""
    named: dict[str, str] = {}
    for field in fields(theme):
        value = getattr(theme, field.name)
        if isinstance(value, tuple):
            named |= {f"--{field.name}-{i}": colour for i, colour in enumerate(value)}
        elif field.name != "name":
            named[f"--{field.name}"] = value
    return named


def _deferred(theme: Theme) -> Theme:
    # SVG presentation attributes take var(), so one drawing follows the page from light to dark to print.
    values: dict[str, str | tuple[str, ...]] = {}
    for field in fields(theme):
        value = getattr(theme, field.name)
        named = f"var(--{field.name}"
        values[field.name] = (
            tuple(f"{named}-{i})" for i in range(len(value))) if isinstance(value, tuple) else f"{named})"
        )
    return Theme(**{**values, "name": "css"})  # type: ignore[arg-type]


CSS = _deferred(LIGHT)


def css_variables(theme: Theme) -> str:
    """The theme as CSS custom properties, the ones that charts in `CSS` refer to."""
    return ";".join(f"{name}:{value}" for name, value in _variables(theme).items())


def chart_config(theme: Theme) -> dict[str, object]:
    """The Vega-Lite configuration shared by every chart."""
    text = {"labelColor": theme.muted, "titleColor": theme.muted, "labelFontSize": 11, "titleFontSize": 11.5}
    return {
        "background": "transparent" if theme.name == "css" else theme.paper,
        "font": FONT,
        "padding": 4,
        "view": {"stroke": None},
        "axis": {
            **text,
            "titleFontWeight": "normal",
            "gridColor": theme.grid,
            "domain": False,
            "tickColor": theme.grid,
            "labelPadding": 5,
            "titlePadding": 8,
        },
        "legend": {
            **text,
            "titleFontWeight": "normal",
            "orient": "top",
            "direction": "horizontal",
            "titleLimit": 420,
            "labelLimit": 420,
            "symbolStrokeWidth": 2,
            "symbolOpacity": 1,
            "offset": 8,
        },
        "title": {
            "color": theme.ink,
            "subtitleColor": theme.muted,
            "fontSize": 13.5,
            "subtitleFontSize": 11.5,
            "fontWeight": 600,
            "anchor": "start",
            "offset": 10,
            "subtitlePadding": 5,
        },
        "text": {"color": theme.ink, "fontSize": 11},
        "rule": {"color": theme.muted},
    }
