"""One picture of a stress run, for a README."""

from collections.abc import Mapping, Sequence
from typing import Any

from holdtrue.errors import EvidenceError
from holdtrue.records import Trial
from holdtrue.report.png import png_bytes
from holdtrue.report.stress.arms import arms_of
from holdtrue.report.stress.kinds import ALL, head, heading, is_cost, kinds_of
from holdtrue.report.stress.opening import model_of
from holdtrue.report.stress.verdicts import blindness
from holdtrue.report.stress.words import part
from holdtrue.report.theme import BY_NAME, ThemeName

__all__ = ["stress_overview"]


def stress_overview(results: Mapping[str, Any], trials: Sequence[Trial], theme: ThemeName = "light") -> bytes:
    """Failing families over all stability kinds, the kinds beside them, and the cost in right answers or the drift.

    Args:
        results: the values of `results.json`.
        trials: of the run; their number stands in the subtitle.
        theme: `light` or `dark`.

    Returns:
        A PNG at twice the screen's resolution.

    Raises:
        EvidenceError: no arm failed or held a single family: there is nothing to draw.
    """
    import altair as alt

    from holdtrue.report.charts import title
    from holdtrue.report.stress import charts

    colours, arms = BY_NAME[theme], arms_of(results)
    whole = charts.rates(results, arms, ALL, colours, 360)
    if whole is None:
        message = f"the results of {model_of(results)} hold no scored family: nothing to draw; run the trials first"
        raise EvidenceError(message)
    shown = [whole.properties(title=title(heading(ALL)))]
    trade = charts.trade(results, arms, colours, 520, max(250, 18 * len(arms)))
    courses = charts.course_labels(results)
    if trade is not None:
        shown.append(trade.properties(title=title("What holding costs: right answers, and tokens beside each name")))
    elif courses and (drawn := charts.course(results, arms, courses[0], colours, 420, max(210, 18 * len(arms)))):
        shown.append(drawn.properties(title=title(heading(courses[0]))))
    top = alt.TitleParams(
        text=f"Does a hold work? {model_of(results)} under {len(arms)} arms",
        subtitle=_subtitle(results, trials),
        fontSize=20,
        subtitleFontSize=13,
        anchor="start",
        frame="group",
        offset=26,
    )
    row = alt.hconcat(*shown, spacing=70)
    small = _kinds(results, colours.name)
    picture: Any = alt.vconcat(row, small, spacing=40) if small is not None else row
    picture = picture.properties(title=top).resolve_scale(color="independent", shape="independent", size="independent")
    return png_bytes(picture, colours, padding=22)


def _kinds(results: Mapping[str, Any], theme: str) -> Any:
    """Up to six single kinds, three in a row."""
    import altair as alt

    from holdtrue.report.charts import title
    from holdtrue.report.stress import charts

    arms, chosen = arms_of(results), [kind for kind in kinds_of(results) if kind != ALL]
    heads = list({head(kind): kind for kind in chosen}.values())
    kinds = sorted(heads, key=lambda kind: (is_cost(kind), heads.index(kind)))[:6]
    panels = [(kind, charts.rates(results, arms, kind, BY_NAME[theme], 250)) for kind in kinds]
    drawn = [chart.properties(title=title(heading(kind))) for kind, chart in panels if chart is not None]
    return alt.concat(*drawn, columns=3, spacing={"row": 34, "column": 26}) if drawn else None


def _subtitle(results: Mapping[str, Any], trials: Sequence[Trial]) -> list[str]:
    families = max((part(results, "arms", arm.name, ALL, "families") or 0 for arm in arms_of(results)), default=0)
    state = "" if part(results, "complete") else " (the run is not complete)"
    return [
        f"{len(trials):,} trials{state}, {families} families in each arm; exact 95 % intervals.",
        f"{blindness(results).line}: {blindness(results).why}",
    ]
