"""One self-contained HTML page from a stress run's results and trials."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from holdtrue.records import Trial
from holdtrue.report.plain import plain
from holdtrue.report.shell import TEMPLATES, inert_json, own_markup, policy, scripts, style
from holdtrue.report.stress.arms import Arm, arms_of, free_of, rivals
from holdtrue.report.stress.judged import judge_views
from holdtrue.report.stress.kinds import ALL, head, heading, is_cost, kinds_of
from holdtrue.report.stress.opening import asked, gaps, model_of, origin, stress_tiles
from holdtrue.report.stress.tables import (
    capability_table,
    contrast_table,
    measure_table,
    overhead_table,
    power_table,
    rate_table,
    reason_table,
    spread_table,
)
from holdtrue.report.stress.two_steps import two_step_sentences, two_step_table
from holdtrue.report.stress.verdicts import arm_verdicts, blindness, headline
from holdtrue.report.stress.words import failures, joined, part
from holdtrue.report.stress.worst import worst_pairs
from holdtrue.report.theme import CSS

__all__ = ["stress_page"]

_OWN_TEMPLATES = Path(__file__).parent / "templates"


def stress_page(results: Mapping[str, Any], trials: Sequence[Trial]) -> str:
    """The report on a stress run; parts that the run doesn't have are left out, or said to be missing.

    The page is one file that loads nothing: a content security policy admits only its own two scripts, by their hash.

    Args:
        results: the values of `results.json`.
        trials: of `trials.jsonl`, for the transcripts.

    Returns:
        HTML text, for a file in UTF-8; the same for the same input.
    """
    from holdtrue.report.stress.charts import course_labels, shapes_of
    from holdtrue.report.stress.charts.courses import MAX_PANELS, course_points
    from holdtrue.report.stress.charts.trade import traded, unbeaten

    arms, kinds = arms_of(results), kinds_of(results)
    courses, shapes = course_labels(results), shapes_of(results)
    shown = courses[:MAX_PANELS]
    drawn = _figures(results, arms, kinds, shown, shapes)
    bundle, driver = scripts()
    bargains = traded(results, arms)
    verdicts = arm_verdicts(results, arms)
    return (
        environment()
        .get_template("stress.html.j2")
        .render(
            title=f"holdtrue: a stress test of {model_of(results)}",
            heading=model_of(results),
            asked=asked(results, arms),
            blindness=blindness(results),
            controls=_controls(results, arms),
            warnings=gaps(results),
            tiles=stress_tiles(results, arms),
            headline=headline(verdicts, arms),
            verdicts=verdicts,
            free=free_of(arms),
            free_line=_free_line(results, arms),
            arms=arms,
            css_theme=CSS,
            panels=[_panel(results, arms, kind, at) for at, kind in enumerate(kinds) if f"rates-{at}" in drawn],
            rates=rate_table(results, arms),
            contrasts=contrast_table(results, arms),
            measures=measure_table(results, arms),
            courses=[(f"course-{at}", heading(label)) for at, label in enumerate(shown)],
            read_arms=[arm for arm in arms if any(course_points(results, [arm], label) for label in shown)],
            unbanded=any(row["ci"] == "none" for label in shown for row in course_points(results, arms, label)),
            more_courses=max(0, len(courses) - MAX_PANELS),
            unbeaten=joined(unbeaten(bargains)),
            traded_arms=[arm for arm in arms if arm.label in {row["arm"] for row in bargains}],
            capability=capability_table(results, arms),
            overhead=overhead_table(results, arms),
            networks=[(f"spread-{at}", plain(shape, 40)) for at, shape in enumerate(shapes)],
            spread_arms=[arm for arm in arms if part(results, "agents", arm.name)],
            spread=spread_table(results, arms),
            steps=two_step_sentences(results, arms),
            step_table=two_step_table(results, arms),
            pairs=worst_pairs(results, trials, arms),
            unfailed=_unfailed(results, arms, kinds),
            judges=judge_views(results, arms),
            reasons=reason_table(results, arms),
            power=power_table(results),
            not_shown=[plain(str(line), 1000) for line in part(results, "not_shown") or () if line],
            origin=origin(results),
            drawn=drawn,
            policy=policy(bundle, driver),
            css=own_markup(style() + (_OWN_TEMPLATES / "stress.css").read_text(encoding="utf-8")),
            figures=own_markup(inert_json(drawn)),
            bundle=own_markup(bundle),
            driver=own_markup(driver),
        )
    )


def _figures(
    results: Mapping[str, Any], arms: Sequence[Arm], kinds: Sequence[str], courses: Sequence[str], shapes: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Specifications by the id of the box that they fill; figures without data are left out."""
    from holdtrue.report.charts import dress
    from holdtrue.report.stress import charts

    found: dict[str, Any] = {}
    for at, kind in enumerate(kinds):
        found[f"rates-{at}"] = charts.rates(results, arms, kind, CSS, "container")
    for at, label in enumerate(courses):
        found[f"course-{at}"] = charts.course(results, arms, label, CSS, "container", among=courses)
    found["trade"] = charts.trade(results, arms, CSS, "container")
    for at, shape in enumerate(shapes):
        found[f"spread-{at}"] = charts.spread(results, arms, shape, CSS, "container")
    return {key: dress(chart, CSS, responsive=True) for key, chart in found.items() if chart is not None}


def _panel(results: Mapping[str, Any], arms: Sequence[Arm], kind: str, at: int) -> dict[str, Any]:
    most = max(part(results, "arms", arm.name, kind, "families") or 0 for arm in arms)
    families = f"{most} famil{'y' if most == 1 else 'ies'}"
    return {
        "id": f"rates-{at}",
        "heading": heading(kind),
        "families": families,
        "cost": is_cost(kind),
        "all": kind == ALL,
    }


def _controls(results: Mapping[str, Any], arms: Sequence[Arm]) -> list[dict[str, Any]]:
    """What each arm with a known outcome showed: as it must, not so, or too little."""
    own = {arm.name: arm for arm in arms}
    state = {True: "as it must", False: "not as it must", None: "too little to say"}
    return [
        {
            "arm": own.get(str(one.get("arm"))),
            "state": state.get(one.get("ok"), state[None]),
            "tone": {True: "better", False: "worse"}.get(one.get("ok"), "open"),
            "sentence": plain(str(one.get("sentence") or ""), 600),
        }
        for one in part(results, "controls") or ()
    ]


def _free_line(results: Mapping[str, Any], arms: Sequence[Arm]) -> str:
    free = free_of(arms)
    return "" if free is None else f"failed {failures(part(results, 'arms', free.name, ALL))} families."


def _unfailed(results: Mapping[str, Any], arms: Sequence[Arm], kinds: Sequence[str]) -> str:
    """Stability kinds that the free arm tried and never failed."""
    free = free_of(arms)
    if free is None:
        return ""
    found: dict[str, int] = {}
    for kind in kinds:
        rate = part(results, "arms", free.name, kind)
        if kind != ALL and not is_cost(kind) and part(rate, "families"):
            found[head(kind)] = found.get(head(kind), 0) + (part(rate, "failures") or 0)
    never = [heading(kind).lower() for kind, failed in found.items() if not failed]
    return joined(never, 60) if never and rivals(arms) else ""


@cache
def environment() -> Environment:
    return Environment(
        loader=FileSystemLoader([_OWN_TEMPLATES, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
