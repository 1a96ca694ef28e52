"""What prompts are about, and which words of the replies depend on it."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_matrix
from scipy.stats import chi2

__all__ = ["WordKinds", "prompt_topics", "word_kinds"]

MIN_TOPICS: Final = 16
MAX_TOPICS: Final = 32
ROWS_PER_TOPIC: Final = 150
FITTED: Final = 20_000
"""Prompts that the clusters are made from; the others join the nearest."""
DIMENSIONS: Final = 48

MIN_USES: Final = 8
"""Replies of the control with the word; under this nothing is said of it."""
STYLE_USES: Final = 40
"""From here on an even spread shows; between the two a word that isn't topical stays undecided."""
LEVEL: Final = 1e-4
QUARTER: Final = 0.25
HALF: Final = 0.5


@final
@dataclass(frozen=True)
class WordKinds:
    """The vocabulary's split by how the control uses it."""

    topical: Bool[np.ndarray, " words"]
    """Its use depends on what is asked."""
    style: Bool[np.ndarray, " words"]
    """Used evenly: openers, hedges, generic verbs. Neither: too rare in the control to tell."""
    concentration: Float[np.ndarray, " words"]
    """Share of its uses in those topics, a quarter of all rows, that use it most."""


def prompt_topics(prompts: list[str], seed: int) -> Int[np.ndarray, " rows"]:
    """A topic for each prompt: k-means on the truncated SVD of TF-IDF weights, 16 to 32 clusters.

    Args:
        prompts: texts.
        seed: of the SVD and the clusters.

    Returns:
        Numbers from 0; all 0 where the prompts have no words in common.
    """
    from sklearn.cluster import KMeans
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.preprocessing import normalize

    rng = np.random.default_rng(seed)
    fitted = np.sort(rng.permutation(len(prompts))[:FITTED])
    # A word that a fifth of the prompts has is a way of asking.
    weigh = TfidfVectorizer(min_df=3, max_df=0.2, sublinear_tf=True, stop_words="english", max_features=8000)
    try:
        seen = weigh.fit_transform([prompts[at] for at in fitted])
    except ValueError:  # no word is left
        return np.zeros(len(prompts), dtype=np.int64)
    n_topics = int(np.clip(len(prompts) // ROWS_PER_TOPIC, MIN_TOPICS, MAX_TOPICS))
    if seen.shape[1] <= n_topics:
        return np.zeros(len(prompts), dtype=np.int64)
    shrink = TruncatedSVD(min(DIMENSIONS, seen.shape[1] - 1), random_state=seed)
    means = KMeans(n_topics, n_init=10, max_iter=50, random_state=seed).fit(normalize(shrink.fit_transform(seen)))
    found = means.predict(normalize(shrink.transform(weigh.transform(prompts))))
    return np.asarray(found, dtype=np.int64)


def word_kinds(control: csr_matrix, topics: Int[np.ndarray, " rows"]) -> WordKinds:
    """Which words depend on the topic, by the control alone: the suspect can't hide its words among the even ones.

    A word is topical if the chi-squared test of equal presence over topics gives p < 1e-4 and if half of its uses lie
    in topics that hold a quarter of the rows.

    Args:
        control: presence of words, replies x words.
        topics: of each reply's prompt.
    """
    n_topics = int(topics.max()) + 1
    member = csr_matrix((np.ones(len(topics)), (topics, np.arange(len(topics)))), shape=(n_topics, len(topics)))
    uses = np.asarray((member @ control).todense(), dtype=float)  # topics x words
    share = np.bincount(topics, minlength=n_topics)[:, None] / len(topics)
    # Topics of the other side's prompts alone have no reply here.
    uses, share = uses[share[:, 0] > 0], share[share[:, 0] > 0]
    total = uses.sum(axis=0)
    expected = np.maximum(share * total, 1e-12)
    spread = ((uses - expected) ** 2 / expected).sum(axis=0) / np.maximum(1 - total / len(topics), 1e-12)
    p_value = chi2.sf(spread, max(len(uses) - 1, 1))
    concentration = _in_top_quarter(uses, share, total)
    told = total >= MIN_USES
    topical = told & (p_value < LEVEL) & (concentration >= HALF)
    return WordKinds(topical, (total >= STYLE_USES) & ~topical, concentration)


def _in_top_quarter(
    uses: Float[np.ndarray, "topics words"], share: Float[np.ndarray, "topics 1"], total: Float[np.ndarray, " words"]
) -> Float[np.ndarray, " words"]:
    order = np.argsort(-uses / share, axis=0, kind="stable")
    shares = np.take_along_axis(np.broadcast_to(share, uses.shape), order, axis=0)
    before = np.cumsum(shares, axis=0) - shares
    counted = np.clip((QUARTER - before) / shares, 0, 1)
    inside = (np.take_along_axis(uses, order, axis=0) * counted).sum(axis=0)
    found: Float[np.ndarray, " words"] = inside / np.maximum(total, 1)
    return found
