"""Words of two groups of replies to different prompts, compared within topics."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_matrix

from holdtrue.audit.population.words import scaled_sums
from holdtrue.stats.permutation import max_t, permutation_q

__all__ = ["StratifiedTest", "stratified_words"]

SHUFFLES: Final = 199
BLOCK: Final = 32
MIN_USES: Final = 8


@final
@dataclass(frozen=True)
class StratifiedTest:
    """Words tested, each by its uses within topics."""

    words: Int[np.ndarray, " words"]
    z: Float[np.ndarray, " words"]
    """Above 0: the first group has it more often."""
    p_max_t: Float[np.ndarray, " words"]
    q: Float[np.ndarray, " words"]

    def moved(self, alpha: float) -> Bool[np.ndarray, " words"]:
        """Those that differ significantly, either way."""
        found: Bool[np.ndarray, " words"] = np.minimum(self.p_max_t, self.q) <= alpha
        return found


def stratified_words(
    present: csr_matrix,
    first: Bool[np.ndarray, " rows"],
    topics: Int[np.ndarray, " rows"],
    rng: np.random.Generator,
) -> StratifiedTest:
    """Test each word's uses in the first group against what the group's share of the topic's words makes expected.

    `z = (O - sum_k n_k a_k) / sqrt(sum_k n_k a_k (1 - a_k))` over topics k: `n_k` the word's uses, `a_k` the first
    group's share of all words (Mantel and Haenszel 1959, JNCI 22, 719-748, with words for rows, so that longer replies
    don't raise every word). The null shuffles the groups within topics.

    Args:
        present: presence of words, replies x words.
        first: which replies are the first group's.
        topics: of their prompts.
        rng: source of the shuffles.
    """
    tested = np.flatnonzero(np.asarray(present.sum(axis=0)).ravel() >= MIN_USES)
    seen = present[:, tested].T.tocsr()
    n_topics = int(topics.max()) + 1
    member = csr_matrix((np.ones(len(topics)), (np.arange(len(topics)), topics)), shape=(len(topics), n_topics))
    uses = np.asarray((seen @ member).todense())  # words x topics
    of_topic = uses.sum(axis=0)[:, None]
    sizes = np.asarray(present[:, tested].sum(axis=1)).ravel()

    def statistic(groups: Float[np.ndarray, "rows sets"]) -> Float[np.ndarray, "words sets"]:
        share = member.T @ (groups * sizes[:, None]) / np.maximum(of_topic, 1)
        variance = np.maximum(uses @ (share * (1 - share)), 1e-9)
        return scaled_sums((seen @ groups - uses @ share) / np.sqrt(variance), np.ones(len(tested)))

    z = statistic(first[:, None].astype(float))[:, 0]
    order = np.argsort(topics, kind="stable")
    blocks = []
    for done in range(0, SHUFFLES, BLOCK):
        shuffled = np.empty((len(first), min(BLOCK, SHUFFLES - done)))
        for column in shuffled.T:
            # Sorted by topic, then at random: the groups' labels change places within topics alone.
            column[np.argsort(topics + rng.random(len(first)))] = first[order]
        blocks.append(np.abs(statistic(shuffled)).T)
    null = np.concatenate(blocks)
    return StratifiedTest(tested, z, max_t(np.abs(z), null), permutation_q(np.abs(z), null))
