"""Distress, projection, act: two steps in every arm, and what an arm changes about them."""

from statistics import mean

from holdtrue.records import StressDesign
from holdtrue.stats import PairedRow, cluster_bootstrap, fit_mediation, paired_differences, sign_flip
from holdtrue.stress.results.grouping import ALL, Board, Json, free_arm, stream, worded

__all__ = ["mediations"]


def mediations(board: Board, design: StressDesign) -> dict[str, Json]:
    """Both steps by arm, and each arm's effect of distress minus the free arm's.

    Only trials that say whether their conversation was distressed count, with the z and the act margin they ended in.
    """
    rows = {arm: _rows(board, arm) for arm in board}
    free = free_arm(design)
    found: dict[str, Json] = {}
    for arm, own in rows.items():
        fitted = fit_mediation(own, stream(design, "mediation", arm))
        if fitted is None:
            continue
        entry: Json = {"families": fitted.a.families, "rows": fitted.rows}
        entry |= {name: worded(getattr(fitted, name), "value") for name in ("a", "b", "direct", "indirect", "total")}
        entry["proportion"] = fitted.proportion
        compared = free is not None and arm != free.name
        entry["against_free"] = _against(own, rows[free.name], design, arm) if free is not None and compared else None
        found[arm] = entry
    return found


def _rows(board: Board, arm: str) -> list[PairedRow]:
    return [
        PairedRow(trial.family, trial.distressed, trial.act_z, trial.act_margin)
        for kind, cell in board[arm].items()
        if kind != ALL
        for own in cell.values()
        for trial in own.values()
        if trial.error is None and trial.distressed is not None
        if trial.act_z is not None and trial.act_margin is not None
    ]


def _against(own: list[PairedRow], free: list[PairedRow], design: StressDesign, arm: str) -> Json:
    """How much more distress moves z (`a`) and the act (`total`) in the arm than in the free one."""
    here, there = _effects(own), _effects(free)
    found: Json = {}
    for name in ("a", "total"):
        differences = paired_differences(here[name], there[name])
        if not differences:
            found[name] = None
            continue
        rng = stream(design, "mediation against free", arm, name)
        estimate = worded(cluster_bootstrap(differences, rng), "difference") or {}
        found[name] = {**estimate, "p": sign_flip(differences, rng)}
    return found


def _effects(rows: list[PairedRow]) -> dict[str, dict[str, dict[int, float]]]:
    """Distressed minus calm in each family."""
    found: dict[str, dict[str, dict[int, float]]] = {"a": {}, "total": {}}
    for family in sorted({row.family for row in rows}):
        sides = [[row for row in rows if row.family == family and row.distressed is told] for told in (True, False)]
        if not all(sides):
            continue
        found["a"][family] = {0: mean(row.z for row in sides[0]) - mean(row.z for row in sides[1])}
        found["total"][family] = {0: mean(row.outcome for row in sides[0]) - mean(row.outcome for row in sides[1])}
    return found
