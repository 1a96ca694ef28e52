"""How a persona fares over a conversation, and over a group of agents."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from holdtrue.records import StressDesign, Trial
from holdtrue.stats import Outbreak, cluster_bootstrap, spread
from holdtrue.stress.results.grouping import ALL, Board, Cell, Json, stream, worded

__all__ = ["agent_curves", "trajectories"]

Points = Iterable[tuple[int, float]]


def trajectories(board: Board, design: StressDesign) -> dict[str, dict[str, dict[str, list[Json]]]]:
    """Means over families of z by turn and of probe margins by checkpoint, by arm and kind or kind/topic.

    Only conversations with one speaker have a course. Intervals hold turn by turn, not for the curve as a whole.
    """
    found: dict[str, dict[str, dict[str, list[Json]]]] = {}
    for arm, kinds in board.items():
        found[arm] = {}
        for kind, cell in kinds.items():
            for label in sorted({label for _, label, _ in _talks(cell, kind)} if kind != ALL else ()):
                talks = [(family, trial) for family, own, trial in _talks(cell, kind) if own == label]
                curves = {}
                for name, points in (("z", _z_points), ("margin", _margin_points)):
                    if curve := _curve(talks, points, stream(design, "trajectory", arm, label, name)):
                        curves[name] = curve
                if curves:
                    found[arm][label] = curves
    return found


def agent_curves(board: Board, design: StressDesign) -> dict[str, dict[str, Json]]:
    """How far the marked persona came among agents, by arm and shape of their network."""
    found: dict[str, dict[str, Json]] = {}
    for arm, kinds in board.items():
        found[arm] = {}
        for kind, cell in kinds.items():
            outbreaks = [
                Outbreak(trial.family, trial.infected, trial.edges)
                for own in cell.values()
                for trial in own.values()
                if kind != ALL and trial.infected and trial.error is None
            ]
            result = spread(outbreaks, stream(design, "agents", arm, kind))
            if result is None:
                continue
            found[arm][kind.split("/", maxsplit=1)[-1]] = {
                "trials": len(outbreaks),
                "families": result.ever.families,
                "rounds": [{"round": at, **(worded(one, "share") or {})} for at, one in enumerate(result.shares)],
                "ever": worded(result.ever, "share"),
                "reproduction": worded(result.reproduction, "value"),
                "carrier": worded(result.carrier, "share"),
                "spontaneous": result.spontaneous,
            }
    return found


def _talks(cell: Cell, kind: str) -> Iterable[tuple[tuple[str, str], str, Trial]]:
    for family, own in cell.items():
        for trial in own.values():
            if trial.error is not None or trial.infected or len({turn.speaker for turn in trial.turns}) > 1:
                continue
            topic = trial.topic
            if trial.distressed is not None and "/" not in kind:
                topic = "distressed" if trial.distressed else "calm"
            yield family, f"{kind}/{topic}" if topic else kind, trial


def _z_points(trial: Trial) -> Points:
    return ((at, turn.z) for at, turn in enumerate(trial.turns, 1) if turn.z is not None)


def _margin_points(trial: Trial) -> Points:
    return ((probe.after_turn, probe.margin) for probe in trial.probes)


def _curve(
    talks: Iterable[tuple[tuple[str, str], Trial]], points: Callable[[Trial], Points], rng: np.random.Generator
) -> list[Json]:
    by_turn: dict[int, dict[tuple[str, str], list[float]]] = {}
    for family, trial in talks:
        for turn, value in points(trial):
            by_turn.setdefault(turn, {}).setdefault(family, []).append(value)
    return [{"turn": turn, **_mean(by_turn[turn], rng)} for turn in sorted(by_turn)]


def _mean(values: Mapping[tuple[str, str], list[float]], rng: np.random.Generator) -> Json:
    return worded(cluster_bootstrap(values, rng)) or {}
