"""One self-contained HTML page from a gate's verdict and its pre-registration."""

from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from holdtrue.records import Prereg, Verdict
from holdtrue.report.gate.headline import contradictions, headline
from holdtrue.report.gate.promise import digests, promise_table, promises
from holdtrue.report.gate.tables import class_rows, control_table, gate_tiles, signature_table
from holdtrue.report.gate.words import ORGANISM, STATES, named
from holdtrue.report.plain import plain
from holdtrue.report.shell import TEMPLATES, inert_json, own_markup, policy, scripts, style
from holdtrue.report.theme import CSS

__all__ = ["drawn_page", "gate_page"]

_OWN: Final = Path(__file__).parent / "templates"
_STRESS: Final = Path(__file__).parents[1] / "stress" / "templates"


def gate_page(verdict: Verdict, prereg: Prereg) -> str:
    """The report on a gate; what contradicts the promise, or itself, is said first.

    The page is one file that loads nothing: a content security policy admits only its own two scripts, by their hash.

    Args:
        verdict: what was decided.
        prereg: what was promised.

    Returns:
        HTML text, for a file in UTF-8; the same for the same input.
    """
    from holdtrue.report.charts import dress
    from holdtrue.report.gate.charts import bounds

    chart = bounds(verdict, CSS, "container")
    drawn = {} if chart is None else {"bounds": dress(chart, CSS, responsive=True)}
    warnings = contradictions(verdict, prereg)
    left = [name for name, one in verdict.classes.items() if one.verdict == "NOT_APPLICABLE"]
    return drawn_page(
        "gate.html.j2",
        drawn,
        title=f"holdtrue: a release gate on {plain(verdict.target, 80)}",
        heading=plain(verdict.target, 200),
        state="none" if warnings else STATES[verdict.verdict],
        headline=headline(verdict),
        warnings=warnings,
        tiles=gate_tiles(verdict),
        classes=class_rows(verdict, prereg),
        controls=control_table(verdict, prereg),
        signatures=signature_table(verdict, prereg),
        promises=promises(prereg),
        promised=promise_table(prereg),
        digests=digests(prereg),
        public=prereg.tranche_root is None,
        asked=any(one.families for one in verdict.classes.values()),
        organisms=any(control.startswith(ORGANISM) for one in verdict.classes.values() for control in one.controls),
        left=named(left) if left else "",
        version=plain(prereg.holdtrue, 40),
    )


def drawn_page(template: str, drawn: dict[str, dict[str, Any]], **parts: object) -> str:
    """A page of this room: a template, its charts by the id of the box that they fill, and what goes into it."""
    bundle, driver = scripts()
    css = style() + "".join(path.read_text(encoding="utf-8") for path in (_STRESS / "stress.css", _OWN / "gate.css"))
    return (
        _environment()
        .get_template(template)
        .render(
            **parts,
            css_theme=CSS,
            drawn=drawn,
            policy=policy(bundle, driver),
            css=own_markup(css),
            figures=own_markup(inert_json(drawn)),
            bundle=own_markup(bundle),
            driver=own_markup(driver),
        )
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader([_OWN, _STRESS, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
