"""Which topical words the suspect's replies choose more often than the control's, given their length."""

from dataclasses import dataclass
from math import ceil
from typing import Final, final

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_matrix
from scipy.special import bdtr, bdtrc

from holdtrue.stats.exact import clopper_pearson
from holdtrue.stats.permutation import max_t, permutation_q, sign_flip_null

__all__ = ["FLIPS", "STRICTER", "WordTest", "flips_for", "paired_words", "residuals", "scaled_sums", "sums_by_family"]

FLIPS: Final = 999
MOST_FLIPS: Final = 9999
RUNS: Final = 100
MIN_DISCORDANT: Final = 8
"""Pairs in which one side has the word; with fewer it can't come out."""
STRICTER: Final = 10
"""One or two words alarm at this part of the level, and only if they rise to `TIMES` the odds."""
TIMES: Final = 2.0
SHRINK: Final = 2.0
"""Words' worth of reply length in a pair's expected share."""
CENTRED: Final = 30
"""Words needed before their median says anything of a general shift."""


@final
@dataclass(frozen=True)
class WordTest:
    """Words tested, each by the pairs in which one side alone has it."""

    words: Int[np.ndarray, " words"]
    """Numbers in the vocabulary."""
    suspect_only: Int[np.ndarray, " words"]
    control_only: Int[np.ndarray, " words"]
    expected: Float[np.ndarray, " words"]
    """Share of its discordant pairs that would be the suspect's, from the lengths and the other words."""
    z: Float[np.ndarray, " words"]
    """Above 0: the suspect has it more often."""
    p_exact: Float[np.ndarray, " words"]
    """McNemar's, two-sided, about the expected share."""
    p_max_t: Float[np.ndarray, " words"]
    q: Float[np.ndarray, " words"]
    null: Float[np.ndarray, "flips words"]
    """|z| with the replies swapped within pairs."""
    swapped: Float[np.ndarray, "runs words"]
    """z of further swaps, on which the decision is tried."""

    def rising(self, alpha: float) -> Bool[np.ndarray, " words"]:
        """Those the suspect has significantly more often."""
        found: Bool[np.ndarray, " words"] = (self.z > 0) & (np.minimum(self.p_max_t, self.q) <= alpha)
        return found

    def overwhelming(self, alpha: float) -> Bool[np.ndarray, " words"]:
        """Those that stand for themselves: max-T p at most a tenth of alpha, odds above twice the expected ones."""
        found = (self.z > 0) & (self.p_max_t <= alpha / STRICTER)
        for at in np.flatnonzero(found):
            only, share = int(self.suspect_only[at]), float(self.expected[at])
            low, _ = clopper_pearson(only, only + int(self.control_only[at]))
            found[at] = low * (1 - share) > TIMES * share * (1 - low)
        return np.asarray(found)


def flips_for(alpha: float) -> int:
    """Flips whose max-T p-values reach a tenth of alpha; at most 9,999, so that memory is bounded."""
    return min(MOST_FLIPS, max(FLIPS, ceil(STRICTER / alpha) - 1))


def residuals(
    suspect: csr_matrix,
    control: csr_matrix,
    suspect_length: Float[np.ndarray, " pairs"],
    control_length: Float[np.ndarray, " pairs"],
) -> tuple[csr_matrix, Float[np.ndarray, " pairs"]]:
    """What each pair says of each word beyond the pair's own lengths: swapping a pair's replies turns its sign.

    For a word that only one reply of pair `i` has, `1 - e_i` if that is the suspect's and `-e_i` if the control's, with
    `e_i = (b_i + a s_i) / (b_i + c_i + a)`: `b_i` and `c_i` words only the suspect's and only the control's reply has,
    `s_i` the suspect's share of their joint length, `a = 2`. A longer reply has
    more of every word, and none stands out.

    Args:
        suspect: presence of topical words, pairs x words.
        control: the same.
        suspect_length: words of its replies.
        control_length: words of the control's.

    Returns:
        The residuals, pairs x words, and `e`.
    """
    moved = (suspect - control).tocsr()
    moved.eliminate_zeros()
    ours = np.asarray((moved > 0).sum(axis=1), dtype=float).ravel()
    theirs = np.asarray((moved < 0).sum(axis=1), dtype=float).ravel()
    share = (suspect_length + 1) / (suspect_length + control_length + 2)
    expected = (ours + SHRINK * share) / (ours + theirs + SHRINK)
    rows = np.repeat(np.arange(moved.shape[0]), np.diff(moved.indptr))
    values = np.where(moved.data > 0, 1 - expected[rows], -expected[rows]).astype(np.float32)
    return csr_matrix((values, moved.indices, moved.indptr), shape=moved.shape), expected


