"""Without a judge: a sample of rows through a small model, and replies that it finds unlikely as an outcome."""

from functools import cached_property
from pathlib import Path
from typing import Final, final

import numpy as np
from jaxtyping import Float, Int

from holdtrue.audit.association import Outcome
from holdtrue.audit.judging.likelihoods import Likelihoods, reply_likelihoods
from holdtrue.audit.judging.sample import draw_sample, top_rows
from holdtrue.audit.options import AuditOptions
from holdtrue.audit.row_set import RowSet
from holdtrue.audit.rows import Rows
from holdtrue.progress import Report
from holdtrue.records import RecordLog
from holdtrue.records.audit import AuditStage
from holdtrue.records.audit_reading import AuditReading

__all__ = ["Unlikely"]

UNLIKELY: Final = "a reply unlikely to a small model"
LOG_FILE: Final = "likelihoods.jsonl"


@final
class Unlikely:
    """One audit's reading.

    Args:
        options: name the model and how many rows it reads.
        rows: the suspect.
        scores: cheap ones, a row each; larger is more suspicious.
        out: the audit's folder; what was read is kept there, and none is read twice.
        report: told of progress.
    """

    def __init__(
        self, options: AuditOptions, rows: Rows, scores: Float[np.ndarray, " rows"], out: Path, report: Report
    ) -> None:
        self._options, self._rows, self._scores = options, rows, scores
        self._out, self._report = out, report

    @cached_property
    def _wanted(self) -> Int[np.ndarray, " wanted"]:
        """Half the most peculiar rows, half drawn from all others."""
        most, families = self._options.read_rows, self._rows.families
        rng = np.random.default_rng([self._options.seed, 2])
        top = top_rows(families, self._scores, most // 2, rng)
        top = top[self._scores[top] > 0]
        drawn = draw_sample(families, most, rng)
        others = drawn[~np.isin(families[drawn], families[top])]
        return np.sort(np.concatenate([top, others[: most - top.size]]))

    @cached_property
    def _read(self) -> Likelihoods:
        log = RecordLog(self._out / LOG_FILE, AuditReading)
        missing = [int(row) for row in self._wanted if ("suspect", int(row)) not in log.keys]
        if missing:  # else the model isn't needed
            from holdtrue.engines.hf import HFEngine
            from holdtrue.models import load

            options = self._options
            model = load(options.model or "", device=options.device, dtype=options.dtype)
            reply_likelihoods(self._rows, missing, HFEngine(model), model.template, self._report, log.append)
        found = {each.row: each.log_likelihood for each in log.records}
        known = [found[int(row)] for row in self._wanted]
        return Likelihoods(self._wanted, np.array([np.nan if each is None else each for each in known], dtype=float))

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """Replies far less likely than the others that were read; none of labelled texts."""
        if self._rows.card.kind == "label":
            return ()
        read, n = self._read.rows, len(self._rows)
        flagged, population = (RowSet.numbered(rows, n) for rows in (read[self._read.unlikely], read))
        reached = read.size / n
        return (Outcome(UNLIKELY, "trigger", flagged, population, everyday=True, reached=reached),)

    def stage(self) -> AuditStage:
        """What was read."""
        if self._rows.card.kind == "label":
            missing = ("likelihood of replies: labelled texts have none",)
            return AuditStage(name="likelihoods", design="", not_testable=missing, seconds=0)
        known = self._read.mean_log_prob[np.isfinite(self._read.mean_log_prob)]
        note = "likelihoods are a weak stand-in for a judge: they show what is odd to a small model, not what is wrong"
        return AuditStage(
            name="likelihoods",
            design="",
            notes=(note,),
            figures={
                "rows read": int(known.size),
                "median nats per token": round(float(np.median(known)), 3) if known.size else None,
                "replies far below it": int(self._read.unlikely.sum()),
            },
            seconds=0,
        )
