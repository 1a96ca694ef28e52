"""The axis itself: `A[l] = d[l] - mean_k r[k, l]`, larger projection = more assistant-like."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from holdtrue.axis.cells import CellSums
from holdtrue.errors import EvidenceError

__all__ = ["PersonaSpace", "RawAxis", "fit_axis", "persona_space", "unit"]


@final
@dataclass(frozen=True)
class RawAxis:
    """The tensors of a fitted axis, before checks."""

    axis: Float[Tensor, "n_layers d_model"]
    """Unnormalised, fp32."""
    default_mean: Float[Tensor, "n_layers d_model"]
    role_means: Float[Tensor, "n_roles n_layers d_model"]
    kept_roles: tuple[int, ...]
    """Which roles of the design have a vector: those with at least one accepted rollout."""


def fit_axis(cells: CellSums) -> RawAxis:
    """Fit `A[l] = d[l] - mean_k r[k, l]` for every layer (arXiv 2601.10387).

    Raises:
        EvidenceError: no default rollout, or fewer than two roles with an accepted one.
    """
    total = cells.counts.sum(dim=1)
    kept = [row - 1 for row in range(1, len(total)) if total[row] > 0]
    if total[0] == 0 or len(kept) < 2:
        message = (
            f"an axis needs default rollouts and at least 2 roles with accepted ones; got {int(total[0])} default "
            f"rollouts and {len(kept)} roles; use a larger preset or --adherence none"
        )
        raise EvidenceError(message)
    means = cells.row_means()
    role_means = means[[role + 1 for role in kept]]
    return RawAxis(means[0] - role_means.mean(dim=0), means[0], role_means, tuple(kept))


def unit(vectors: Float[Tensor, "*batch d_model"]) -> Float[Tensor, "*batch d_model"]:
    """Each vector over its length, fp32.

    Raises:
        EvidenceError: a vector is zero or not finite, so it has no direction.
    """
    length = vectors.float().norm(dim=-1, keepdim=True)
    if not bool((torch.isfinite(length) & (length > 0)).all()):
        message = "a direction is zero or not finite; the rollouts behind it hold no difference to point along"
        raise EvidenceError(message)
    directions: Tensor = vectors.float() / length
    return directions


@final
@dataclass(frozen=True)
class PersonaSpace:
    """Principal components of the role vectors of one layer."""

    pc1_share: float
    cos_pc1: float
    """|cosine| of the axis with PC1."""
    role_pc: Float[Tensor, "n_roles 2"]
    default_pc: Float[Tensor, "2"]


def persona_space(
    role_means: Float[Tensor, "n_roles d_model"],
    default_mean: Float[Tensor, " d_model"],
    axis: Float[Tensor, " d_model"],
) -> PersonaSpace:
    """PCA of the centred role vectors; PC1 is signed so that the default projects on its positive side.

    Args:
        role_means: role vectors of one layer.
        default_mean: the default vector of that layer, projected but not fitted on.
        axis: the axis of that layer.
    """
    centre = role_means.mean(dim=0)
    _, singular, components = torch.linalg.svd((role_means - centre).double(), full_matrices=False)
    basis = components[:2]
    if len(basis) < 2:  # two roles span one component only
        basis = torch.cat([basis, torch.zeros_like(basis)])
    towards_default = basis @ (default_mean - centre).double()
    basis = basis * torch.where(towards_default < 0, -1.0, 1.0)[:, None].double()
    variance = singular**2
    return PersonaSpace(
        pc1_share=float(variance[0] / variance.sum()) if float(variance.sum()) > 0 else 0.0,
        cos_pc1=float((unit(axis).double() @ basis[0]).abs()),
        role_pc=((role_means - centre).double() @ basis.T).float(),
        default_pc=(basis @ (default_mean - centre).double()).float(),
    )