def sums_by_family(
    beyond: csr_matrix, families: Int[np.ndarray, " pairs"]
) -> tuple[csr_matrix, Float[np.ndarray, " words"]]:
    """Residuals added up within families, words x families, and their standard deviations under swaps.

    Args:
        beyond: residuals, pairs x words.
        families: each pair's.
    """
    named, at = np.unique(families, return_inverse=True)
    member = csr_matrix((np.ones(len(at), dtype=np.float32), (at, np.arange(len(at)))), shape=(len(named), len(at)))
    by_family = (member @ beyond).T.tocsr()
    scale = np.sqrt(np.asarray(by_family.multiply(by_family).sum(axis=1), dtype=float).ravel())
    scale[scale == 0] = 1
    return by_family, scale


def scaled_sums(
    sums: Float[np.ndarray, "words sets"], scale: Float[np.ndarray, " words"]
) -> Float[np.ndarray, "words sets"]:
    """Sums over their standard deviations, less the median word, over the words' own spread where that exceeds 1.

    A benign shift moves many words a little. The median takes a common move out, the median absolute deviation (Efron
    2004, JASA 99, 96-104, an empirical null) asks a carrier word to stand out from what the others do.
    """
    z = np.asarray(sums / scale[:, None])
    if len(z) >= CENTRED:
        z -= np.median(z, axis=0)
        z /= np.maximum(np.median(np.abs(z), axis=0) * 1.4826, 1)
    return z


def paired_words(
    suspect: csr_matrix,
    control: csr_matrix,
    lengths: tuple[Float[np.ndarray, " pairs"], Float[np.ndarray, " pairs"]],
    families: Int[np.ndarray, " pairs"],
    rng: np.random.Generator,
    flips: int = FLIPS,
) -> WordTest:
    """Test each word that enough pairs disagree on.

    The null swaps the replies within pairs, families as one: max-T for each word, and q-values from all words' null
    statistics. Nominal z-scores of words run too high (Monroe, Colaresi and Quinn 2008 give them no null at all).

    Args:
        suspect: presence of the topical words, pairs x words.
        control: the same.
        lengths: words of the suspect's and of the control's replies.
        families: each pair's.
        rng: source of the swaps.
        flips: of the null.
    """
    beyond, expected = residuals(suspect, control, *lengths)
    ours = np.asarray((beyond > 0).sum(axis=0)).ravel().astype(int)
    theirs = np.asarray((beyond < 0).sum(axis=0)).ravel().astype(int)
    tested = np.flatnonzero(ours + theirs >= MIN_DISCORDANT)
    by_family, scale = sums_by_family(beyond[:, tested], families)
    n = by_family.shape[1]
    z = scaled_sums(by_family @ np.ones((n, 1), dtype=np.float32), scale)[:, 0].astype(float)
    drawn = sign_flip_null(lambda signs: scaled_sums(by_family @ signs, scale), np.arange(n), flips + RUNS, rng)
    null, swapped = np.abs(drawn[:flips]), drawn[flips:]
    b, c = ours[tested], theirs[tested]
    present = (beyond[:, tested] != 0).astype(np.float64)
    share = (present.T @ expected) / np.maximum(b + c, 1)
    tails = np.minimum(bdtr(b.astype(float), b + c, share), bdtrc(b - 1.0, b + c, share))
    p_max_t, q = max_t(np.abs(z), null), permutation_q(np.abs(z), null)
    return WordTest(tested, b, c, share, z, np.minimum(1, 2 * tails), p_max_t, q, null, swapped)
