"""What each stage does: the rooms' own functions, put to the datasets of one audit."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Final, final

import numpy as np
from jaxtyping import Float

from holdtrue.audit.association import Control, Outcome, associate
from holdtrue.audit.clusters import PromptTopics, ReplyClusters
from holdtrue.audit.control_runs import control_runs
from holdtrue.audit.disagreement import Disagreement, disagreement
from holdtrue.audit.hidden import hidden_stage
from holdtrue.audit.judged import Judged
from holdtrue.audit.options import AuditOptions
from holdtrue.audit.outcomes import peculiar_outcomes
from holdtrue.audit.population import MIN_PAIRS, compare_population
from holdtrue.audit.population.pairs import match_rows
from holdtrue.audit.rows import Rows
from holdtrue.audit.scan import ScanReport, scan
from holdtrue.audit.unlikely import Unlikely
from holdtrue.progress import Progress, Report
from holdtrue.records.audit import AuditStage, CleanRun

__all__ = ["Steps"]

Planned = list[tuple[str, Callable[[], AuditStage]]]
LABELLED: Final = ("label", "preference")


@final
class Steps:
    """The stages of one audit, and what one leaves for the next.

    Args:
        options: what was asked for.
        suspect: the dataset in question.
        control: trusted data.
        out: the audit's folder.
        report: told of progress.
        second: other trusted answers to the control's prompts.
    """

    def __init__(
        self,
        options: AuditOptions,
        suspect: Rows,
        control: Rows | None,
        out: Path,
        report: Report,
        second: Rows | None = None,
    ) -> None:
        self._options, self._suspect, self._control, self._second = options, suspect, control, second
        self._out, self._report = out, report
        self._maps = options.maps()

    def planned(self) -> Planned:
        """Names and work, in their order."""
        stages: Planned = [("scan", self._scanned)]
        if self._options.judge is not None:
            stages.append(("judge", self._judge))
        elif self._options.model is not None and self._options.axis is None:
            stages.append(("likelihoods", self._read_likelihoods))
        stages += [("association", self._associated), ("population", self._compared)]
        if self._options.judge is not None:
            stages.append(("themes", self._themes))
        if self._options.axis is not None:
            stages.append(("white_box", self._read))
        return stages

    def _tell(self, text: str) -> None:
        self._report(Progress(0, 0, "", 0.0, text))

    @cached_property
    def _scans(self) -> tuple[ScanReport, ScanReport | None]:
        theirs = None if self._control is None else self._scan(self._control, "control")
        return self._scan(self._suspect, "suspect"), theirs

    def _scan(self, rows: Rows, name: str) -> ScanReport:
        return scan(rows, self._maps, self._out / "scan" / name, self._report)

    @cached_property
    def _disagreement(self) -> Disagreement:
        return self._disagree(self._suspect, self._control)

    def _disagree(self, rows: Rows, trusted: Rows | None) -> Disagreement:
        if rows.card.kind not in LABELLED:
            return Disagreement((), {}, ())
        return disagreement(rows, self._maps, seed=self._options.seed, trusted=trusted, progress=self._report)

    @cached_property
    def _stand_ins(self) -> tuple[Outcome, ...]:
        """What is known of each row without a judge."""
        _ = self._scans
        peculiar = peculiar_outcomes(self._out / "scan" / "suspect", self._suspect)
        return (*peculiar, *self._unlike(self._suspect), *self._disagreement.outcomes)

    @cached_property
    def _replies(self) -> ReplyClusters:
        return ReplyClusters.fit(self._suspect, self._options.seed)

    def _unlike(self, rows: Rows) -> tuple[Outcome, ...]:
        return () if rows.card.kind == "label" else (self._replies.outcome(rows, self._options.seed),)

    @cached_property
    def _scores(self) -> Float[np.ndarray, " rows"]:
        """How peculiar each row is."""
        scores = np.zeros(len(self._suspect), dtype=np.float64)
        for outcome in self._stand_ins:
            # A rare peculiarity says more than a common one.
            flagged = outcome.flagged & outcome.population
            scores[flagged] -= np.log((1 + flagged.sum()) / (1 + outcome.population.sum()))
        return scores

    @cached_property
    def _judged(self) -> Judged:
        return Judged(self._options, self._suspect, self._scores, self._out, self._report, self._control)

    @cached_property
    def _unlikely(self) -> Unlikely:
        return Unlikely(self._options, self._suspect, self._scores, self._out, self._report)

    def _scanned(self) -> AuditStage:
        ours, theirs = self._scans
        trusted = None if self._control is None or theirs is None else (self._control, theirs)
        return hidden_stage(self._suspect, ours, trusted)

    def _associated(self) -> AuditStage:
        options = self._options
        judged = () if options.judge is None else self._judged.outcomes
        if options.judge is None and options.model is not None and options.axis is None:
            judged = self._unlikely.outcomes
        outcomes = (*self._stand_ins, *judged)
        # Honest topics call for peculiar replies: a topic is tested where somebody's judgement is the outcome.
        topics = PromptTopics.fit(self._suspect, options.seed) if any(each.by_slice for each in outcomes) else None
        theirs = None
        clean: tuple[CleanRun, ...] = ()
        itself: tuple[str, ...] = ()
        if self._control is not None:
            _ = self._scans
            known = peculiar_outcomes(self._out / "scan" / "control", self._control)
            known += (*self._unlike(self._control), *self._disagree(self._control, None).outcomes)
            theirs = Control(self._control, known, topics and topics.of(self._control, options.seed))
            clean, itself = control_runs(theirs, self._maps, self._out, seed=options.seed, alpha=options.alpha)
        found = associate(
            self._suspect,
            self._maps,
            outcomes,
            seed=options.seed,
            alpha=options.alpha,
            control=theirs,
            topics=topics and topics.of(self._suspect, options.seed),
            topic_names=topics.names if topics else (),
            progress=self._tell,
        )
        tested = {each.name for each in outcomes} - {each.name for each in found.mined.untested}
        # Labels are held against their texts. Peculiar replies say nothing was found only beside trusted answers to the
        # same prompts: a control of other prompts excuses alarms, and can't show what these prompts should bring about.
        labels = {each.name for each in self._disagreement.outcomes}
        compared = bool(tested & labels) or (bool(tested) and self._same_prompts >= MIN_PAIRS)
        return AuditStage(
            name="association",
            design="",
            findings=found.findings,
            notes=(*itself, *found.notes),
            clean_runs=(*(() if found.clean_run is None else (found.clean_run,)), *clean),
            doses=found.doses if options.judge is None else tuple(map(self._judged.explained, found.doses)),
            not_testable=(*found.untested, *self._disagreement.untested),
            compared=compared,
            figures={f"AUROC of {name}": round(value, 4) for name, value in self._disagreement.auroc.items()},
            seconds=0,
        )

    @property
    def _same_prompts(self) -> int:
        """Prompts, a family each, that the control answers as well."""
        if self._control is None:
            return 0
        return match_rows(self._suspect, self._control, np.random.default_rng(self._options.seed)).n

    def _compared(self) -> AuditStage:
        options = self._options
        found = compare_population(
            self._suspect,
            self._control,
            seed=options.seed,
            alpha=options.alpha,
            second_control=self._second,
            progress=self._tell,
        )
        return AuditStage(
            name="population",
            design="",
            findings=found.findings,
            notes=found.notes,
            clean_runs=found.clean_runs,
            doses=found.doses,
            not_testable=found.not_testable,
            compared=found.pairs >= MIN_PAIRS and not found.not_testable,
            figures=dict(found.figures),
            seconds=0,
        )

    def _read_likelihoods(self) -> AuditStage:
        return self._unlikely.stage()

    def _judge(self) -> AuditStage:
        return self._judged.stage()

    def _themes(self) -> AuditStage:
        return self._judged.themes(self._control)

    def _read(self) -> AuditStage:
        from holdtrue.audit.white_box import white_box  # with it come torch and the model

        options = self._options
        if options.model is None or options.axis is None or self._suspect.card.kind == "label":
            missing = ("projection of replies: labelled texts have none",)
            return AuditStage(name="white_box", design="", not_testable=missing, seconds=0)
        found = white_box(
            self._suspect,
            options.model,
            options.axis,
            self._out,
            control=self._control,
            limit=options.read_rows,
            seed=options.seed,
            alpha=options.alpha,
            device=options.device,
            dtype=options.dtype,
            progress=self._report,
        )
        return AuditStage(
            name="white_box",
            design="",
            findings=found.findings,
            notes=found.notes,
            clean_runs=found.clean_runs,
            doses=found.doses,
            not_testable=found.not_testable,
            figures={"rows read": found.n_read, "mean projection, sd of benign talk": round(found.mean_z.value, 3)},
            seconds=0,
        )
