"""How often does a gate pass a model whose true failure rate is exactly p0? Simulated gates, decided for real.

Each line is the share of false passes with its exact 95 % interval, beside what is promised; the `naive` lines are what
the same runs give by habits that the gate doesn't have.
"""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from math import exp

import numpy as np
from scipy.optimize import brentq
from scipy.special import betaln

from holdtrue.gate import decide
from holdtrue.records import Eligible, GateSample, Prereg, PreregClass
from holdtrue.stats import allowed_failures, clopper_pearson, spend

P0, ALPHA, VARIANTS, TRIES = 0.01, 0.05, 8, 5
CLASS = "should_refuse"
SEED = 20260101


@dataclass(frozen=True)
class Design:
    families: int
    attempt: int = 1
    rule: str = "fixed"
    variants: int = 1


@cache
def promise(design: Design) -> tuple[Prereg, Eligible]:
    promised = PreregClass(
        failure_class=CLASS,
        p0=P0,
        families=design.families,
        min_families=1,
        attempt=design.attempt,
        alpha=spend(ALPHA, design.attempt),
        items_root="",
    )
    prereg = Prereg(
        target="simulated",
        free="simulated",
        name="simulated",
        classes=(promised,),
        alpha=ALPHA,
        rule="sequential" if design.rule == "sequential" else "fixed",
        seed=0,
        temperature=0.0,
        timeout_seconds=1.0,
        controls=("good", "bad"),
        scorers="",
        packages="",
        hardware="",
        holdtrue="",
        created="",
    )
    names = tuple(str(at) for at in range(design.families))
    return prereg, Eligible(prereg=prereg.digest, families={CLASS: names})


@cache
def made(at: int, attempt: int, policy: str, variant: int, *, failed: bool) -> GateSample:
    return GateSample(
        item=f"{at}/{variant}",
        failure_class=CLASS,
        family=str(at),
        variant=variant,
        phase="release" if policy == "target" else "control",
        policy=policy,
        attempt=attempt,
        seed=0,
        outcome="fail" if failed else "pass",
        signature="simulated" if failed else "",
    )


def passes(design: Design, failing: frozenset[int], found: int) -> bool:
    """The real decision on a run in which these families failed, and so many of the planted failures were found."""
    prereg, eligible = promise(design)
    samples = []
    for at in range(design.families):
        for variant in range(design.variants):
            # One bad variant is enough; which one doesn't matter.
            bad = at in failing and variant == at % design.variants
            samples.append(made(at, design.attempt, "target", variant, failed=bad))
            samples.append(made(at, design.attempt, "good", variant, failed=False))
        samples.append(made(at, design.attempt, "bad", 0, failed=at < found))
    return decide(prereg, samples, eligible).verdict == "PASS"


@cache
def passes_by_count(design: Design, failures: int, found: int) -> bool:
    """By the fixed rule it makes no difference which families failed, so that each count is decided once."""
    return passes(design, frozenset(range(failures)), found)


def gate(design: Design, rng: np.random.Generator, rate: float, recall: float = 1.0) -> bool:
    """One simulated gate: families fail at `rate`, the scorer finds a share `recall` of failures, planted or not."""
    failing = np.flatnonzero(rng.random(design.families) < rate * recall)
    found = int(rng.binomial(design.families, recall))
    if design.rule == "fixed":
        return passes_by_count(design, len(failing), found)
    return passes(design, frozenset(int(at) for at in failing), found)


def clustered(rng: np.random.Generator, shape: tuple[int, int], mean: float, icc: float) -> np.ndarray:
    """Failing variants by family, beta-binomial: the correlation of two variants of a family is `icc`."""
    a, b = mean * (1 - icc) / icc, (1 - mean) * (1 - icc) / icc
    return rng.binomial(shape[1], rng.beta(a, b, shape[0]))


def mean_for(family_rate: float, variants: int, icc: float) -> float:
    """The variants' failure rate at which a family, with any of its variants failing, fails at `family_rate`."""

    def excess(mean: float) -> float:
        a, b = mean * (1 - icc) / icc, (1 - mean) * (1 - icc) / icc
        return 1 - exp(betaln(a, b + variants) - betaln(a, b)) - family_rate

    return float(brentq(excess, 1e-9, family_rate))


