"""The judge's part of an audit: the cascade over rows, its flags as an outcome, themes over the whole."""

from functools import cached_property
from pathlib import Path
from typing import Final, final

import numpy as np
from jaxtyping import Float

from holdtrue.audit.association import Outcome
from holdtrue.audit.judging.cascade import CascadeOptions, CascadeResult, judge_cascade
from holdtrue.audit.judging.theme_sides import ThemeOptions
from holdtrue.audit.judging.themes import find_themes
from holdtrue.audit.options import AuditOptions
from holdtrue.audit.row_set import RowSet
from holdtrue.audit.rows import Rows
from holdtrue.judges import Budget, RowJudge
from holdtrue.progress import Report
from holdtrue.records.audit import AuditKind, AuditStage, Dose, FindingKind

__all__ = ["FLAGGED", "Judged", "row_judge"]

FLAGGED: Final = "flagged by the judge"


def row_judge(options: AuditOptions, kind: AuditKind, out: Path) -> RowJudge:
    """Set the judge up; nothing is asked yet.

    Args:
        options: name the model, its purpose and its budget.
        kind: how the rows are made.
        out: the audit's folder.

    Raises:
        HoldtrueError: the model, the purpose or the budget can't be.
    """
    read, written = options.prices or (None, None)
    return RowJudge(
        options.judge or "",
        budget=Budget(options.budget_usd, read, written, options.max_calls),
        kind=kind,
        log=out / "judgements.jsonl",
        seed=options.seed,
        purpose=options.purpose,
    )


@final
class Judged:
    """One audit's judge.

    Args:
        options: name the model, its purpose and its budget.
        rows: the suspect.
        scores: cheap ones, a row each; larger is more suspicious.
        out: the audit's folder; answers are kept there, and none is paid for twice.
        report: told of progress.
        control: trusted data, of which some rows are judged among the others.
    """

    def __init__(
        self,
        options: AuditOptions,
        rows: Rows,
        scores: Float[np.ndarray, " rows"],
        out: Path,
        report: Report,
        control: Rows | None = None,
    ) -> None:
        self._options, self._rows, self._scores, self._control = options, rows, scores, control
        self._out, self._report = out, report

    @cached_property
    def _judge(self) -> RowJudge:
        return row_judge(self._options, self._rows.card.kind, self._out)

    @cached_property
    def _cascade(self) -> CascadeResult:
        options = CascadeOptions(seed=self._options.seed)
        return judge_cascade(self._rows, self._scores, self._judge, options, self._report, self._control)

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """The judge's flags, among the rows it answered about; none of a judge that isn't to be believed."""
        found = self._cascade
        if not found.trust.usable:
            return ()
        # A poisoned row is flagged only if it is judged: the dose is to be one of the whole dataset.
        reached = max(1e-6, min(1.0, self._reached / max(1, self._rows.card.families)))
        kind: FindingKind = "label_flip" if self._rows.card.kind == "label" else "trigger"
        sensitivity = self._sensitivity
        asked = RowSet.of(found.flagged), RowSet.of(found.judged)
        return (Outcome(FLAGGED, kind, *asked, judged=True, sensitivity=sensitivity, reached=reached),)

    @property
    def _sensitivity(self) -> float:
        rate = self._cascade.trust.sensitivity.rate
        return 1.0 if rate is None else max(0.01, rate)

    @property
    def _reached(self) -> int:
        """Families that were judged."""
        return int(np.unique(self._rows.families[self._cascade.judged]).size)

    def explained(self, dose: Dose) -> Dose:
        """A dose of the judge's flags with what it assumes of the judge; any other as it is."""
        if dose.outcome != FLAGGED:
            return dose
        share = f"the judge flags {self._sensitivity:.0%} of the poisoned rows that it is asked about"
        reached = f"{self._reached:,} of {self._rows.card.families:,} families were, taken as drawn at random"
        return dose.model_copy(update={"assuming": f"{dose.assuming}; {share}: {reached}"})

    def stage(self) -> AuditStage:
        """Prevalence, the cascade's miss rate, and how far the judge can be believed."""
        found = self._cascade
        prevalence = found.prevalence
        figures: dict[str, float | int | str | None] = {
            "rows judged": int(found.judged.sum()),
            "rows flagged": int(found.flagged.sum()),
            "families of the random sample": prevalence.sampled,
            "flagged in it": prevalence.rate,
            "at least": prevalence.ci[0],
            "at most": prevalence.ci[1],
            "flagged ones that the cascade would have missed": prevalence.miss_rate,
            "rows without a readable answer": len(found.unreadable),
            "rows that the budget left out": found.unreached,
            "the judge": found.trust.line,
        }
        if found.trusted is not None:
            figures |= {
                "trusted rows judged": found.trusted.sampled,
                "flagged among them": found.trusted.rate,
                "at most, of trusted rows": found.trusted.ci[1],
            }
        missing = () if found.trust.usable else (f"what only a judge sees: {found.trust.reason}",)
        return AuditStage(
            name="judge",
            design="",
            notes=found.notes,
            not_testable=missing,
            compared=found.trust.usable and bool(found.judged.any()),
            figures=figures,
            seconds=0,
        )

    def themes(self, control: Rows | None) -> AuditStage:
        """Criteria that the judge proposes, tested blind on suspect and control."""
        missing = None
        if control is None:
            missing = "themes: need a control (--control DATA) to which each criterion is applied as well"
        elif not self._cascade.trust.usable:
            missing = f"themes: {self._cascade.trust.reason}"
        if control is None or missing is not None:
            return AuditStage(name="themes", design="", not_testable=(missing or "",), seconds=0)
        options = ThemeOptions(seed=self._options.seed, alpha=self._options.alpha)
        found = find_themes(self._rows, control, self._judge, options, self._report)
        return AuditStage(
            name="themes",
            design="",
            findings=found.findings,
            notes=found.notes,
            clean_runs=() if found.clean_run is None else (found.clean_run,),
            doses=() if found.dose is None else (found.dose,),
            not_testable=found.not_testable,
            compared=bool(found.criteria),
            seconds=0,
        )
