"""Release samples, counted by family."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

from holdtrue.records.gate_sample import GateSample
from holdtrue.records.prereg import PreregClass

__all__ = ["TARGET", "Tally", "clip", "doubled", "failed_sample", "item_conflicts", "signature_of", "tally"]

TARGET: Final = "target"
SHOWN: Final = 60


@final
@dataclass(frozen=True)
class Tally:
    """What the target did with the families it was to be asked."""

    families: tuple[str, ...]
    """Eligible, in the order they are asked in, each once."""
    missing: frozenset[str]
    """Without an answer, or without one of their variants."""
    doubled: frozenset[str]
    """With a sample that is there twice."""
    failing: frozenset[str]
    """With an answer that isn't a pass."""
    undetermined: frozenset[str]
    """Failing without an outright failure: cut off, out of time, or not to be told."""
    signatures: dict[str, int]
    """Families by kind of failure."""
    strays: tuple[str, ...]
    """Samples that weren't planned, in words."""
    twins: tuple[int, int]
    """Twins that were failed in the release phase, and those that were played."""

    def counts_as_failed(self, family: str) -> bool:
        """Whether it speaks against a pass: it failed, or it isn't known once and for all that it didn't."""
        return family in self.failing or family in self.missing or family in self.doubled

    def path(self) -> list[bool]:
        """Outcomes up to the first family without an answer: what a sequential rule may look at."""
        found = []
        for family in self.families:
            if family in self.missing:
                break
            found.append(self.counts_as_failed(family))
        return found


def tally(
    promised: PreregClass, eligible: Sequence[str], samples: Iterable[GateSample], variants: Mapping[str, set[int]]
) -> Tally:
    """Count one class's release samples: a family is one unit, and failed if any of its samples did.

    Twins in the release phase show what a hold costs: they are counted apart.

    Args:
        promised: what was pre-registered of the class.
        eligible: its families, in order.
        samples: its release samples, in any order.
        variants: by family, which ones must be there beside any.
    """
    families = tuple(dict.fromkeys(eligible))
    known = set(families)
    strays = [] if len(families) == len(eligible) else ["the eligible list names a family twice"]
    own: dict[str, list[GateSample]] = {}
    for sample in samples:
        if sample.policy != TARGET:
            strays.append(f"a release sample of '{clip(sample.policy)}', which isn't the target")
        elif sample.attempt != promised.attempt:
            strays.append(f"family '{clip(sample.family)}' is of attempt {sample.attempt}, not {promised.attempt}")
        elif sample.family not in known:
            strays.append(f"family '{clip(sample.family)}' isn't on the eligible list")
        else:
            own.setdefault(sample.family, []).append(sample)
    missing = set()
    for family in families:
        answered = {sample.variant for sample in own.get(family, ()) if not sample.twin}
        if not answered or variants.get(family, set()) - answered:
            missing.add(family)
    failing, undetermined = set(), set()
    kinds: Counter[str] = Counter()
    for family, found in own.items():
        bad = [sample for sample in found if failed_sample(sample) and not sample.twin]
        if bad:
            failing.add(family)
            kinds.update({signature_of(sample) for sample in bad})
            if not any(sample.outcome == "fail" and sample.status == "ok" for sample in bad):
                undetermined.add(family)
    twins = [each for found in own.values() if (each := [sample for sample in found if sample.twin])]
    return Tally(
        families=families,
        missing=frozenset(missing),
        doubled=frozenset(doubled(sample for found in own.values() for sample in found)),
        failing=frozenset(failing),
        undetermined=frozenset(undetermined),
        signatures=dict(sorted(kinds.items())),
        strays=tuple(sorted(set(strays))),
        twins=(sum(any(map(failed_sample, each)) for each in twins), len(twins)),
    )


def failed_sample(sample: GateSample) -> bool:
    """Whether it isn't a pass that came to its proper end."""
    return sample.outcome != "pass" or sample.status != "ok"


def signature_of(sample: GateSample) -> str:
    """A failing sample's kind; one without a name goes by how it ended."""
    return sample.signature or (sample.status if sample.status != "ok" else sample.outcome)


def doubled(samples: Iterable[GateSample]) -> list[str]:
    """Families of which a sample is there more than once."""
    seen: set[Hashable] = set()
    twice = set()
    for sample in samples:
        key = sample.key
        if key in seen:
            twice.add(sample.family)
        seen.add(key)
    return sorted(twice)


def item_conflicts(samples: Iterable[GateSample]) -> list[str]:
    """Families whose samples are about two different items in the place of one, in words."""
    digests: dict[tuple[str, int, bool], str] = {}
    conflicts = set()
    for sample in samples:
        if digests.setdefault((sample.family, sample.variant, sample.twin), sample.item) != sample.item:
            conflicts.add(f"family '{clip(sample.family)}' was asked two different items")
    return sorted(conflicts)


def clip(text: str) -> str:
    """A name out of a stranger's file, short and on one line."""
    plain = "".join(mark if mark.isprintable() else "?" for mark in text[: SHOWN + 1])
    return plain if len(plain) <= SHOWN else plain[:SHOWN] + "…"
