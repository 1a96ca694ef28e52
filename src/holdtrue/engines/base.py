"""What every engine does: generate with activation means, score, project."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, final, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from holdtrue.hold import Floors

__all__ = ["Completion", "Engine", "GenerateRequest", "ScoreRequest"]


@final
@dataclass(frozen=True)
class GenerateRequest:
    """One response to draw."""

    prompt_token_ids: tuple[int, ...]
    max_new_tokens: int
    seed: int
    """Of this row's own draws: they don't depend on which other rows share its batch."""
    temperature: float = 1.0
    """0 for greedy."""
    top_p: float = 1.0
    floors: Floors | None = None
    """The hold of this row alone; None leaves it free."""
    held_prompt: tuple[int, ...] = ()
    """Positions of the prompt that its floors apply to: what the assistant said earlier."""
    top_log_probs: int | None = None
    """None: no log-probabilities are wanted; else this many alternatives with the drawn token's."""
    forced: tuple[tuple[int, ...], ...] = ()
    """Answers to score instead of drawing one, each over the same prompt: a batcher then gives their tokens, one answer
    after the other, with their log-probabilities."""


@final
@dataclass(frozen=True)
class Completion:
    """One drawn response."""

    token_ids: tuple[int, ...]
    """Response tokens, without end-of-sequence; may be empty."""
    text: str
    mean_log_prob: float
    """Per response token, at temperature 1 and before any trimming; 0 for an empty response."""
    resid_mean: Float[Tensor, "n_layers d_model"] | None
    """fp32 mean of `resid_post` over answer tokens (a thinking segment is left out), on the CPU; None when not captured
    or when nothing was answered."""


@final
@dataclass(frozen=True)
class ScoreRequest:
    """One response to score under a prompt that need not be the one it was drawn under."""

    prompt_token_ids: tuple[int, ...]
    response_token_ids: tuple[int, ...]


@runtime_checkable
class Engine(Protocol):
    """The seam between what holdtrue computes and what runs the model."""

    @property
    def n_layers(self) -> int:
        """Decoder blocks."""

    @property
    def d_model(self) -> int:
        """Width of the residual stream."""

    def generate(self, requests: Sequence[GenerateRequest], *, capture: bool) -> list[Completion]:
        """Draw one response per request, in one batch.

        Args:
            requests: in any order; the same tokens come out whatever the batch, up to rounding.
            capture: also return each response's residual-stream means, taken while generating.
        """

    def score(self, requests: Sequence[ScoreRequest]) -> list[float]:
        """Mean log-probability per response token, teacher-forced, at temperature 1; 0 for an empty response."""

    def project(
        self, token_ids: Sequence[int], units: Float[Tensor, "n_layers d_model"]
    ) -> Float[Tensor, "n_layers tokens"]:
        """`<resid_post[l][t], units[l]>` in fp32 for every block and token of one text, on the CPU."""

    def resid(self, token_ids: Sequence[int], layer: int) -> Float[Tensor, "tokens d_model"]:
        """`resid_post[layer]` in fp32 for every token of one text, on the CPU: to try many directions on."""
