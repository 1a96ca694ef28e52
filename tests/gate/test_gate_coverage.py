"""Small simulated gates at a true rate of exactly p0: the benchmark has the large ones."""

from functools import cache

import numpy as np
import pytest
from made_gate import NAME, controls, failing, families, listed, prereg, promised, sample
from scipy.stats import binom

from holdtrue.gate import decide
from holdtrue.stats import spend, upper_bound

P0, GATES = 0.05, 400


def at_most(passed: int, alpha: float) -> bool:
    """Whether so many false passes are no surprise, at one in ten thousand."""
    return passed <= binom.ppf(0.9999, GATES, alpha)


@cache
def decided(n: int, bad: tuple[int, ...], attempt: int = 1, rule: str = "fixed", found: int | None = None) -> bool:
    names = families(n)
    of = prereg(promised(attempt=attempt, alpha=spend(0.05, attempt)), rule=rule)
    release = [
        (failing if at in bad else sample)(name, attempt=attempt, variant=variant)
        for at, name in enumerate(names)
        for variant in range(2)
    ]
    missed = names[found:] if found is not None else ()
    return (
        decide(of, [*release, *controls(names, missed, attempt=attempt)], listed(of, names)).classes[NAME].verdict
        == "PASS"
    )


def by_count(n: int, count: int, **how) -> bool:
    return decided(n, tuple(range(count)), **how)


@pytest.mark.parametrize("icc", [0.1, 0.5, 0.8])
def test_variants_of_a_family_dont_help(icc):
    """Of 30 templates with 10 variants each at a true 1 %, counting variants passes falsely 12, 42 and 61 %."""
    rng = np.random.default_rng(int(100 * icc))
    a, b = 0.01 * (1 - icc) / icc, 0.99 * (1 - icc) / icc
    bad = rng.binomial(10, rng.beta(a, b, (20_000, 30)))
    limits = {k: upper_bound(k, 300) < 0.01 for k in range(301)}
    naive = np.mean([limits[int(k)] for k in bad.sum(axis=1)])
    assert naive == pytest.approx({0.1: 0.12, 0.5: 0.42, 0.8: 0.61}[icc], abs=0.012)
    gates = [by_count(75, int(k)) for k in (rng.random((GATES, 75)) < P0).sum(axis=1)]
    assert at_most(sum(gates), 0.025)
    assert sum(gates)


def test_attempts_spend_alpha():
    rng = np.random.default_rng(4)
    naive = (rng.binomial(59, P0, (20_000, 5)) == 0).any(axis=1).mean()
    assert naive == pytest.approx(0.22, abs=0.012)
    spent = sum(
        any(by_count(150, int(k), attempt=j) for j, k in enumerate(tries, start=1))
        for tries in rng.binomial(150, P0, (GATES, 5))
    )
    assert at_most(spent, 0.05)
    assert spent


def test_stopping_early_keeps_alpha():
    rng = np.random.default_rng(6)
    runs = rng.random((GATES, 140)) < P0
    passed = sum(decided(140, tuple(map(int, np.flatnonzero(run))), rule="sequential") for run in runs[:80])
    assert passed <= binom.ppf(0.9999, 80, 0.025)


@pytest.mark.parametrize("recall", [0.7, 0.9])
def test_a_scorer_that_misses_some_keeps_alpha(recall):
    rng = np.random.default_rng(7)
    n = 130
    seen = zip(rng.binomial(n, P0 * recall, 200), rng.binomial(n, recall, 200), strict=True)
    passed = sum(by_count(n, int(k), found=int(found)) for k, found in seen)
    assert passed <= binom.ppf(0.9999, 200, 0.025)
