"""Which layer to read, which band to hold, and what to warn of."""

from dataclasses import dataclass
from typing import final

from holdtrue.records import LayerCheck, SelfTest

__all__ = ["Advice", "advise", "warnings_for"]

# Where the literature holds: blocks 46-53 of 64 (Qwen3-32B) and 56-71 of 80 (Llama-3.3-70B), arXiv 2601.10387.
LITERATURE_BAND = (0.70, 0.89)
# Early blocks carry the words, the last ones the next token: neither is where a persona is held.
BAND_LIMITS = (1 / 3, 0.9)
MIN_ACCEPTED_PER_ROLE = 4


@final
@dataclass(frozen=True)
class Advice:
    """The layer to read, the band to hold (first and last block) and why."""

    layer: int
    band: tuple[int, int]
    reason: str


def advise(checks: list[LayerCheck]) -> Advice:
    """Choose the read layer and the hold band from the per-layer checks.

    The read layer has the highest lower bound of held-out AUROC among layers whose split-half interval excludes zero
    (among all, if none does). The band is the longest run of blocks between a third and nine tenths of the depth where
    the axis is reliable and its AUROC beats random directions; where there is none, the literature's share of depth.
    """
    n = len(checks)
    reliable = [check for check in checks if check.split_half_ci and check.split_half_ci[0] > 0]
    best = max(reliable or checks, key=lambda check: (check.auroc_ci or (0, 0))[0])
    first, last = round(BAND_LIMITS[0] * n), max(round(BAND_LIMITS[0] * n), int(BAND_LIMITS[1] * n) - 1)
    run = _longest_run([check.layer for check in checks[first : last + 1] if _holds(check)])
    interval = best.auroc_ci or (0.0, 0.0)
    why = (
        f"block {best.layer} has the highest lower bound of held-out AUROC ({interval[0]:.2f}) among the "
        f"{len(reliable)} of {n} blocks whose split-half interval excludes zero"
    )
    if run is not None and run[1] > run[0]:
        band_why = (
            f"blocks {run[0]}-{run[1]} are the longest run between a third and nine tenths of the depth where the axis "
            "is reliable and beats random directions"
        )
        return Advice(best.layer, run, f"{why}; {band_why}.")
    low, high = (min(n - 1, int(share * n)) for share in LITERATURE_BAND)
    return Advice(best.layer, (low, high), f"{why}; no run of blocks qualifies, so the band is the literature's depth.")


def _holds(check: LayerCheck) -> bool:
    return check.measured and not check.objections()


def _longest_run(layers: list[int]) -> tuple[int, int] | None:
    runs: list[tuple[int, int]] = []
    for layer in layers:
        if runs and runs[-1][1] == layer - 1:
            runs[-1] = (runs[-1][0], layer)
        else:
            runs.append((layer, layer))
    return max(runs, key=lambda run: run[1] - run[0], default=None)


def warnings_for(
    check: LayerCheck,
    self_test: SelfTest | None,
    default_rank: int | None,
    accepted: dict[str, int],
    n_offered: dict[str, int],
    n_compared: int,
) -> tuple[str, ...]:
    """What a reader must know before using the axis.

    Args:
        check: the recommended layer's.
        self_test: the sign check, None where it could not be made.
        default_rank: 1 when no role projects above the default, None where it could not be found.
        accepted: accepted rollouts by role.
        n_offered: rollouts drawn by role.
        n_compared: roles that the default was ranked among.
    """
    found = []
    if not check.measured or self_test is None or default_rank is None:
        found.append("NOT CHECKED: the design is too small to hold roles and questions out; use a larger preset.")
    if reasons := check.objections():
        found.append(f"NO AXIS FOUND: {'; '.join(reasons)}. The direction is noise: don't hold or watch with it.")
    if self_test is not None and not self_test.passed:
        found.append(
            "SELF-TEST FAILED: default responses don't project above role responses; it can't be watched or held with."
        )
    n_roles = len(n_offered)
    if default_rank is not None and default_rank > max(1, round(0.05 * n_compared)):
        found.append(
            f"DEFAULT NOT EXTREMAL: {default_rank - 1} of {n_compared} roles project above the default assistant on "
            "held-out questions; the axis is not the model's persona axis in the literature's sense."
        )
    thin = sorted(role for role in n_offered if accepted.get(role, 0) < min(MIN_ACCEPTED_PER_ROLE, n_offered[role]))
    if thin:
        names = ", ".join(thin[:5]) + (", …" if len(thin) > 5 else "")
        found.append(
            f"TOO FEW ACCEPTED ROLLOUTS: {len(thin)} of {n_roles} roles have fewer than {MIN_ACCEPTED_PER_ROLE} "
            f"({names}); the model may not play them."
        )
    return tuple(found)
