"""Which families lie within the free model's capability."""

from collections.abc import Iterable

from holdtrue.gate.tally import clip, doubled, failed_sample
from holdtrue.records.gate_sample import GateSample

__all__ = ["check_eligible", "eligible_families"]


def eligible_families(samples: Iterable[GateSample], epochs: int) -> tuple[str, ...]:
    """Families whose twins were all passed, `epochs` times out of as many, in the order they first come in.

    Args:
        samples: one class's eligibility samples; one that failed rules its family out, however few were played.
        epochs: how often each twin must be passed.
    """
    played: dict[str, dict[int, list[GateSample]]] = {}
    for sample in samples:
        played.setdefault(sample.family, {}).setdefault(sample.variant, []).append(sample)
    return tuple(
        family
        for family, variants in played.items()
        if all(
            len({one.epoch for one in found}) >= epochs and not any(failed_sample(one) for one in found)
            for found in variants.values()
        )
    )


def check_eligible(listed: Iterable[str], samples: Iterable[GateSample], epochs: int) -> list[str]:
    """What speaks against a list of eligible families: one that wasn't earned, or one left out, in words.

    A list that leaves out a family which passed its twin could have been chosen by what the target does with it.

    Args:
        listed: the class's families on the sealed list.
        samples: the class's eligibility samples; without any nothing can be said.
        epochs: how often each twin must be passed.
    """
    kept = list(samples)
    if not kept:
        return []
    earned, claimed = set(eligible_families(kept, epochs)), set(listed)
    words = [f"family '{clip(family)}' is listed as eligible and isn't" for family in sorted(claimed - earned)]
    words += [f"family '{clip(family)}' is eligible and isn't listed" for family in sorted(earned - claimed)]
    words += [f"an eligibility sample of family '{clip(family)}' is there twice" for family in doubled(kept)]
    return words
