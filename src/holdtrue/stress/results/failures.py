"""Failing families by arm and kind, and what differs between arms. The unit is the family."""

from collections.abc import Sequence
from typing import TypedDict

from holdtrue.records import StressDesign, Trial
from holdtrue.stats import clopper_pearson, holm, mcnemar, paired_difference
from holdtrue.stress.results.grouping import Board, Cell, failed, pair, references, span

__all__ = ["Contrast", "Rate", "contrasts", "failure_reasons", "failure_table"]


class Rate(TypedDict):
    """Failing families of one arm and kind."""

    families: int
    trials: int
    failures: int
    rate: float | None
    ci: list[float] | None
    """Clopper and Pearson's, 95 %; (0, 1) where no family was tried."""


class Contrast(TypedDict):
    """One arm minus another, over the families that both have."""

    arm: str
    against: str
    kind: str
    difference: float | None
    ci: list[float] | None
    """Tango's, 95 %. It and `p` come from different methods, and can disagree at the border."""
    p: float | None
    """Exact McNemar."""
    p_holm: float | None
    """Over arms, within the kind and the reference."""
    families: int
    worse: int
    """Families where only `arm` failed."""
    better: int


def failure_table(board: Board) -> dict[str, dict[str, Rate]]:
    """Rates by arm and kind: a family fails when any of its variants does."""
    return {arm: {kind: _rate(cell) for kind, cell in kinds.items()} for arm, kinds in board.items()}


def failure_reasons(board: Board) -> dict[str, dict[str, dict[str, int]]]:
    """How many families failed for each reason, by arm and kind; a family can have several."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    for arm, kinds in board.items():
        found[arm] = {}
        for kind, cell in kinds.items():
            by_family = [{reason for trial in own.values() for reason in _reasons(trial)} for own in cell.values()]
            every = sorted({reason for reasons in by_family for reason in reasons})
            found[arm][kind] = {reason: sum(reason in reasons for reasons in by_family) for reason in every}
    return found


def contrasts(board: Board, design: StressDesign) -> list[Contrast]:
    """Every arm against the free one, and every capped arm against the random directions."""
    found: list[Contrast] = []
    for against, arms in references(design):
        for kind in board[against]:
            rows = [_contrast(board, arm, against, kind) for arm in arms]
            tested = [row for row in rows if row["p"] is not None]
            for row, p in zip(tested, holm([row["p"] for row in tested if row["p"] is not None]), strict=True):
                row["p_holm"] = p
            found += rows
    return found


def _contrast(board: Board, arm: str, against: str, kind: str) -> Contrast:
    pairs = pair(board[arm][kind], board[against][kind])
    # Variants that only one of the arms has would give it more chances to fail: they don't count here.
    verdicts = [tuple(any(map(failed, side)) for side in zip(*own, strict=True)) for own in pairs.values()]
    both, worse, better = (verdicts.count(one) for one in ((True, True), (True, False), (False, True)))
    row: Contrast = {
        "arm": arm,
        "against": against,
        "kind": kind,
        "difference": None,
        "ci": None,
        "p": None,
        "p_holm": None,
        "families": len(verdicts),
        "worse": worse,
        "better": better,
    }
    if verdicts:
        difference, interval = paired_difference(both, worse, better, len(verdicts) - both - worse - better)
        row |= {"difference": difference, "ci": span(interval), "p": mcnemar(worse, better)}
    return row


def _rate(cell: Cell) -> Rate:
    failures = sum(any(map(failed, own.values())) for own in cell.values())
    n = len(cell)
    return {
        "families": n,
        "trials": sum(map(len, cell.values())),
        "failures": failures,
        "rate": failures / n if n else None,
        "ci": span(clopper_pearson(failures, n)),
    }


def _reasons(trial: Trial) -> Sequence[str]:
    return (*trial.reasons, "error") if trial.error is not None else trial.reasons
