"""What answers: one step of a conversation, from any model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, final, runtime_checkable

from holdtrue.records import GateTool, SampleCall, SampleMessage

__all__ = ["Reply", "Target"]


@final
@dataclass(frozen=True)
class Reply:
    """One answer."""

    content: str
    reasoning: str | None = None
    calls: tuple[SampleCall, ...] = ()
    stop: str = "stop"
    letters: Mapping[str, float] = field(default_factory=dict)
    """Log-probability of each text that might have begun the answer, nats, where the model tells."""
    tokens_in: int = 0
    tokens_out: int = 0


@runtime_checkable
class Target(Protocol):
    """A model that is asked."""

    async def reply(
        self,
        messages: Sequence[SampleMessage],
        tools: Sequence[GateTool],
        *,
        max_tokens: int,
        seed: int,
        letters: bool = False,
    ) -> Reply:
        """Answer a conversation.

        Args:
            messages: ends with what is to be answered.
            tools: on offer.
            max_tokens: of the answer.
            seed: of its draws.
            letters: whether the likelihoods of its first token are wanted.

        Raises:
            TimeoutError: it took too long.
            JudgeError: it gave no answer.
        """
        ...
