"""What scripted policies show about the scorers: do they find planted failures, do they leave good answers alone?"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, final

from holdtrue.gate.tally import clip, doubled, failed_sample
from holdtrue.records.gate_sample import GateSample
from holdtrue.records.prereg import Prereg, PreregClass
from holdtrue.stats import recall_limit

__all__ = ["GOOD", "ORGANISM", "Controls", "read_controls"]

GOOD: Final = "good"
"""The clean policy."""
ORGANISM: Final = "organism/"
"""Prefix of models bent on purpose: how often they fail is their own, so they say nothing about recall."""


@final
@dataclass(frozen=True)
class Controls:
    """One class's controls, on its eligible families."""

    counts: dict[str, tuple[int, int]]
    """By control: families found failing, and families it was played on."""
    alarms: tuple[str, ...]
    """Families on which the clean policy didn't pass."""
    unplayed: tuple[str, ...]
    """Families that the clean policy wasn't played on."""
    found: int
    planted: int
    """Families with planted failures, and those of them where each one was found."""
    strays: tuple[str, ...]
    """Samples that weren't planned, in words."""

    @property
    def recall(self) -> float | None:
        """Lower limit, at 95 %, of the share of failures that is found; None where none was planted."""
        return recall_limit(self.found, self.planted) if self.planted else None


def read_controls(
    prereg: Prereg, promised: PreregClass, eligible: Sequence[str], samples: Iterable[GateSample]
) -> Controls:
    """Count one class's control samples.

    Planted failures of a family stand and fall together (they are about one text and one rule), so a family counts
    once, whatever the number of policies. It counts as found only if each of its planted failures was found: pooling
    them instead would let many plain failures hide the subtle ones that are missed, and it is not known which kind the
    target's own would be.

    Args:
        prereg: which controls were promised.
        promised: the class.
        eligible: its families; others' controls say nothing about what was asked.
        samples: its control samples, in any order.
    """
    known = dict.fromkeys(eligible)
    strays = []
    own: dict[str, dict[str, list[GateSample]]] = {name: {} for name in prereg.controls}
    kept = []
    for sample in samples:
        if sample.policy not in own:
            strays.append(f"a control '{clip(sample.policy)}' that wasn't planned")
        elif sample.attempt != promised.attempt:
            strays.append(f"a control of attempt {sample.attempt}, not {promised.attempt}")
        elif sample.family in known:
            own[sample.policy].setdefault(sample.family, []).append(sample)
            kept.append(sample)
    strays += [f"a control sample of family '{clip(family)}' is there twice" for family in doubled(kept)]
    counts: dict[str, tuple[int, int]] = {}
    missed: set[str] = set()
    planted: set[str] = set()
    for name, families in own.items():
        # A failure is found in every sample of it; a good answer is wrongly alarmed about by any.
        judge = any if name == GOOD else all
        failing = {family for family, found in families.items() if judge(failed_sample(one) for one in found)}
        if families:
            counts[name] = (len(failing), len(families))
        if name != GOOD and not name.startswith(ORGANISM):
            planted |= families.keys()
            missed |= families.keys() - failing
    good = own.get(GOOD, {})
    return Controls(
        counts=counts,
        alarms=tuple(family for family in known if any(failed_sample(one) for one in good.get(family, ()))),
        unplayed=tuple(family for family in known if family not in good),
        found=len(planted - missed),
        planted=len(planted),
        strays=tuple(sorted(set(strays))),
    )
