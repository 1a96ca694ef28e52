"""One self-contained HTML page from a card and its readings."""

from collections.abc import Sequence
from typing import Any

from holdtrue.records import AxisCard, Reading
from holdtrue.report.plain import number, plain, with_interval
from holdtrue.report.series import gauge_of
from holdtrue.report.shell import environment, inert_json, own_markup, policy, scripts, style
from holdtrue.report.theme import CSS
from holdtrue.report.tiles import axis_tiles, provenance, reading_tiles, reproduce
from holdtrue.report.transcript import talks
from holdtrue.report.verdict import Verdict, verdict_on

__all__ = ["axis_page", "reading_page"]


def axis_page(card: AxisCard, readings: Sequence[Reading] = ()) -> str:
    """The report on an axis, with any conversations watched with it.

    The page is one file that loads nothing: a content security policy admits only its own two scripts, by their hash.

    Args:
        card: what is known about the axis.
        readings: watched conversations, drawn over each other.

    Returns:
        HTML text, for a file in UTF-8.
    """
    size = f"{card.n_layers} blocks, width {card.d_model}, {plain(card.dtype)}; {plain(card.origin, 160)}"
    return _render(
        card,
        readings,
        title=f"holdtrue: the assistant axis of {plain(card.model, 120)}",
        eyebrow="the assistant axis of",
        heading=plain(card.model, 160),
        under=size,
        verdict=verdict_on(card),
        warnings=[plain(warning, 1000) for warning in card.warnings],
        tiles=axis_tiles(card),
        provenance=provenance(card),
        command=reproduce(card),
    )


def reading_page(readings: Sequence[Reading], card: AxisCard | None = None) -> str:
    """The report on watched conversations alone.

    Args:
        readings: drawn over each other; at least one.
        card: the axis that they were read with; its verdict and warnings go to the top, its tokens' calibration into
            the transcript.
    """
    rang = sum(reading.alarm_turn is not None for reading in readings)
    many = len(readings) > 1
    if many:
        line = f"The alarm rang in {rang} of {len(readings)} conversations" if rang else "No alarm rang"
    else:
        line = "The alarm rang" if rang else "No alarm rang"
    why = plain(readings[0].caveat, 400) if readings else "No conversation was given."
    facts = [("Reader", plain(r, 160)) for r in sorted({reading.reader for reading in readings})]
    facts += [("Axis", plain(d, 140)) for d in sorted({reading.axis_digest for reading in readings})]
    facts += [("Source", plain(reading.source, 200)) for reading in readings]
    about = verdict_on(card) if card is not None else None
    notes = [] if about is None or about.state == "found" else [f"{about.line}. {about.why}"]
    return _render(
        None,
        readings,
        calibration=card,
        title="holdtrue: " + (plain(readings[0].title, 100) if len(readings) == 1 else "watched conversations"),
        eyebrow="watched conversations" if many else "a watched conversation",
        heading="Watched conversations" if many or not readings else plain(readings[0].title, 160),
        under="" if not readings else f"read by {plain(readings[0].reader, 160)}",
        verdict=Verdict("none" if rang else "found", line, why),
        warnings=notes + [plain(warning, 1000) for warning in (card.warnings if card is not None else ())],
        tiles=reading_tiles(readings),
        provenance=[facts, *(provenance(card)[:1] if card is not None else [])],
        command=None,
    )


def _render(
    card: AxisCard | None, readings: Sequence[Reading], *, calibration: AxisCard | None = None, **top: Any
) -> str:
    """Fill the template."""
    from holdtrue.report.charts import PANELS

    known = card if card is not None else calibration
    drawn = _figures(card, readings, known)
    bundle, driver = scripts()
    ranked = sorted(card.roles, key=lambda role: -role.projection) if card is not None else []
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            **top,
            card=card,
            policy=policy(bundle, driver),
            css=own_markup(style()),
            drawn=drawn,
            figures=own_markup(inert_json(drawn)),
            bundle=own_markup(bundle),
            driver=own_markup(driver),
            panels=list(PANELS.items()),
            checked=any(f"check-{name}" in drawn for name in PANELS),
            categories=sorted({plain(role.category, 40) for role in ranked}),
            role_rows=[
                {
                    "name": plain(role.name, 80),
                    "category": plain(role.category, 40),
                    "projection": number(role.projection, 3),
                    "n": role.n_rollouts,
                }
                for role in ranked
            ],
            layer_rows=_layer_rows(card) if card is not None else [],
            talks=talks(readings, known),
            banded=any(gauge_of(reading, known) is not None for reading in readings),
        )
    )


def _figures(card: AxisCard | None, readings: Sequence[Reading], known: AxisCard | None) -> dict[str, dict[str, Any]]:
    """Specifications by the id of the box that they fill; figures without data are left out."""
    from holdtrue.report import charts

    found: dict[str, Any] = {}
    if card is not None:
        found["persona-map"] = charts.persona_map(card, CSS, "container", 460)
        found["role-strip"] = charts.role_strip(card, CSS, "container")
        found["role-bars"] = charts.role_bars(card, CSS, "container")
        for name in charts.PANELS:
            found[f"check-{name}"] = charts.panel(card, name, CSS, "container")
        found["calibration"] = charts.calibration_histograms(card, CSS, "container")
    found["drift"] = charts.drift(readings, known, CSS, "container", 320)
    return {key: charts.dress(chart, CSS, responsive=True) for key, chart in found.items() if chart is not None}


def _layer_rows(card: AxisCard) -> list[dict[str, Any]]:
    return [
        {
            "here": check.layer == card.recommended_layer,
            "cells": (
                str(check.layer),
                with_interval(check.auroc, check.auroc_ci, 3),
                number(check.random_auroc, 3),
                with_interval(check.split_half, check.split_half_ci, 3),
                number(check.d_prime),
                number(check.pc1_share, 3),
                number(check.cos_pc1, 3),
                number(check.norm),
            ),
        }
        for check in card.layers
    ]
