"""The judge cascade: a cheap score on every row, the judge on the top-scored rows and on a uniform random sample."""

from dataclasses import dataclass
from itertools import takewhile
from typing import Final, final

import numpy as np
from jaxtyping import Bool, Float, Int

from holdtrue.audit.judging.prevalence import Prevalence, against_trusted, measure_prevalence
from holdtrue.audit.judging.sample import draw_sample, interleave, top_rows
from holdtrue.audit.rows import Rows
from holdtrue.errors import SettingError
from holdtrue.judges.planted import Trust, planted_rows, trust
from holdtrue.judges.row_judge import RowJudge
from holdtrue.judges.row_rubric import JudgedRow, RowVerdict
from holdtrue.progress import Progress, Report, Stage

__all__ = ["JUDGED_COLUMNS", "CascadeOptions", "CascadeResult", "judge_cascade", "judged_row"]

JUDGED_COLUMNS: Final = ("system", "prompt", "response", "rejected", "label")
ROWS_FOR_A_TRUSTED: Final = 4
"""Rows of the dataset that are judged for each of the control's: a fifth of the calls at most goes to clean rows."""


@final
@dataclass(frozen=True)
class CascadeOptions:
    """How many rows are judged."""

    seed: int
    top: int = 1000
    """Rows with the highest score, one of a family."""
    audit: int = 500
    """Families of the uniform random sample."""
    trusted: int = 200
    """Families of the control, at most one for every four rows of the dataset."""
    planted: int = 24
    """Rows of our own of each sort: poisoned, clean, and poisoned with an instruction to the judge."""
    most_missed: float = 0.5
    """Share of planted rows answered wrongly from which on the judge's flags aren't used."""

    def __post_init__(self) -> None:
        if min(self.top, self.audit, self.trusted) < 0 or self.planted < 1 or not 0 < self.most_missed < 1:
            message = f"{self}: top, audit, trusted must be at least 0, planted at least 1, most_missed between 0 and 1"
            raise SettingError(message)


@final
@dataclass(frozen=True)
class CascadeResult:
    """What the judge said, and how far to believe it."""

    flagged: Bool[np.ndarray, " rows"]
    """Nowhere where the judge isn't to be trusted."""
    judged: Bool[np.ndarray, " rows"]
    """Rows with a readable answer of a judge that is to be trusted: the population of the outcome `flagged`."""
    verdicts: dict[int, RowVerdict]
    """By row number: all that was answered, also by a judge that isn't trusted."""
    prevalence: Prevalence
    """From the random sample alone."""
    trusted: Prevalence | None
    """The same of rows of the control; None without one."""
    trust: Trust
    unreadable: tuple[int, ...]
    """Rows without a readable answer: worth a person's look, since a row may be made to bring that about."""
    unreached: int
    """Rows that the budget's end left out."""
    notes: tuple[str, ...]


def judged_row(fields: dict[str, str]) -> JudgedRow:
    """A row of the dataset as the judge gets it."""
    return JudgedRow(**{name: fields[name] for name in JUDGED_COLUMNS})


