"""Sums of activations over the crossed design: all that the fit and its checks need, at a size that never grows."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

__all__ = ["CellSums", "MeanBatch"]


@final
@dataclass(frozen=True)
class MeanBatch:
    """Response means of some accepted rollouts, and where they belong."""

    means: Float[Tensor, "batch n_layers d_model"]
    """fp32 mean of `resid_post` over each rollout's response tokens."""
    rows: Int64[Tensor, " batch"]
    """0 for the default, k + 1 for role k."""
    questions: Int64[Tensor, " batch"]
    """Index of the question in the design."""
    reserved: Int64[Tensor, " batch"]
    """1 where the single rollout is kept for the held-out checks, else 0."""


@final
@dataclass(frozen=True)
class CellSums:
    """Sums over (row, question group), and the reserve of single rollouts.

    Memory depends on the design (roles x groups + reserve), never on how many rollouts were drawn.
    """

    sums: Float[Tensor, "rows groups n_layers d_model"]
    counts: Float64[Tensor, "rows groups"]
    reserve: Float[Tensor, "kept n_layers d_model"]
    reserve_rows: Int64[Tensor, " kept"]
    reserve_questions: Int64[Tensor, " kept"]

    @classmethod
    def empty(cls, n_roles: int, n_groups: int, n_layers: int, d_model: int) -> "CellSums":
        """Nothing counted yet; row 0 is the default, row k + 1 is role k."""
        rows = n_roles + 1
        return cls(
            sums=torch.zeros(rows, n_groups, n_layers, d_model),
            counts=torch.zeros(rows, n_groups, dtype=torch.float64),
            reserve=torch.zeros(0, n_layers, d_model),
            reserve_rows=torch.zeros(0, dtype=torch.int64),
            reserve_questions=torch.zeros(0, dtype=torch.int64),
        )

    @property
    def n_groups(self) -> int:
        """Question groups; question q belongs to group `q % n_groups`."""
        return self.counts.shape[1]

    def add(self, batches: list[MeanBatch]) -> "CellSums":
        """Count further rollouts: `sums` and `counts` are updated in place, the reserve grows to its bound.

        Order matters to the last bit of the sums, so callers add batches in the order of the design.
        """
        for batch in batches:
            place = (batch.rows, batch.questions % self.n_groups)
            self.sums.index_put_(place, batch.means, accumulate=True)
            self.counts.index_put_(place, torch.ones(len(batch.rows), dtype=torch.float64), accumulate=True)
        kept = [batch.reserved.bool() for batch in batches]
        pairs = list(zip(batches, kept, strict=True))
        return CellSums(
            sums=self.sums,
            counts=self.counts,
            reserve=torch.cat([self.reserve, *(b.means[keep] for b, keep in pairs)]),
            reserve_rows=torch.cat([self.reserve_rows, *(b.rows[keep] for b, keep in pairs)]),
            reserve_questions=torch.cat([self.reserve_questions, *(b.questions[keep] for b, keep in pairs)]),
        )

    def row_means(self) -> Float[Tensor, "rows n_layers d_model"]:
        """Mean over each row's rollouts, fp32; NaN for a row without any."""
        total = self.counts.sum(dim=1)
        return (self.sums.sum(dim=1, dtype=torch.float64) / total[:, None, None]).float()
