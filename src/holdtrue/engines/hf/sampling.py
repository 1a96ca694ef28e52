"""Sampling with a stream of random numbers per row, so that a row's draws don't depend on its batch."""

from collections.abc import Sequence
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor
from transformers import LogitsProcessor

from holdtrue.engines.base import GenerateRequest

__all__ = ["SeededSampler", "choose"]


@final
class SeededSampler(LogitsProcessor):
    """Draws each row's next token by inverse CDF and leaves it as the only finite score.

    `generate` then runs greedily, which keeps its own global random state out of the result. The drawn token's
    log-probability under the model, before temperature and top-p, is kept.
    """

    def __init__(self, requests: Sequence[GenerateRequest], steps: int) -> None:
        # Philox is counter-based: neighbouring seeds give independent streams.
        draws = [np.random.Generator(np.random.Philox(request.seed)).random(steps) for request in requests]
        self._uniform = torch.from_numpy(np.stack(draws))
        self._requests = tuple(requests)
        self.log_probs: list[Float[Tensor, " batch"]] = []
        """One entry per step."""

    def __call__(
        self, input_ids: Int64[Tensor, "batch pos"], scores: Float[Tensor, "batch vocab"]
    ) -> Float[Tensor, "batch vocab"]:
        """Choose the next token of every row."""
        logits = scores.float()
        chosen = choose(logits, self._uniform[:, len(self.log_probs)], self._requests)
        taken = logits.gather(1, chosen[:, None])[:, 0]
        self.log_probs.append(taken - logits.logsumexp(dim=-1))
        only = torch.full_like(scores, -torch.inf)
        return only.scatter_(1, chosen[:, None], 0.0)


def choose(
    logits: Float[Tensor, "batch vocab"], uniform: Float64[Tensor, " batch"], requests: Sequence[GenerateRequest]
) -> Int64[Tensor, " batch"]:
    """Each row's next token: the likeliest at temperature 0, otherwise drawn by inverse CDF.

    Args:
        logits: fp32.
        uniform: one number in [0, 1) per row, from the row's own stream; on the host.
        requests: temperature and top-p of each row.
    """
    chosen = logits.argmax(dim=-1)
    hot = [row for row, request in enumerate(requests) if request.temperature > 0]
    if not hot:
        return chosen
    device = logits.device
    temperature = torch.tensor([[requests[row].temperature] for row in hot], device=device)
    probs = (logits[hot] / temperature.clamp_min(1e-6)).softmax(dim=-1)
    if any(requests[row].top_p < 1 for row in hot):
        probs = _nucleus(probs, torch.tensor([[requests[row].top_p] for row in hot], device=device))
    # In fp64, since fp32 rounds a draw to 1 now and then; the total isn't exactly 1, so the draw is scaled to it.
    cumulative = (probs.cpu() if device.type == "mps" else probs).double().cumsum(dim=-1)
    total = cumulative[:, -1:].contiguous()
    found = torch.searchsorted(cumulative, uniform[hot, None].to(total.device) * total, right=True)
    # The last token of any probability is the first at which the total is reached.
    chosen[hot] = found.minimum(torch.searchsorted(cumulative, total))[:, 0].to(device)
    return chosen


def _nucleus(probs: Float[Tensor, "batch vocab"], top_p: Float[Tensor, "batch 1"]) -> Float[Tensor, "batch vocab"]:
    ordered, order = probs.sort(dim=-1, descending=True)
    # All of it is all of it, whatever the sum's rounding says.
    outside = (ordered.cumsum(dim=-1) - ordered >= top_p) & (top_p < 1)
    return probs.masked_fill(torch.zeros_like(outside).scatter(1, order, outside), 0.0)
