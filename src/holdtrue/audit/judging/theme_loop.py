"""One loop over rounds of proposals: criteria from some rows of two sides, tested blind on others."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from holdtrue.audit.judging.criteria import Criterion, check_criterion, is_repeated, q_values
from holdtrue.audit.judging.theme_sides import LEAST_HELD_OUT, Side, ThemeOptions
from holdtrue.judges.row_judge import RowJudge
from holdtrue.judges.row_rubric import JudgedRow
from holdtrue.judges.structured import Question
from holdtrue.judges.theme_rubric import MOST_CRITERIA, criteria_question, meets_question
from holdtrue.progress import Progress, Report

__all__ = ["Loop", "estimate_line", "look"]


@final
@dataclass(frozen=True)
class Loop:
    """What a loop over rounds came to."""

    criteria: list[Criterion]
    unreadable: tuple[int, int]
    """Held-out rows of suspect and control without a readable answer."""
    ended: bool
    """The budget ended before the last round was through."""


def look(
    ours: Side,
    theirs: Side,
    judge: RowJudge,
    options: ThemeOptions,
    rng: np.random.Generator,
    report: Report,
) -> Loop:
    """Propose, test, and go on with what was found.

    Args:
        ours: what is suspected.
        theirs: what it is compared with.
        judge: asks the model within its budget.
        options: how long to look.
        rng: shuffles the rows and the groups' names.
        report: told how far the work is.
    """
    tested: list[Criterion] = []
    proposed: list[str] = []
    unread, ended = (0, 0), False
    for turn in range(options.rounds):
        found = [each.text for each, q in zip(tested, q_values(tested), strict=True) if q <= options.alpha]
        questions, suspected = _batches(ours, theirs, found, turn, options, rng)
        replies = judge.ask(questions)
        ended = ended or None in replies
        new: list[str] = []
        for reply, side in zip(replies, suspected, strict=True):
            for each in (reply.answer or {"criteria": []})["criteria"] if reply else []:
                if each["group"] == side and not is_repeated(each["criterion"], [*proposed, *new]):
                    new.append(each["criterion"])
        if not new or ended:
            break
        proposed += new
        criteria, (mine, its), ended = _apply(new, ours, theirs, judge, rng)
        unread = (unread[0] + mine, unread[1] + its)
        tested += criteria
        report(Progress(turn + 1, options.rounds, "", 0.0, f"themes: round {turn + 1}, {len(tested)} criteria tested"))
    return Loop(tested, unread, ended)


def _batches(
    ours: Side, theirs: Side, found: Sequence[str], turn: int, options: ThemeOptions, rng: np.random.Generator
) -> tuple[list[Question], list[str]]:
    """A round's requests, and which group is the suspect's in each."""
    questions, suspected = [], []
    for batch in range(options.batches):
        at = (turn * options.batches + batch) * options.batch_rows
        mine, its = ([row for _, row in _cycled(side.batches, at, options.batch_rows)] for side in (ours, theirs))
        side = "AB"[int(rng.integers(2))]
        questions.append(criteria_question(*((mine, its) if side == "A" else (its, mine)), found))
        suspected.append(side)
    return questions, suspected


def _cycled(rows: list[tuple[int, JudgedRow]], at: int, n: int) -> list[tuple[int, JudgedRow]]:
    """`n` rows from place `at` on; small datasets come round again."""
    return [rows[(at + each) % len(rows)] for each in range(min(n, len(rows)))]


def _apply(
    criteria: list[str], ours: Side, theirs: Side, judge: RowJudge, rng: np.random.Generator
) -> tuple[list[Criterion], tuple[int, int], bool]:
    """Criteria tested on held-out rows; rows without a readable answer by side; whether the budget ended."""
    rows = [(0, *each) for each in ours.held_out] + [(1, *each) for each in theirs.held_out]
    rows = [rows[at] for at in rng.permutation(len(rows))]
    replies = judge.ask([meets_question(row, criteria) for _, _, row in rows])
    answered: tuple[list[tuple[int, list[bool]]], ...] = ([], [])
    unread = [0, 0]
    for (side, number, _), reply in zip(rows, replies, strict=True):
        if reply is not None and reply.answer is not None:
            answered[side].append((number, reply.answer["answers"]))
        elif reply is not None:
            unread[side] += 1
    ended = None in replies
    if min(map(len, answered)) < LEAST_HELD_OUT:
        return [], (unread[0], unread[1]), ended
    tested = [
        check_criterion(text, *([(number, said[at]) for number, said in side] for side in answered))
        for at, text in enumerate(criteria)
    ]
    return tested, (unread[0], unread[1]), ended


def estimate_line(ours: Side, theirs: Side, judge: RowJudge, options: ThemeOptions) -> str:
    """The most that the loop and its control runs may ask, in a line: as if every round brought criteria.

    Args:
        ours: what is suspected.
        theirs: what it is compared with.
        judge: knows what has an answer already.
        options: how long to look.
    """
    criteria = ["a criterion of about as many words as one has"] * MOST_CRITERIA
    questions, _ = _batches(ours, theirs, criteria, 0, options, np.random.default_rng(options.seed))
    questions += [meets_question(row, criteria) for _, row in [*ours.held_out, *theirs.held_out]]
    once, times = judge.estimate(questions), options.rounds * (1 + options.control_runs)
    whole = replace(
        once,
        questions=once.questions * times,
        input_tokens=once.input_tokens * times,
        output_tokens=once.output_tokens * times,
    )
    return f"themes, at most: {whole.line}"
