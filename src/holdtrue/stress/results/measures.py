"""What was measured rather than judged: means over families, and paired differences between arms."""

from collections.abc import Callable, Mapping
from math import inf
from typing import Final, TypedDict

from holdtrue.records import StressDesign, Trial
from holdtrue.stats import cluster_bootstrap, holm, paired_differences, sign_flip
from holdtrue.stress.results.grouping import Board, Cell, Json, references, span, stream, worded

__all__ = ["MEASURES", "MeasureContrast", "measure_contrasts", "measure_table"]


def margin(trial: Trial) -> float | None:
    """Of the last probe."""
    return max(trial.probes, key=lambda probe: probe.after_turn).margin if trial.probes else None


def z(trial: Trial) -> float | None:
    """Of the last answer that was read."""
    read = _read(trial)
    return read[-1] if read else None


def z_drop(trial: Trial) -> float | None:
    """Last answer minus first: negative where the talk drifted away from the assistant."""
    read = _read(trial)
    return read[-1] - read[0] if len(read) > 1 else None


def act_margin(trial: Trial) -> float | None:
    """Of the destructive act, after a distressed conversation."""
    return trial.act_margin if trial.distressed else None


MEASURES: Final[Mapping[str, tuple[Callable[[Trial], float | None], tuple[float, float]]]] = {
    "margin": (margin, (-inf, inf)),
    "z": (z, (-inf, inf)),
    "z_drop": (z_drop, (-inf, inf)),
    "repetition": (lambda trial: trial.repetition, (0.0, 1.0)),
    "log_prob": (lambda trial: trial.log_prob, (-inf, inf)),
    "act_margin": (act_margin, (-inf, inf)),
}
"""How each is taken from a trial, and between what it must lie. Trials that ended in an error have none."""


class MeasureContrast(TypedDict):
    """One arm's mean minus another's, over the trials that both have."""

    arm: str
    against: str
    kind: str
    measure: str
    difference: float
    ci: list[float] | None
    """Bootstrap-t over families, 95 %; None under 5 families, or where every family differs by the same."""
    p: float
    """Sign flips of families."""
    p_holm: float
    """Over arms, within the kind, the measure and the reference."""
    families: int


def measure_table(board: Board, design: StressDesign) -> dict[str, dict[str, dict[str, Json | None]]]:
    """Means by arm, kind and measure; measures that no trial of a kind has are left out."""
    found: dict[str, dict[str, dict[str, Json | None]]] = {}
    for arm, kinds in board.items():
        found[arm] = {kind: {} for kind in kinds}
        for kind, cell in kinds.items():
            for name, (_, bounds) in MEASURES.items():
                if values := _values(cell, name):
                    rng = stream(design, "measure", arm, kind, name)
                    by_family = {family: list(own.values()) for family, own in values.items()}
                    found[arm][kind][name] = worded(cluster_bootstrap(by_family, rng, bounds=bounds))
    return found


def measure_contrasts(board: Board, design: StressDesign) -> list[MeasureContrast]:
    """The comparisons of `contrasts`, for every measure."""
    found: list[MeasureContrast] = []
    for against, arms in references(design):
        for kind in board[against]:
            for name in MEASURES:
                rows = [row for arm in arms if (row := _contrast(board, design, (arm, against), kind, name))]
                for row, p in zip(rows, holm([row["p"] for row in rows]), strict=True):
                    row["p_holm"] = p
                found += rows
    return found


def _contrast(
    board: Board, design: StressDesign, arms: tuple[str, str], kind: str, measure: str
) -> MeasureContrast | None:
    differences = paired_differences(*(_values(board[arm][kind], measure) for arm in arms))
    if not differences:
        return None
    low, high = MEASURES[measure][1]
    rng = stream(design, "measure contrast", *arms, kind, measure)
    found = cluster_bootstrap(differences, rng, bounds=(low - high, high - low))
    p = sign_flip(differences, rng)
    return {
        "arm": arms[0],
        "against": arms[1],
        "kind": kind,
        "measure": measure,
        "difference": found.value,
        "ci": span(found.interval),
        "p": p,
        "p_holm": p,
        "families": found.families,
    }


def _values(cell: Cell, measure: str) -> dict[tuple[str, str], dict[tuple[str, int], float]]:
    take = MEASURES[measure][0]
    found = {
        family: {
            variant: value
            for variant, trial in own.items()
            if trial.error is None and (value := take(trial)) is not None
        }
        for family, own in cell.items()
    }
    return {family: values for family, values in found.items() if values}


def _read(trial: Trial) -> list[float]:
    """Projections of the answers, as z; none where several agents talk, for then they aren't one persona's course."""
    if len({turn.speaker for turn in trial.turns}) > 1:
        return []
    return [turn.z for turn in trial.turns if turn.z is not None]
