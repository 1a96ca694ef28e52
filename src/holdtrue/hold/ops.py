"""The operations on a residual stream, pure: every engine reproduces these.

`v` is a unit vector pointing at the assistant, `p = <h, v>` in fp32, and larger means more assistant-like.
"""

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["ablate", "add", "cap", "cap_", "lift", "project"]

Stream = Float[Tensor, "*pos d_model"]
Unit = Float[Tensor, " d_model"]
PerToken = Float[Tensor, "*pos"]
Floor = Float[Tensor, "..."] | float


def project(stream: Stream, unit: Unit) -> PerToken:
    """`p = <h, v>` in fp32, whatever the stream's precision."""
    return stream.float() @ unit


def lift(before: PerToken, tau: Floor, strength: Floor = 1.0) -> PerToken:
    """How far each token is moved along `v`: `strength * max(tau - p, 0)`.

    Args:
        before: projections before the cap.
        tau: the floor, one for all or one per token; `-inf` leaves a token free.
        strength: from 0 to 1.
    """
    return (tau - before).clamp_min(0) * strength


def cap(stream: Stream, unit: Unit, tau: Floor, strength: Floor = 1.0) -> Stream:
    """A one-sided floor: `h + strength * max(tau - p, 0) * v`, computed in fp32 (arXiv 2601.10387; sign as above).

    Tokens at or above the floor come back bit-identical. Works under `torch.compile` and without a synchronisation.

    Args:
        stream: output of a decoder block.
        unit: unit axis of that block, fp32.
        tau: floor per token, or one for all; `-inf` is free.
        strength: per token, or one for all.
    """
    by = lift(project(stream, unit), tau, strength)
    raised = (stream.float() + by[..., None] * unit).to(stream.dtype)
    return torch.where(by[..., None] > 0, raised, stream)


def cap_(stream: Stream, unit: Unit, tau: Floor, strength: Floor = 1.0) -> PerToken:
    """`cap` in place, touching only the tokens under the floor; for engines, outside autograd.

    Returns:
        The projections before the cap.
    """
    before = project(stream, unit)
    by = lift(before, tau, strength)
    fires = by > 0
    if bool(fires.any()):
        stream[fires] = (stream[fires].float() + by[fires][:, None] * unit).to(stream.dtype)
    return before


def add(stream: Stream, unit: Unit, by: float) -> Stream:
    """Constant steering: `h + by * v` for every token, in fp32."""
    return (stream.float() + by * unit).to(stream.dtype)


def ablate(stream: Stream, unit: Unit) -> Stream:
    """Take the direction out: `h - p * v`, in fp32; the projection is zero afterwards."""
    return (stream.float() - project(stream, unit)[..., None] * unit).to(stream.dtype)
