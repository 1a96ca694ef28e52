"""What prompts are about, for the association test."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Int

from holdtrue.audit.clusters.texts import TextClusters, column, drawn_families
from holdtrue.audit.rows import Rows

__all__ = ["PromptTopics"]

DRAWN: Final = 50_000
"""Families whose prompts get a topic."""
ROWS_PER_TOPIC: Final = 300
TOPICS: Final = (16, 32)


@final
@dataclass(frozen=True)
class PromptTopics:
    """Topics of a dataset's prompts, by their words."""

    clusters: TextClusters
    names: tuple[str, ...]
    """Of each, with its five strongest words."""

    @staticmethod
    def fit(rows: Rows, seed: int) -> "PromptTopics":
        """Learn a dataset's topics.

        Args:
            rows: the dataset.
            seed: of the draw and the clusters.
        """
        drawn = drawn_families(rows, DRAWN, seed)
        prompts = column(rows, "prompt", drawn)
        clusters = TextClusters.fit(prompts, int(np.clip(drawn.size // ROWS_PER_TOPIC, *TOPICS)), seed)
        names = tuple(f"a prompt about {', '.join(words) or 'anything'}" for words in clusters.strongest(prompts))
        return PromptTopics(clusters, names)

    def of(self, rows: Rows, seed: int) -> Int[np.ndarray, " rows"]:
        """A topic for the drawn rows of this dataset or a control, -1 for the others.

        Args:
            rows: the dataset.
            seed: of the draw.
        """
        drawn = drawn_families(rows, DRAWN, seed)
        found = np.full(len(rows), -1, dtype=np.int64)
        found[drawn] = self.clusters.of(column(rows, "prompt", drawn))
        return found
