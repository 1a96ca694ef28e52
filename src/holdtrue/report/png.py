"""Charts as picture files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from holdtrue.errors import EvidenceError
from holdtrue.records import AxisCard, Reading, write_atomic
from holdtrue.report.plain import number, plain, with_interval
from holdtrue.report.theme import BY_NAME, Theme, ThemeName
from holdtrue.report.verdict import verdict_on

__all__ = ["overview_png", "png_bytes", "write_pngs"]

SCALE = 2


def write_pngs(
    card: AxisCard | None,
    readings: Sequence[Reading],
    folder: Path,
    theme: ThemeName = "light",
    *,
    prefix: str = "",
) -> tuple[Path, ...]:
    """Write each figure that has data as a picture, at twice the screen's resolution.

    Args:
        card: gives `persona-map.png`, `roles.png`, `checks.png` and `calibration.png`.
        readings: give `drift.png`.
        folder: made when it isn't there.
        theme: `light` or `dark`.
        prefix: goes before every file's name.

    Returns:
        The files written.

    Raises:
        StorageError: the folder can't be written to.
    """
    written = []
    for name, chart in _charts(card, readings, BY_NAME[theme]).items():
        path = folder / f"{prefix}{name}.png"
        write_atomic(path, png_bytes(chart, BY_NAME[theme]))
        written.append(path)
    return tuple(written)


def overview_png(card: AxisCard, readings: Sequence[Reading] = (), theme: ThemeName = "light") -> bytes:
    """One picture for a README: the persona map, and the watched conversations beside it.

    Args:
        card: the axis.
        readings: without one that can be drawn, the ranked roles stand beside the map.
        theme: `light` or `dark`.

    Raises:
        EvidenceError: the card holds no roles and no reading can be drawn.
    """
    import altair as alt

    from holdtrue.report import charts

    colours = BY_NAME[theme]
    left = charts.persona_map(card, colours, 520, 400)
    right = charts.drift(readings, card, colours, 520, 400)
    words = "Watching conversations for drift"
    if right is None:
        right, words = charts.role_bars(card, colours, 380), "The most and the least assistant-like roles"
    marks = 2 * sum(reading.alarm_turn is not None for reading in readings)
    # Headings stand level, above the taller of the two legends.
    above = max(58, 30 + 12 * marks + 14 * len(readings))
    headings = ("The persona map: each dot is a role", words)
    shown = [
        charts.headed(chart, text, colours, above)
        for chart, text in zip((left, right), headings, strict=True)
        if chart is not None
    ]
    if not shown:
        message = f"the card of {plain(card.model)} has no roles and no reading has a projection: nothing to draw"
        raise EvidenceError(message)
    top = alt.TitleParams(
        text=f"The assistant axis of {plain(card.model, 80)}",
        subtitle=_subtitle(card),
        fontSize=20,
        subtitleFontSize=13,
        anchor="start",
        frame="group",
        offset=26,
    )
    picture = alt.hconcat(*shown, spacing=64 if words.startswith("W") else 170, title=top, bounds="flush")
    return png_bytes(picture.resolve_scale(color="independent", shape="independent"), colours, padding=22)


def _subtitle(card: AxisCard) -> str:
    check = card.read_check
    if check is None:
        return verdict_on(card).line
    return (
        f"{verdict_on(card).line}. Block {card.recommended_layer} of {card.n_layers}: held-out AUROC "
        f"{with_interval(check.auroc, check.auroc_ci)} (random directions {number(check.random_auroc)}), "
        f"split-half cosine {with_interval(check.split_half, check.split_half_ci)}, {len(card.roles)} roles."
    )


def _charts(card: AxisCard | None, readings: Sequence[Reading], theme: Theme) -> dict[str, Any]:
    """Every chart with data, by the name of its file."""
    import altair as alt

    from holdtrue.report import charts

    found: dict[str, Any] = {"drift": charts.drift(readings, card, theme, 760, 340)}
    headings = {"drift": "Watched conversations, turn by turn"}
    if card is not None:
        model = plain(card.model, 60)
        found["persona-map"] = charts.persona_map(card, theme, 760, 520)
        headings["persona-map"] = f"Persona map of {model}, block {card.recommended_layer}"
        found["calibration"] = charts.calibration_histograms(card, theme, 760, 300)
        headings["calibration"] = f"Projections of ordinary talk and of roles, block {card.recommended_layer}"
        strip, bars = charts.role_strip(card, theme, 560), charts.role_bars(card, theme, 320)
        if strip is not None and bars is not None:
            found["roles"] = alt.hconcat(strip, bars, spacing=40).resolve_scale(yOffset="independent")
            headings["roles"] = f"Roles along the assistant axis of {model}"
        if any(charts.panel(card, name, theme) is not None for name in charts.PANELS):
            found["checks"] = charts.checks_picture(card, theme)
            headings["checks"] = f"Checks at every block of {model}; shaded: recommended hold band"
    return {
        name: chart.properties(title=charts.title(headings[name], large=True))
        for name, chart in found.items()
        if chart is not None
    }


def png_bytes(chart: Any, theme: Theme, padding: int = 16) -> bytes:
    """A chart as a picture on its theme's background, at twice the size for dense screens."""
    import vl_convert

    from holdtrue.report.charts import dress

    specification = dress(chart, theme)
    specification["config"]["padding"] = padding
    # Data is inline: no address is allowed, whatever a name in it says.
    png: bytes = vl_convert.vegalite_to_png(specification, scale=SCALE, allowed_base_urls=[])
    return png
