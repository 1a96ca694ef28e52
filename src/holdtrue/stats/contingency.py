"""Two-by-two tables, exactly: is the outcome more common with the value than without it, and by how much?

A table is `a` units with value and outcome, `b` with the value alone, `c` with the outcome alone, `d` with neither.
As a draw: of `N` units `F` have the outcome, `K` the value, and `k = a` both.
"""

from collections.abc import Callable
from math import exp, inf, log

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import brentq
from scipy.special import gammaln, logsumexp

from holdtrue.errors import SettingError

__all__ = ["fisher_greater", "homogeneity_greater", "odds_ratio", "odds_ratio_interval"]

Table = tuple[int, int, int, int]

SETTLED = 1e-17
"""A tail's next term, as a share of its sum, from which on nothing changes in double precision."""
STIRLING_TERMS = (1 / 12, 1 / 360, 1 / 1260, 1 / 1680, 1 / 1188)
HALF_LOG_TAU = 0.5 * log(2 * np.pi)


def fisher_greater(
    k: Int[np.ndarray, " n"],
    K: Int[np.ndarray, " n"],  # noqa: N803
    F: Int[np.ndarray, " n"] | int,  # noqa: N803
    N: Int[np.ndarray, " n"] | int,  # noqa: N803
) -> Float[np.ndarray, " n"]:
    """One-sided exact p-values: `P(X >= k)`, `X` of `K` marked among `F` drawn without replacement from `N`.

    Fisher (1935), The Logic of Inductive Inference. The first term is Loader's saddle-point form (2000, Fast and
    Accurate Computation of Binomial Probabilities), which doesn't lose digits at millions of rows as a difference of
    log-gammas does; the others follow by their ratios, up from `k` above the mean, else down from `k - 1` and from 1.

    Args:
        k: units with value and outcome.
        K: units with the value.
        F: units with the outcome.
        N: units in all.

    Returns:
        P-values, right to about 1e-12 of each.

    Raises:
        SettingError: counts that no table has.
    """
    k, K, F, N = (np.array(a, dtype=np.int64) for a in np.broadcast_arrays(k, K, F, N))  # noqa: N806
    if np.any(k < 0) or np.any(np.maximum(K, F) > N) or np.any(np.minimum(K, F) < 0):
        message = "counts must satisfy 0 <= k and 0 <= K, F <= N; a table's cells can't be negative"
        raise SettingError(message)
    p = np.zeros(k.shape)
    least = np.maximum(0, K + F - N)
    certain = k <= least
    p[certain] = 1
    open_ = ~certain & (k <= np.minimum(K, F))
    upper = open_ & (k * (N + 2.0) >= (K + 1.0) * (F + 1.0))  # beyond the mode: terms fall from k on
    lower = open_ & ~upper
    p[upper] = _tail(k[upper], K[upper], F[upper], N[upper], up=True)
    p[lower] = 1 - _tail(k[lower] - 1, K[lower], F[lower], N[lower], up=False)
    return np.clip(p, 0, 1)


def odds_ratio(a: int, b: int, c: int, d: int) -> float:
    """The sample's odds ratio, `a d / (b c)`; infinite where only `b c` is 0, and 1 where both products are."""
    if b * c == 0:
        return inf if a * d else 1.0
    return a * d / (b * c)


def odds_ratio_interval(a: int, b: int, c: int, d: int, level: float = 0.95) -> tuple[float, float]:
    """Exact interval of an odds ratio `psi`, all margins given, as R's `fisher.test` prints it.

    `P(X >= a; low) = P(X <= a; high) = (1 - level) / 2`, where `P(x; psi)` goes as the hypergeometric weight of `x`
    times `psi^x`. Cornfield (1956), Proceedings of the Third Berkeley Symposium 4, 135-148.

    Args:
        a: units with value and outcome.
        b: with the value alone.
        c: with the outcome alone.
        d: with neither.
        level: coverage, at least.

    Returns:
        Lower and upper limit; 0 and infinity where `a` is the least or most that the margins allow.

    Raises:
        SettingError: negative counts or a level that can't be.
    """
    if min(a, b, c, d) < 0 or not 0 < level < 1:
        message = f"a table of {a}, {b}, {c}, {d} at level {level}: counts can't be negative, a level is within 0 to 1"
        raise SettingError(message)
    xs, weights = _weights(a, b, c, d)
    tail = log((1 - level) / 2)

    def limit(side: np.ndarray) -> float:
        def beyond(log_psi: float) -> float:
            terms = weights + xs * log_psi
            return float(logsumexp(terms[side]) - logsumexp(terms)) - tail

        return exp(_root(beyond))

    low = 0.0 if a == xs[0] else limit(xs >= a)
    high = inf if a == xs[-1] else limit(xs <= a)
    return low, high


