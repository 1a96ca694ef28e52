"""Compact fragments for notebooks: static pictures and small tables, no script."""

import base64
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

from holdtrue.records import AxisCard, Reading
from holdtrue.report.plain import number, plain
from holdtrue.report.theme import LIGHT
from holdtrue.report.tiles import axis_tiles
from holdtrue.report.verdict import verdict_on

__all__ = ["axis_html", "reading_html", "rollouts_html"]

_MAX_ROWS = 24
# Notebooks don't say whether they are dark, so a fragment brings its own paper.
_BOX = Markup(
    '<div style="background:#fff;color:#1d2128;border:1px solid #e6e8ec;border-radius:8px;padding:12px 16px;'
    'max-width:760px;font:13px/1.5 system-ui,sans-serif">'
)
_TABLE = Markup('<table style="border-collapse:collapse;margin:6px 0;font-size:13px;color:inherit;background:none">')
_MUTED = Markup('style="color:#5b6472;margin:2px 0"')


def axis_html(card: AxisCard) -> str:
    """The verdict, the warnings, the key figures and the persona map."""
    from holdtrue.report import charts

    verdict = verdict_on(card)
    tone = LIGHT.alarm if verdict.state == "none" else LIGHT.ink
    head = Markup('<div style="font-weight:600;font-size:15px;color:{}">{}</div><div {}>{}</div>').format(
        tone, verdict.line, _MUTED, plain(card.model, 120)
    )
    loud = Markup("").join(
        Markup('<div style="color:{};font-weight:600;margin:3px 0">⚠ {}</div>').format(LIGHT.alarm, plain(warning, 600))
        for warning in card.warnings
    )
    figures = _table((tile.name, tile.figure, tile.note.replace("\n", "; ")) for tile in axis_tiles(card))
    return str(_BOX + head + loud + figures + _picture(charts.persona_map(card, LIGHT, 620, 380), "Persona map") + _END)


def reading_html(reading: Reading) -> str:
    """The trajectory, the alarm and the caveat."""
    from holdtrue.report import charts

    alarm = "no alarm" if reading.alarm_turn is None else f"alarm at turn {reading.alarm_turn}"
    if reading.alarm_turn is not None and reading.onset_turn is not None:
        alarm += f", drift begins at turn {reading.onset_turn}"
    known = [turn.z for turn in reading.turns if turn.z is not None]
    lowest = f"lowest z {number(min(known))}" if known else "z not measured"
    head = Markup('<div style="font-weight:600;font-size:15px">{}</div><div {}>{}</div>').format(
        plain(reading.title, 120), _MUTED, f"{len(reading.turns)} assistant turns; {alarm}; {lowest}"
    )
    picture = _picture(charts.drift([reading], None, LIGHT, 620, 240), "Projection by turn")
    return str(_BOX + head + picture + Markup("<div {}>{}</div>").format(_MUTED, plain(reading.caveat, 600)) + _END)


def rollouts_html(counts: Mapping[str, tuple[int, int]], title: str) -> str:
    """Accepted and total rollouts by role, the least accepted first.

    Args:
        counts: role -> (accepted, total).
        title: what they are, in a few words.
    """
    accepted, total = (sum(pair[i] for pair in counts.values()) for i in (0, 1))
    order = sorted(counts.items(), key=lambda item: (item[1][0] / item[1][1] if item[1][1] else 0.0, item[0]))
    rows = [
        (plain(role, 40), f"{done:,} of {offered:,}", _bar(done, offered))
        for role, (done, offered) in order[:_MAX_ROWS]
    ]
    more = len(order) - len(rows)
    head = Markup('<div style="font-weight:600;font-size:15px">{}</div><div {}>{}</div>').format(
        plain(title, 120),
        _MUTED,
        f"{accepted:,} of {total:,} rollouts accepted, {len(counts)} roles, least accepted first",
    )
    tail = Markup("<div {}>{}</div>").format(_MUTED, f"… and {more} more roles") if more > 0 else Markup("")
    return str(_BOX + head + _table(rows) + tail + _END)


_END = Markup("</div>")


def _bar(done: int, offered: int) -> Markup:
    share = 100 * done / offered if offered else 0.0
    return Markup(
        '<div style="width:150px;height:9px;border-radius:4px;background:#e6e8ec">'
        '<div style="width:{:.0f}%;height:9px;border-radius:4px;background:#4485c2"></div></div>'
    ).format(share)


def _table(rows: Any) -> Markup:
    cell = Markup('<td style="text-align:left;padding:2px 14px 2px 0;color:inherit">{}</td>')
    lines = (
        Markup('<tr style="background:none">{}</tr>').format(Markup("").join(cell.format(escape(c)) for c in row))
        for row in rows
    )
    return _TABLE + Markup("").join(lines) + Markup("</table>")


def _picture(chart: Any, name: str) -> Markup:
    """An SVG as an image: isolated from the notebook's own identifiers and styles, and unable to run anything."""
    if chart is None:
        return Markup("<div {}>{}: not measured</div>").format(_MUTED, name)
    import vl_convert

    from holdtrue.report.charts import dress

    svg = vl_convert.vegalite_to_svg(dress(chart, LIGHT), allowed_base_urls=[])
    data = base64.b64encode(svg.encode()).decode()
    return Markup('<img alt="{}" style="max-width:100%" src="data:image/svg+xml;base64,{}">').format(name, data)
