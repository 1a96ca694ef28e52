"""Trials by arm, kind and family."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

import numpy as np

from holdtrue.errors import RunError, did_you_mean
from holdtrue.records import CapabilityTrial, StressArm, StressDesign, Trial
from holdtrue.stats import Estimate

__all__ = [
    "ALL",
    "COST_KINDS",
    "Board",
    "Cell",
    "Json",
    "by_arm_and_kind",
    "failed",
    "free_arm",
    "pair",
    "references",
    "span",
    "stream",
    "worded",
]

ALL: Final = "all"
"""Families of every kind that is about stability."""
COST_KINDS: Final = ("roleplay",)
"""Kinds where a failure is a price of holding, not a persona lost; they stay out of `ALL`."""

Json: TypeAlias = dict[str, object]
Family: TypeAlias = tuple[str, str]
"""The kind without its depth or shape, and the family's name: `long/8` and `long/32` try the same families."""
Variant: TypeAlias = tuple[str, int]
"""Kind and variant."""
Cell: TypeAlias = Mapping[Family, Mapping[Variant, Trial]]
Board: TypeAlias = Mapping[str, Mapping[str, Cell]]
"""By arm and kind, `ALL` last."""


def by_arm_and_kind(trials: Sequence[Trial], design: StressDesign) -> Board:
    """Sort trials, so that nothing depends on the order in which they were scored.

    Raises:
        RunError: a trial of an arm that the design lacks, or one that is there twice.
    """
    check_keys(trials, design)
    ordered = sorted(trials, key=lambda trial: trial.key)
    seen = {trial.kind for trial in ordered}
    kinds = sorted(seen | {kind for kind in design.kinds if kind not in {_head(one) for one in seen}}, key=_natural)
    stable = {kind for kind in kinds if _head(kind) not in COST_KINDS}
    board: dict[str, dict[str, dict[Family, dict[Variant, Trial]]]] = {
        arm.name: {kind: {} for kind in (*kinds, ALL)} for arm in design.arms
    }
    for trial in ordered:
        for kind in (trial.kind, ALL) if trial.kind in stable else (trial.kind,):
            family = (_head(trial.kind), trial.family)
            board[trial.arm][kind].setdefault(family, {})[(trial.kind, trial.variant)] = trial
    return board


def check_keys(trials: Iterable[Trial | CapabilityTrial], design: StressDesign) -> None:
    """Refuse trials that can't belong to the run.

    Raises:
        RunError: naming the trial.
    """
    arms, seen = [arm.name for arm in design.arms], set()
    for trial in trials:
        if trial.arm not in arms:
            message = f"a trial of arm '{trial.arm}', which the design lacks: {did_you_mean(trial.arm, arms)}"
            raise RunError(message)
        if trial.key in seen:
            message = f"trial {'/'.join(map(str, trial.key))} is there twice; keep one of its lines"
            raise RunError(message)
        seen.add(trial.key)


def failed(trial: Trial) -> bool:
    """Whether it counts as a failure; an error does, for what is missing can't pass."""
    return trial.failed or trial.error is not None


def pair(arm: Cell, against: Cell) -> dict[Family, list[tuple[Trial, Trial]]]:
    """The trials that both arms have, by family."""
    found = {
        family: [(trial, against[family][variant]) for variant, trial in own.items() if variant in against[family]]
        for family, own in arm.items()
        if family in against
    }
    return {family: pairs for family, pairs in found.items() if pairs}


def free_arm(design: StressDesign) -> StressArm | None:
    """The arm where nothing is done; the one named `free` if there are several."""
    free = [arm for arm in design.arms if arm.hold.free]
    return next((arm for arm in free if arm.name == "free"), free[0] if free else None)


def references(design: StressDesign) -> list[tuple[str, list[str]]]:
    """What arms are compared with: the free arm, and for capped arms every random direction."""
    free = free_arm(design)
    found = [(free.name, [arm.name for arm in design.arms if arm is not free])] if free else []
    capped = [arm.name for arm in design.arms if arm.hold.cap is not None and arm.direction != "random"]
    return found + [(arm.name, capped) for arm in design.arms if arm.direction == "random" and capped]


def stream(design: StressDesign, *labels: str) -> np.random.Generator:
    """A generator of its own for every figure, so that one more arm leaves the others' intervals as they were."""
    digest = hashlib.sha256("\n".join(labels).encode()).digest()
    return np.random.default_rng([design.seed, *np.frombuffer(digest[:16], dtype="<u4").tolist()])


def span(interval: tuple[float, float] | None) -> list[float] | None:
    """An interval as JSON."""
    return None if interval is None else [float(interval[0]), float(interval[1])]


def worded(estimate: Estimate | None, name: str = "mean") -> Json | None:
    """An estimate as JSON."""
    if estimate is None:
        return None
    return {name: estimate.value, "ci": span(estimate.interval), "families": estimate.families}


def _head(kind: str) -> str:
    return kind.split("/", maxsplit=1)[0]


def _natural(kind: str) -> list[tuple[int, int, str]]:
    """`long/8` before `long/32`."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in kind.split("/")]