def homogeneity_greater(first: Table, second: Table) -> float:
    """Exact one-sided p-value that the first table's odds ratio is larger than the second's.

    `P(A1 >= a1 | A1 + A2 = a1 + a2)`, all margins of both given: under a common odds ratio it doesn't depend on it.
    Zelen (1971), Biometrika 58, 129-137.

    Args:
        first: `(a, b, c, d)` of the suspect.
        second: of the control.

    Raises:
        SettingError: negative counts.
    """
    if min(*first, *second) < 0:
        message = f"tables {first} and {second}: counts can't be negative"
        raise SettingError(message)
    xs, weights = _weights(*first)
    ys, others = _weights(*second)
    at = first[0] + second[0] - xs - ys[0]
    inside = (at >= 0) & (at < ys.size)
    terms = weights[inside] + others[at[inside]]
    return float(np.clip(np.exp(logsumexp(terms[xs[inside] >= first[0]]) - logsumexp(terms)), 0, 1))


def _weights(a: int, b: int, c: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Every `a` that the margins allow, and the log of its hypergeometric weight."""
    marked, drawn, n = a + b, a + c, a + b + c + d
    xs = np.arange(max(0, marked + drawn - n), min(marked, drawn) + 1)
    return xs, _log_pmf(xs, np.full_like(xs, marked), np.full_like(xs, drawn), np.full_like(xs, n))


def _root(falling_or_rising: Callable[[float], float]) -> float:
    """Where a monotone function of a log odds ratio crosses 0."""
    width = 1.0
    while falling_or_rising(-width) * falling_or_rising(width) > 0:
        width *= 2
    return float(brentq(falling_or_rising, -width, width, xtol=1e-13, rtol=1e-13))


def _tail(k: np.ndarray, K: np.ndarray, F: np.ndarray, N: np.ndarray, *, up: bool) -> np.ndarray:  # noqa: N803
    """`P(X = k) + P(X = k +- 1) + ...`; terms must fall that way."""
    start = np.exp(_log_pmf(k, K, F, N))
    total, term, at = np.ones(k.shape), np.ones(k.shape), np.arange(k.size)
    j, left_k, left_f, rest = (a.astype(float) for a in (k, K - k, F - k, N - K - F + k))
    while at.size:
        if up:
            term = term * (left_k * left_f / ((j + 1) * (rest + 1)))
            j, left_k, left_f, rest = j + 1, left_k - 1, left_f - 1, rest + 1
        else:
            term = term * (j * rest / ((left_k + 1) * (left_f + 1)))
            j, left_k, left_f, rest = j - 1, left_k + 1, left_f + 1, rest - 1
        total[at] += term
        keep = term > SETTLED * total[at]
        if not keep.all():
            at, term = at[keep], term[keep]
            j, left_k, left_f, rest = j[keep], left_k[keep], left_f[keep], rest[keep]
    tail: np.ndarray = start * total
    return tail


def _log_pmf(k: np.ndarray, K: np.ndarray, F: np.ndarray, N: np.ndarray) -> np.ndarray:  # noqa: N803
    """`log P(X = k)` as three binomial probabilities of rate `F / N`."""
    rate = F / np.maximum(N, 1)
    found: np.ndarray = _log_binomial(k, K, rate) + _log_binomial(F - k, N - K, rate) - _log_binomial(F, N, rate)
    return found


def _log_binomial(x: np.ndarray, n: np.ndarray, p: np.ndarray) -> np.ndarray:
    x, n = x.astype(float), n.astype(float)
    y, q = n - x, 1 - p
    with np.errstate(divide="ignore", invalid="ignore"):
        inner = (
            _stirling(n) - _stirling(x) - _stirling(y) - _deviance(x, n * p) - _deviance(y, n * q)
            + 0.5 * (np.log(n) - np.log(x) - np.log(y)) - HALF_LOG_TAU
        )  # fmt: skip
        none, all_ = n * np.log1p(-p), n * np.log(p)
    found: np.ndarray = np.where(n == 0, 0.0, np.where(x == 0, none, np.where(y == 0, all_, inner)))
    return found


def _stirling(n: np.ndarray) -> np.ndarray:
    """`log n!` less Stirling's formula."""
    large = np.maximum(n, 16.0)
    square = 1 / (large * large)
    a, b, c, d, e = STIRLING_TERMS
    series = (a - square * (b - square * (c - square * (d - square * e)))) / large
    small = np.maximum(np.minimum(n, 16.0), 0.5)
    exact = gammaln(small + 1) - (small + 0.5) * np.log(small) + small - HALF_LOG_TAU
    found: np.ndarray = np.where(n > 15, series, exact)
    return found


def _deviance(x: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """`x log(x / mean) + mean - x`, by a series where the two are close and the difference would lose its digits."""
    v = (x - mean) / (x + mean)
    square = v * v
    series, power = np.zeros_like(v), 2 * x * v
    for at in range(1, 12):
        power = power * square
        series = series + power / (2 * at + 1)
    near = (x - mean) * v + series
    found: np.ndarray = np.where(np.abs(v) < 0.1, near, x * np.log(x / mean) + mean - x)
    return found
