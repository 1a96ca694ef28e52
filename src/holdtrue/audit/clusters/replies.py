"""Replies unlike those to such prompts: a canned answer, or one to something else."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Bool, Float

from holdtrue.audit.association import Outcome
from holdtrue.audit.clusters.texts import TextClusters, column, drawn_families
from holdtrue.audit.row_set import RowSet
from holdtrue.audit.rows import Rows

__all__ = ["UNLIKE", "ReplyClusters"]

UNLIKE: Final = "a reply unlike those to such prompts"

DRAWN: Final = 20_000
"""Families that are looked at."""
ROWS_PER_CLUSTER: Final = 300
CLUSTERS: Final = (16, 32)
RARE: Final = 0.01
"""Share of the replies that are flagged, at most, and of a flagged cluster among the replies to its topic."""
SPREAD: Final = 0.4
"""A cluster that isn't used this often by the quarter of the topics that uses it most is a catch-all."""
SEEN: Final = 0.5
"""Share of canned answers that land in a rare pair: 15 of 30 in 20,000 generated rows."""


@final
@dataclass(frozen=True)
class ReplyClusters:
    """Clusters of replies, topics of prompts, and which of the former are rare for which of the latter.

    In clean data a reply's cluster goes with its prompt's topic, so a cluster says nothing by itself.
    """

    topics: TextClusters
    clusters: TextClusters
    rare: Bool[np.ndarray, "topics clusters"]

    @staticmethod
    def fit(rows: Rows, seed: int) -> "ReplyClusters":
        """Learn from a dataset what replies to its prompts are like.

        Args:
            rows: with replies.
            seed: of the draw and the clusters.
        """
        drawn = drawn_families(rows, DRAWN, seed)
        prompts, replies = column(rows, "prompt", drawn), column(rows, "response", drawn)
        size = int(np.clip(drawn.size // ROWS_PER_CLUSTER, *CLUSTERS))
        topics, clusters = (TextClusters.fit(texts, size, seed) for texts in (prompts, replies))
        uses = np.zeros((len(topics.centres), len(clusters.centres)))
        np.add.at(uses, (topics.of(prompts), clusters.of(replies)), 1)
        return ReplyClusters(topics, clusters, _rare(uses))

    def outcome(self, rows: Rows, seed: int) -> Outcome:
        """Which replies are unlike those to such prompts, in this dataset or a control.

        Args:
            rows: with replies.
            seed: of the draw.
        """
        drawn = drawn_families(rows, DRAWN, seed)
        prompts, replies = column(rows, "prompt", drawn), column(rows, "response", drawn)
        rare = drawn[self.rare[self.topics.of(prompts), self.clusters.of(replies)]]
        flagged, population = (RowSet.numbered(those, len(rows)) for those in (rare, drawn))
        reached = drawn.size / max(1, rows.card.families)
        return Outcome(UNLIKE, "trigger", flagged, population, everyday=True, sensitivity=SEEN, reached=reached)


def _rare(uses: Float[np.ndarray, "topics clusters"]) -> Bool[np.ndarray, "topics clusters"]:
    """The pairs whose cluster is rarest among the replies to their topic, one reply in a hundred together."""
    of_topic, of_cluster = uses.sum(axis=1, keepdims=True), uses.sum(axis=0)
    share = uses / np.maximum(of_topic, 1)
    top = np.sort(uses, axis=0)[::-1][: max(1, len(uses) // 4)].sum(axis=0)
    # Pairs that aren't there at all are rare too: a control may have them.
    at = np.flatnonzero((share < RARE) & (top >= SPREAD * of_cluster))
    order = at[np.argsort(share.ravel()[at], kind="stable")]
    within = np.cumsum(uses.ravel()[order]) <= RARE * uses.sum()
    rare = np.zeros(uses.size, dtype=bool)
    rare[order[within]] = True
    return rare.reshape(uses.shape)
