"""A gate drawn: each class's upper limit against its p0, and rates version by version."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import altair as alt

from holdtrue.records import Verdict
from holdtrue.records.prereg import VerdictName
from holdtrue.report.charts import Width
from holdtrue.report.charts.base import overlay, rows
from holdtrue.report.failure_classes import label_of
from holdtrue.report.gate.words import MARKS, at_most, share, word_of
from holdtrue.report.theme import Theme

__all__ = ["bounds", "version_rates"]

ROW: Final = 46
STEP: Final = 19
NAMES: Final = 112
"""Pixels for the versions' names; headings start at their left."""
PERCENT: Final = ".10~%"
TICKS: Final = (0.0, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0)
_SHAPES: Final[dict[VerdictName, str]] = {
    "PASS": "circle",
    "FAIL": "cross",
    "INCONCLUSIVE": "diamond",
    "NOT_APPLICABLE": "stroke",
}


def bounds(verdict: Verdict, theme: Theme, width: Width = 600) -> alt.LayerChart | None:
    """Upper limits of the failure rate on a logarithmic axis, each against its p0; None where there is no class.

    Args:
        verdict: of a gate.
        theme: colours.
        width: pixels, or `container`.
    """
    if not verdict.classes:
        return None
    found = [(name, one, _drawable(one.upper_bound)) for name, one in verdict.classes.items()]
    known = [value for _, one, bound in found for value in (bound, _drawable(one.p0)) if value is not None]
    low = max(1e-12, 0.5 * min(known, default=0.01))
    data = [
        {
            "at": f"{at:03d}",
            "label": label_of(name),
            "verdict": one.verdict,
            "said": "nothing is shown" if bound is None else f"{MARKS[one.verdict]} ≤ {at_most(bound)}",
            "word": word_of(one.verdict),
            "bound": bound,
            "raw": _drawable(one.raw_upper_bound),
            "p0": _drawable(one.p0),
            # A FAIL has shown the rate to be above p0.
            "low": one.p0 if one.verdict == "FAIL" and low <= one.p0 < (bound or 0) else low,
            "promised": share(one.p0),
        }
        for at, (name, one, bound) in enumerate(found)
    ]
    title = "upper limit of the failure rate, logarithmic"
    ticks = [10.0**power for power in range(-12, 1) if 10.0**power >= low]
    scale = alt.Scale(type="log", domain=[low, 1], nice=False)
    x = alt.X("bound:Q", title=title, scale=scale, axis=alt.Axis(format=PERCENT, values=ticks, labelFlush=False))
    y = alt.Y("at:N", sort=None, axis=None, scale=alt.Scale(domain=[row["at"] for row in data], padding=0))
    tones = {"PASS": theme.assistant, "FAIL": theme.alarm}
    domain = list(_SHAPES)
    looks: dict[str, Any] = {
        "color": alt.Color(
            "verdict:N",
            legend=None,
            scale=alt.Scale(domain=domain, range=[tones.get(one, theme.muted) for one in domain]),
        ),
        "tooltip": [
            alt.Tooltip("label:N", title="class"),
            alt.Tooltip("word:N", title="verdict"),
            alt.Tooltip("said:N", title="upper limit"),
            alt.Tooltip("promised:N", title="p0"),
        ],
    }
    shape = alt.Shape("verdict:N", legend=None, scale=alt.Scale(domain=domain, range=[_SHAPES[one] for one in domain]))
    base = alt.Chart(rows(data)).encode(y=y)
    asked = base.transform_filter("isValid(datum.bound)")
    layers = [
        base.mark_tick(orient="vertical", size=22, thickness=2, color=theme.ink, yOffset=9).encode(
            x=alt.X("p0:Q", title=title, scale=scale)
        ),
        asked.mark_rule(strokeWidth=5, opacity=0.3, yOffset=9).encode(
            x=alt.X("low:Q", title=title, scale=scale), x2="bound:Q", **looks
        ),
        asked.mark_point(filled=False, size=42, strokeWidth=1.3, color=theme.muted, yOffset=9).encode(
            x=alt.X("raw:Q", title=title, scale=scale)
        ),
        asked.mark_point(filled=True, size=110, opacity=1, yOffset=9).encode(x=x, shape=shape, **looks),
        base.mark_text(align="left", yOffset=-11, fontSize=12, fontWeight=600, color=theme.ink).encode(
            x=alt.value(0), text="label:N"
        ),
        base.mark_text(align="right", yOffset=-11, fontSize=11, color=theme.muted).encode(
            x=alt.value("width"), text="said:N"
        ),
    ]
    about = f"Upper limits of the failure rate of {len(data)} classes against their p0."
    return overlay(layers, width, alt.Step(ROW), about)


