"""Themes: a judge proposes what sets suspect and control apart, and then applies it blind to rows it hasn't seen."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np

from holdtrue.audit.judging.criteria import Criterion, q_values, theme_dose, theme_finding
from holdtrue.audit.judging.sample import draw_sample
from holdtrue.audit.judging.theme_loop import estimate_line, look
from holdtrue.audit.judging.theme_sides import LEAST_HELD_OUT, ThemeOptions, draw_side, side_of
from holdtrue.audit.rows import Rows
from holdtrue.judges.row_judge import RowJudge
from holdtrue.judges.theme_rubric import MOST_CRITERIA
from holdtrue.progress import Progress, Report
from holdtrue.records.audit import CleanRun, Dose, Finding
from holdtrue.stats import clopper_pearson

__all__ = ["ThemesResult", "find_themes"]

_CONTROL: Final = "themes in control against control"


@final
@dataclass(frozen=True)
class ThemesResult:
    """What sets the suspect apart."""

    findings: tuple[Finding, ...]
    criteria: tuple[Criterion, ...]
    """All that were tested."""
    clean_run: CleanRun | None
    """None where the control was too small, or the budget ended."""
    dose: Dose | None
    notes: tuple[str, ...]
    not_testable: tuple[str, ...]


def find_themes(
    suspect: Rows,
    control: Rows,
    judge: RowJudge,
    options: ThemeOptions,
    report: Report = lambda progress: None,
) -> ThemesResult:
    """Let the judge propose criteria on some rows, and test them on others, source hidden and order shuffled.

    Fisher's exact test, a row a family, and Benjamini-Hochberg over all criteria of all rounds. The same loop then runs
    on two halves of the control, where it should find nothing.

    Args:
        suspect: the dataset.
        control: trusted data of the same kind.
        judge: asks the model within its budget.
        options: how long to look.
        report: told the estimate, and how far the work is.

    Raises:
        JudgeError: the model can't be brought to answer; run again to go on.
    """
    rng = np.random.default_rng([options.seed, 0x7E3])
    ours, theirs = draw_side(suspect, options, rng), draw_side(control, options, rng)
    if ours is None or theirs is None:
        least = 2 * LEAST_HELD_OUT
        return _nothing(f"themes: needs at least {least} families in the dataset and as many in the control")
    report(Progress(0, 1, "", 0.0, estimate_line(ours, theirs, judge, options)))
    loop = look(ours, theirs, judge, options, rng, report)
    if loop.ended and not loop.criteria:
        return _nothing("themes: the judge's budget ended first; raise it and run again")
    if not loop.criteria:
        why = (
            "too few held-out rows got a readable answer" if any(loop.unreadable) else "the judge proposed no criterion"
        )
        return _nothing(f"themes: {why}, so that none was tested; try another judge")
    qs = q_values(loop.criteria)
    kept = [(each, q) for each, q in zip(loop.criteria, qs, strict=True) if q <= options.alpha]
    notes = [f"themes: {len(loop.criteria)} criteria proposed and tested on held-out rows, {len(kept)} kept"]
    if any(loop.unreadable):
        mine, its = loop.unreadable
        notes.append(f"themes: no readable answer for {mine} held-out rows of the dataset and {its} of the control")
    if loop.ended:
        notes.append("themes: the judge's budget ended before all rounds were through")
    clean = _clean_run(control, judge, options, rng, report)
    if clean is None and options.control_runs:
        notes.append("themes: control against control wasn't run (the control is too small, or the budget ended)")
    n = min(len(ours.held_out), len(theirs.held_out))
    return ThemesResult(
        findings=tuple(theme_finding(each, q, suspect) for each, q in sorted(kept, key=lambda pair: pair[1])),
        criteria=tuple(loop.criteria),
        clean_run=clean,
        dose=theme_dose(n, len(suspect), options.alpha, MOST_CRITERIA * options.rounds),
        notes=tuple(notes),
        not_testable=(),
    )


def _nothing(reason: str) -> ThemesResult:
    return ThemesResult((), (), None, None, (), (reason,))


def _clean_run(
    control: Rows, judge: RowJudge, options: ThemeOptions, rng: np.random.Generator, report: Report
) -> CleanRun | None:
    """The loop on two halves of the control."""
    alarms = runs = 0
    for _ in range(options.control_runs):
        shown = 2 * (options.rounds * options.batches * options.batch_rows + options.held_out)
        chosen = draw_sample(control.families, shown, rng).tolist()
        halves = side_of(control, chosen[::2], options), side_of(control, chosen[1::2], options)
        if halves[0] is None or halves[1] is None:
            break
        loop = look(halves[0], halves[1], judge, options, rng, report)
        if loop.ended:
            break
        runs += 1
        alarms += any(q <= options.alpha for q in q_values(loop.criteria))
    if not runs:
        return None
    return CleanRun(what=_CONTROL, runs=runs, alarms=alarms, rate=alarms / runs, ci=clopper_pearson(alarms, runs))
