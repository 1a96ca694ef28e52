"""An engine without a model: deterministic tokens and activations, for tests of what runs on engines."""

import zlib
from collections.abc import Sequence
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from holdtrue.engines.base import Completion, GenerateRequest, ScoreRequest
from holdtrue.hold import cap

__all__ = ["MockEngine"]


@final
class MockEngine:
    """Activations are a fixed vector per token, plus noise, plus `pull` along a hidden direction for marked prompts.

    A prompt is *marked* when it holds `marker`: a stand-in for "the default assistant speaks", so that a test can plant
    an axis of known size or none at all. Floors hold the response alone: `held_prompt` and `top_log_probs` do nothing.
    """

    def __init__(
        self, *, n_layers: int = 4, d_model: int = 16, marker: int | None = None, pull: float = 0.0, noise: float = 1.0
    ) -> None:
        self.n_layers = n_layers
        self.d_model = d_model
        self.marker = marker
        self.pull = pull
        self.noise = noise
        self.direction = torch.from_numpy(np.random.default_rng(7).standard_normal((n_layers, d_model))).float()
        self.direction /= self.direction.norm(dim=1, keepdim=True)
        self.generated = 0
        """Responses drawn so far: what a test of resuming counts."""

    def generate(self, requests: Sequence[GenerateRequest], *, capture: bool) -> list[Completion]:
        """Draw `max_new_tokens` pseudo-random tokens per request from its seed."""
        self.generated += len(requests)
        return [self._complete(request, capture=capture) for request in requests]

    def _complete(self, request: GenerateRequest, *, capture: bool) -> Completion:
        rng = np.random.default_rng(request.seed)
        tokens = tuple(int(t) for t in rng.integers(10, 100, request.max_new_tokens))
        stream = self._stream(request.prompt_token_ids, tokens)
        if request.floors is not None:
            held = request.floors
            stream = torch.stack(
                [cap(h, v, float(tau), held.strength) for h, v, tau in zip(stream, held.units, held.tau, strict=True)]
            )
        mean = stream.mean(dim=1) if capture and tokens else None
        text = " ".join(f"w{token}" for token in tokens)
        return Completion(tokens, text, float(-rng.random() - 1), mean)

    def _stream(self, prompt: Sequence[int], tokens: Sequence[int]) -> Float[Tensor, "n_layers tokens d_model"]:
        rng = np.random.default_rng(zlib.crc32(repr((tuple(prompt), tuple(tokens))).encode()))
        shape = (self.n_layers, len(tokens), self.d_model)
        stream = torch.from_numpy(rng.standard_normal(shape)).float() * self.noise
        if self.marker is not None and self.marker in prompt:
            stream += self.pull * self.direction[:, None]
        return stream

    def score(self, requests: Sequence[ScoreRequest]) -> list[float]:
        """A fixed pseudo-random log-probability per (prompt, response)."""
        return [-1 - (zlib.crc32(repr(r).encode()) % 997) / 997 if r.response_token_ids else 0.0 for r in requests]

    def project(
        self, token_ids: Sequence[int], units: Float[Tensor, "n_layers d_model"]
    ) -> Float[Tensor, "n_layers tokens"]:
        """Project the stand-in activations of one text."""
        return torch.einsum("ltd,ld->lt", self._stream(token_ids, token_ids), units)

    def resid(self, token_ids: Sequence[int], layer: int) -> Float[Tensor, "tokens d_model"]:
        """The stand-in activations of one text at one layer."""
        return self._stream(token_ids, token_ids)[layer]
