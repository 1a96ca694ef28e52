"""The association's part of an audit: what is known of each row, put to its prompts, and to the control's."""

from functools import cached_property
from pathlib import Path
from typing import Final, final

import numpy as np
from jaxtyping import Float

from holdtrue.audit.association import Control, Outcome, associate
from holdtrue.audit.clusters import PromptTopics, ReplyClusters
from holdtrue.audit.control_runs import control_runs
from holdtrue.audit.disagreement import Disagreement, disagreement
from holdtrue.audit.maps.base import Maps
from holdtrue.audit.options import AuditOptions
from holdtrue.audit.outcomes import peculiar_outcomes
from holdtrue.audit.population import MIN_PAIRS
from holdtrue.audit.population.pairs import match_rows
from holdtrue.audit.rows import Rows
from holdtrue.progress import Progress, Report
from holdtrue.records.audit import AuditStage, CleanRun

__all__ = ["Associated"]

LABELLED: Final = ("label", "preference")


@final
class Associated:
    """One audit's outcomes and their association.

    Args:
        options: name the level and the seed.
        rows: the suspect.
        control: trusted data.
        maps: what runs it.
        out: the audit's folder, with the scans of both datasets.
        report: told of progress.
    """

    def __init__(
        self, options: AuditOptions, rows: Rows, control: Rows | None, maps: Maps, out: Path, report: Report
    ) -> None:
        self._options, self._rows, self._control, self._maps = options, rows, control, maps
        self._out, self._report = out, report

    @cached_property
    def stand_ins(self) -> tuple[Outcome, ...]:
        """What is known of each row without a judge."""
        return (*self._seen(self._rows, "suspect"), *self._disagreement.outcomes)

    @cached_property
    def scores(self) -> Float[np.ndarray, " rows"]:
        """How peculiar each row is."""
        scores = np.zeros(len(self._rows), dtype=np.float64)
        for outcome in self.stand_ins:
            # A rare peculiarity says more than a common one.
            flagged = outcome.flagged & outcome.population
            scores[flagged.rows] -= np.log((1 + flagged.count) / (1 + outcome.population.count))
        return scores

    def _seen(self, rows: Rows, name: str) -> tuple[Outcome, ...]:
        """What replies look like by themselves, and beside the others."""
        peculiar = peculiar_outcomes(self._out / "scan" / name, rows)
        if rows.card.kind == "label":
            return peculiar
        return (*peculiar, self._replies.outcome(rows, self._options.seed))

    @cached_property
    def _replies(self) -> ReplyClusters:
        return ReplyClusters.fit(self._rows, self._options.seed)

    @cached_property
    def _disagreement(self) -> Disagreement:
        return self._disagree(self._rows, self._control)

    def _disagree(self, rows: Rows, trusted: Rows | None) -> Disagreement:
        if rows.card.kind not in LABELLED:
            return Disagreement((), {}, ())
        return disagreement(rows, self._maps, seed=self._options.seed, trusted=trusted, progress=self._report)

    def _known(self, control: Rows, topics: PromptTopics | None) -> Control:
        """The control with what is known of its rows."""
        outcomes = (*self._seen(control, "control"), *self._disagree(control, None).outcomes)
        return Control(control, outcomes, topics and topics.of(control, self._options.seed))

    def stage(self, judged: tuple[Outcome, ...]) -> AuditStage:
        """What goes with the stand-ins, and with other outcomes.

        Args:
            judged: a judge's flags, or what a model makes of the rows.
        """
        seed, alpha = self._options.seed, self._options.alpha
        outcomes = (*self.stand_ins, *judged)
        # Honest topics call for peculiar replies: a topic is tested where somebody's judgement is the outcome.
        topics = PromptTopics.fit(self._rows, seed) if any(each.is_judgement for each in outcomes) else None
        control = None
        clean: tuple[CleanRun, ...] = ()
        itself: tuple[str, ...] = ()
        if self._control is not None:
            control = self._known(self._control, topics)
            clean, itself = control_runs(control, self._maps, self._out, seed=seed, alpha=alpha)
        found = associate(
            self._rows,
            self._maps,
            outcomes,
            seed=seed,
            alpha=alpha,
            control=control,
            topics=topics and topics.of(self._rows, seed),
            topic_names=topics.names if topics else (),
            progress=self._tell,
        )
        return AuditStage(
            name="association",
            design="",
            findings=found.findings,
            notes=(*itself, *found.notes),
            clean_runs=clean if found.clean_run is None else (found.clean_run, *clean),
            doses=found.doses,
            not_testable=(*found.untested, *self._disagreement.untested),
            compared=self._compared({each.name for each in outcomes} - {each.name for each in found.mined.untested}),
            figures={f"AUROC of {name}": round(value, 4) for name, value in self._disagreement.auroc.items()},
            seconds=0,
        )

    def _compared(self, tested: set[str]) -> bool:
        """Whether silence about the tested outcomes says that nothing was found.

        Labels are held against their texts. Peculiar replies say so only beside trusted answers to the same prompts: a
        control of other prompts excuses alarms, and can't show what these prompts should bring about.
        """
        if tested & {each.name for each in self._disagreement.outcomes}:
            return True
        if not tested or self._control is None:
            return False
        # A family answers once.
        same = match_rows(self._rows, self._control, np.random.default_rng(self._options.seed))
        return same.n >= MIN_PAIRS

    def _tell(self, text: str) -> None:
        self._report(Progress(0, 0, "", 0.0, text))
