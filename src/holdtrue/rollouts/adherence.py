"""Did the model play the role? Only rollouts that did count towards its vector."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, final, runtime_checkable

from holdtrue.engines import Completion, Engine, ScoreRequest
from holdtrue.rollouts.plan import Cell

__all__ = ["Adherence", "Drawn", "NoCheck", "Pmi"]


@final
@dataclass(frozen=True)
class Drawn:
    """A finished response, what it answered and whom it was to play."""

    cell: Cell
    completion: Completion


@runtime_checkable
class Adherence(Protocol):
    """Scores role rollouts; default rollouts are never asked."""

    @property
    def name(self) -> str:
        """As given on the command line, for the design record."""

    @property
    def least(self) -> float:
        """A score of at least this is accepted."""

    def score(self, drawn: Sequence[Drawn]) -> list[float | None]:
        """One score per response, or None where the check does not apply."""


@final
class NoCheck:
    """Accepts every response that says something."""

    name = "none"
    least = 0.0

    def score(self, drawn: Sequence[Drawn]) -> list[float | None]:
        """No score."""
        return [None] * len(drawn)


@final
class Pmi:
    """Mean per-token log-likelihood ratio of the response, role prompt against default prompt.

    `pmi = (log p(response | role, question) - log p(response | default, question)) / tokens`. A response that the
    default assistant would have given as readily scores about zero: the prompt was ignored.
    """

    name = "pmi"
    least = 0.1
    """Nats per token."""

    def __init__(self, engine: Engine, default_prompts: Sequence[tuple[int, ...]]) -> None:
        self._engine = engine
        self._default_prompts = default_prompts

    def score(self, drawn: Sequence[Drawn]) -> list[float | None]:
        """One ratio per response, in nats per token."""
        requests = [ScoreRequest(self._default_prompts[d.cell.question], d.completion.token_ids) for d in drawn]
        baseline = self._engine.score(requests)
        return [d.completion.mean_log_prob - base for d, base in zip(drawn, baseline, strict=True)]