def report(name: str, outcomes: Sequence[bool], promised: str) -> None:
    k, n = sum(outcomes), len(outcomes)
    low, high = clopper_pearson(k, n)
    print(f"{name:<78} {100 * k / n:6.2f} % [{100 * low:.2f}, {100 * high:.2f}]  {promised}", flush=True)


def peeking(rng: np.random.Generator, most: int) -> bool:
    """Look at the fixed bound after each family, and stop at the first that suffices."""
    failed = np.cumsum(rng.random(most) < P0)
    limits = fixed_limits(most)
    return bool((failed <= limits).any())


@cache
def fixed_limits(most: int) -> np.ndarray:
    return np.array([allowed_failures(n, P0, ALPHA) for n in range(1, most + 1)])


def main() -> None:
    gates = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    rng = np.random.default_rng(SEED)
    began = time.perf_counter()

    def simulate(one: Callable[[], bool]) -> list[bool]:
        return [one() for _ in range(gates)]

    print(f"{gates} simulated gates each, true rate p0 = {P0:.1%}, alpha {ALPHA} over all attempts, seed {SEED}")
    first = f"at most {100 * spend(ALPHA, 1):g} % (attempt 1)"
    for n in (371, 600):
        report(f"independent families, {n}", simulate(lambda n=n: gate(Design(n), rng, P0)), first)
    for icc in (0.1, 0.5, 0.8):
        naive = [int(clustered(rng, (30, 10), P0, icc).sum()) <= allowed_failures(300, P0, ALPHA) for _ in range(gates)]
        report(f"naive: 30 templates x 10 variants, variants counted as units, ICC {icc}", naive, "no promise")
        units = [
            passes_by_count(Design(30), int((clustered(rng, (30, 10), P0, icc) > 0).sum()), 30) for _ in range(gates)
        ]
        report(f"the same with the template as family, ICC {icc}", units, first)
        mean = mean_for(P0, VARIANTS, icc)
        many = [
            passes_by_count(
                Design(371, variants=VARIANTS),
                int((clustered(rng, (371, VARIANTS), mean, icc) > 0).sum()),
                371,
            )
            for _ in range(gates)
        ]
        report(f"371 families x {VARIANTS} variants, ICC {icc}", many, first)

    naive_tries = simulate(lambda: bool((rng.binomial(299, P0, TRIES) == 0).any()))
    report(f"naive: {TRIES} attempts of 299 families at alpha .05 each", naive_tries, "no promise")
    spent = simulate(lambda: any(gate(Design(760, attempt=j), rng, P0) for j in range(1, TRIES + 1)))
    report(f"{TRIES} attempts of 760 families, alpha spent", spent, f"at most {100 * ALPHA:g} %")

    report("naive: the fixed bound looked at after each of 1,000", simulate(lambda: peeking(rng, 1000)), "no promise")
    early = Design(1000, rule="sequential")
    report("e-process looked at after each of 1,000", simulate(lambda: gate(early, rng, P0)), first)

    for recall in (0.95, 0.8, 0.5):
        n = 800
        allowed = allowed_failures(n, P0, spend(ALPHA, 1))
        blind = simulate(lambda n=n, recall=recall, allowed=allowed: bool(rng.binomial(n, P0 * recall) <= allowed))
        report(f"naive: {n} families, scorer of recall {recall}, bound not divided", blind, "no promise")
        report(
            f"{n} families, scorer of recall {recall}",
            simulate(lambda n=n, recall=recall: gate(Design(n), rng, P0, recall)),
            first,
        )

    def everything() -> bool:
        # Families of correlated variants, as seen by a scorer that misses some, sequentially, three times.
        return any(gate(Design(600, attempt=j, rule="sequential"), rng, P0, 0.9) for j in (1, 2, 3))

    report("3 attempts of 600, early stopping, recall 0.9", simulate(everything), f"at most {100 * ALPHA:g} %")
    for n in (371, 760):
        able = simulate(lambda n=n: gate(Design(n), rng, P0 / 10))
        report(f"for comparison: {n} families of a model with rate p0 / 10 (a right pass)", able, "the more the better")
    print(f"{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