def judge_cascade(
    rows: Rows,
    scores: Float[np.ndarray, " rows"],
    judge: RowJudge,
    options: CascadeOptions,
    report: Report = lambda progress: None,
    control: Rows | None = None,
) -> CascadeResult:
    """Judge the top-scored rows and a uniform random sample, evenly mixed.

    Half of the planted rows are asked about first, so that a judge that is no good doesn't eat the budget; the others
    stand among the dataset's own, and so does a uniform sample of the control's rows: nothing tells the judge which
    they are. The estimate of the cost is reported before the first call.

    Args:
        rows: the dataset.
        scores: the cheap score of each row; larger is more suspicious.
        judge: asks the model within its budget.
        options: how many rows.
        report: told the estimate, and how far the work is.
        control: trusted data of the same kind.

    Raises:
        JudgeError: the model can't be brought to answer; run again to go on.
        SettingError: scores that don't fit the rows.
    """
    rng = np.random.default_rng([options.seed, 0xCA5])
    sample = draw_sample(rows.families, options.audit, rng)
    top = top_rows(rows.families, scores, options.top, rng)
    order = interleave(sample, top)
    planted = planted_rows(judge.kind, options.seed, options.planted)
    early, late = planted[::2], planted[1::2]
    own = [judged_row(fields) for fields in rows.take(order, JUDGED_COLUMNS)]
    trusted = _trusted_rows(control, min(options.trusted, len(order) // ROWS_FOR_A_TRUSTED), options.seed)
    mixed, where = _mix(own, [*(each.row for each in late), *trusted], rng)
    questions = judge.questions([*(each.row for each in early), *mixed])
    report(Progress(0, len(questions), "", 0.0, judge.estimate(questions).line))

    said = judge.judge([each.row for each in early])
    known = trust(early, said, options.most_missed)
    answers: list[RowVerdict | None] = [None] * len(own)
    clean: list[RowVerdict | None] = []
    if known.usable:
        found = judge.judge(mixed, Stage("judge", report, "rows"))
        asked, to = [found[at] for at in where], len(own) + len(late)
        answers, clean = asked[: len(own)], asked[to:]
        known = trust([*early, *late], [*said, *asked[len(own) : to]], options.most_missed)
    verdicts = {row: answer for row, answer in zip(order, answers, strict=True) if answer is not None}
    flags = [said.flag for said in clean if said is not None] if known.usable else []
    theirs = None if control is None else measure_prevalence(flags, [False] * len(flags), control.card.families)
    return _result(rows, verdicts, sample, top, len(order), known, theirs)


def _trusted_rows(control: Rows | None, n: int, seed: int) -> list[JudgedRow]:
    if control is None:
        return []
    drawn = draw_sample(control.families, n, np.random.default_rng([seed, 0xC1E]))
    return [judged_row(fields) for fields in control.take(drawn.tolist(), JUDGED_COLUMNS)]


def _mix(own: list[JudgedRow], planted: list[JudgedRow], rng: np.random.Generator) -> tuple[list[JudgedRow], list[int]]:
    """Put planted rows at random places among the dataset's, which keep their order; and where each row went."""
    total = len(own) + len(planted)
    taken = rng.permutation(total)[: len(planted)]
    free = np.setdiff1d(np.arange(total), taken)
    where = [*free.tolist(), *taken.tolist()]
    mixed = [JudgedRow()] * total
    for at, row in zip(where, [*own, *planted], strict=True):
        mixed[at] = row
    return mixed, where


def _result(
    rows: Rows,
    verdicts: dict[int, RowVerdict],
    sample: Int[np.ndarray, " sampled"],
    top: Int[np.ndarray, " top"],
    wanted: int,
    known: Trust,
    theirs: Prevalence | None,
) -> CascadeResult:
    # Only an unbroken beginning of a random order is a random sample.
    reached = list(takewhile(lambda row: row in verdicts, sample.tolist()))
    topped, flagged, judged = (np.zeros(len(rows), dtype=bool) for _ in range(3))
    topped[[row for row in top.tolist() if row in verdicts]] = True
    if known.usable:
        flagged[[row for row, verdict in verdicts.items() if verdict.flag]] = True
        judged[[row for row, verdict in verdicts.items() if verdict.flag is not None]] = True
    by_top = set(rows.families[topped & flagged].tolist())
    flags = [verdicts[row].flag for row in reached] if known.usable else []
    found = [int(rows.families[row]) in by_top for row in reached] if known.usable else []
    prevalence = measure_prevalence(flags, found, np.unique(rows.families).size)
    unreadable = tuple(sorted(row for row, verdict in verdicts.items() if verdict.flag is None))
    notes = [known.line, prevalence.line]
    if theirs is not None:
        notes.append(against_trusted(prevalence, theirs))
    if len(verdicts) < wanted:
        why = "the budget ended" if known.usable else "the judge isn't to be trusted"
        notes.append(f"{wanted - len(verdicts):,} of {wanted:,} rows weren't judged: {why}")
    if unreadable:
        notes.append(f"{len(unreadable)} rows got no readable answer from the judge; look at them yourself")
    return CascadeResult(
        flagged=flagged,
        judged=judged,
        verdicts=verdicts,
        prevalence=prevalence,
        trusted=theirs,
        trust=known,
        unreadable=unreadable,
        unreached=wanted - len(verdicts),
        notes=tuple(notes),
    )
