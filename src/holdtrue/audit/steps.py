"""What each stage does: the rooms' own functions, put to the datasets of one audit."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import final

from holdtrue.audit.associated import Associated
from holdtrue.audit.hidden import hidden_stage
from holdtrue.audit.judged import Judged
from holdtrue.audit.options import AuditOptions
from holdtrue.audit.population import MIN_PAIRS, compare_population
from holdtrue.audit.rows import Rows
from holdtrue.audit.scan import ScanReport, scan
from holdtrue.audit.unlikely import Unlikely
from holdtrue.progress import Progress, Report
from holdtrue.records.audit import AuditStage

__all__ = ["Steps"]

Planned = list[tuple[str, Callable[[], AuditStage]]]


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
        elif self._options.stands_in:
            stages.append(("likelihoods", self._read_likelihoods))
        stages += [("association", self._associate), ("population", self._compared)]
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
    def _associated(self) -> Associated:
        _ = self._scans  # what is peculiar is read from their files
        return Associated(self._options, self._suspect, self._control, self._maps, self._out, self._report)

    @cached_property
    def _judged(self) -> Judged:
        scores = self._associated.scores
        return Judged(self._options, self._suspect, scores, self._out, self._report, self._control)

    @cached_property
    def _unlikely(self) -> Unlikely:
        return Unlikely(self._options, self._suspect, self._associated.scores, self._out, self._report)

    def _scanned(self) -> AuditStage:
        ours, theirs = self._scans
        trusted = None if self._control is None or theirs is None else (self._control, theirs)
        return hidden_stage(self._suspect, ours, trusted)

    def _associate(self) -> AuditStage:
        if self._options.judge is None:
            return self._associated.stage(self._unlikely.outcomes if self._options.stands_in else ())
        found = self._associated.stage(self._judged.outcomes)
        return found.model_copy(update={"doses": tuple(map(self._judged.explained, found.doses))})

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