def version_rates(
    groups: Sequence[tuple[str, Sequence[tuple[str, Mapping[str, Any]]]]],
    title: str,
    theme: Theme,
    width: Width = 400,
    *,
    whole: bool = False,
) -> alt.LayerChart | None:
    """Rates with their exact intervals, a heading and then a line for each version; None where there is no rate.

    Args:
        groups: heading, and `count`, `n`, `low`, `high` by version, oldest first.
        title: of the axis.
        theme: colours.
        width: pixels, or `container`.
        whole: an even axis from nothing to everything; else one that widens what is near nothing.
    """
    data: list[dict[str, Any]] = []
    headings: list[dict[str, Any]] = []
    domain: list[str] = []
    for heading, rates in groups:
        domain.append(f"{len(domain):04d}")
        headings.append({"at": domain[-1], "label": heading})
        for place, (version, rate) in enumerate(rates, start=1):
            # Versions of one name stay apart: the axis shows what comes after the number.
            domain.append(f"{len(domain):04d}{version}")
            if rate.get("n"):
                data.append(_rate_row(domain[-1], version, rate, latest=place == len(rates)))
    if not data:
        return None
    top = 1.0 if whole else min(1.0, 1.06 * max(row["high"] for row in data))
    scale = alt.Scale(type="linear" if whole else "sqrt", domain=[0, top], nice=False)
    ticks = [0, 0.25, 0.5, 0.75, 1] if whole else [tick for tick in TICKS if tick <= top]
    axis = alt.Axis(format=PERCENT, values=ticks, labelFlush=False, labelOverlap="parity")
    names = alt.Axis(
        title=None,
        ticks=False,
        grid=False,
        labelLimit=NAMES - 10,
        labelPadding=8,
        labelExpr="slice(datum.value, 4)",
        minExtent=NAMES,
        maxExtent=NAMES,
    )
    y = alt.Y("at:N", sort=None, axis=names, scale=alt.Scale(domain=domain))
    tone = alt.Color(
        "latest:N", legend=None, scale=alt.Scale(domain=[False, True], range=[theme.muted, theme.assistant])
    )
    shape = alt.Shape("latest:N", legend=None, scale=alt.Scale(domain=[False, True], range=["circle", "diamond"]))
    tooltip = [alt.Tooltip("version:N"), alt.Tooltip("of:N", title=title), alt.Tooltip("shown:N", title="95 %")]
    base = alt.Chart(rows(data)).encode(y=y, color=tone, tooltip=tooltip)
    layers = [
        base.mark_rule(strokeWidth=2.2, opacity=0.75).encode(x=alt.X("low:Q", title=title, scale=scale), x2="high:Q"),
        base.mark_point(filled=True, size=72, opacity=1).encode(
            x=alt.X("rate:Q", title=title, scale=scale, axis=axis), shape=shape
        ),
        alt.Chart(rows(headings))
        .mark_text(align="left", fontSize=12, fontWeight=600, color=theme.ink)
        .encode(y=y, x=alt.value(-NAMES), text="label:N"),
    ]
    return overlay(layers, width, alt.Step(STEP), f"{title} by version, in {len(groups)} groups.")


def _drawable(value: float | None) -> float | None:
    """On a logarithmic axis there is no place for nothing."""
    return value if value is not None and value > 0 else None


def _rate_row(at: str, version: str, rate: Mapping[str, Any], *, latest: bool) -> dict[str, Any]:
    value = rate["count"] / rate["n"]
    low, high = (value if rate.get(end) is None else rate[end] for end in ("low", "high"))
    return {
        "at": at,
        "version": version,
        "rate": value,
        "low": low,
        "high": high,
        "latest": latest,
        "of": f"{rate['count']:,} of {rate['n']:,}",
        "shown": f"{100 * low:.2f} to {100 * high:.2f} %",
    }
