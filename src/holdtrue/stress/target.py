"""Who is tried: a model under holds in this process, any model behind Inspect, or a script."""

from collections.abc import Sequence
from typing import Protocol, final, runtime_checkable

from holdtrue.models import Message
from holdtrue.records import StressArm
from holdtrue.stress.directions import ArmFloors
from holdtrue.stress.held_model import Answer, HeldModel
from holdtrue.watch import Drift, drift_rule

__all__ = ["LocalTarget", "Target"]


@runtime_checkable
class Target(Protocol):
    """Answers conversations under an arm."""

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Prompt tokens of a conversation, or what stands for them."""
        ...

    def drift(self) -> Drift | None:
        """A drift detector for a new conversation; None where nothing is read."""
        ...

    async def answer(
        self,
        messages: Sequence[Message],
        arm: StressArm,
        *,
        drifting: bool,
        seed: int,
        max_tokens: int,
        temperature: float,
    ) -> Answer:
        """Answer a conversation under an arm's floors; its rules about context have been applied already."""
        ...

    async def margins(
        self, messages: Sequence[Message], answers: Sequence[str], arm: StressArm, *, drifting: bool
    ) -> list[float] | None:
        """Mean log-probability per token of each answer, nats; None where it can't be had."""
        ...


@final
class LocalTarget:
    """A model in this process.

    Args:
        model: runs.
        floors: the arms, resolved on its axis.
    """

    def __init__(self, model: HeldModel, floors: ArmFloors) -> None:
        self._model, self._floors = model, floors
        self._rule = drift_rule(model.axis.card) if model.axis.card.calibration is not None else None

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Prompt tokens (see `Target.count_tokens`)."""
        return self._model.count_tokens(messages)

    def drift(self) -> Drift | None:
        """A new conversation's detector; None on an axis without calibration."""
        return None if self._rule is None else Drift(self._rule, self._model.axis.card.digest)

    async def answer(
        self,
        messages: Sequence[Message],
        arm: StressArm,
        *,
        drifting: bool,
        seed: int,
        max_tokens: int,
        temperature: float,
    ) -> Answer:
        """Answer under an arm (see `Target.answer`)."""
        floors = self._floors.of(arm, drifting=drifting)
        return await self._model.answer(messages, floors, seed=seed, max_tokens=max_tokens, temperature=temperature)

    async def margins(
        self, messages: Sequence[Message], answers: Sequence[str], arm: StressArm, *, drifting: bool
    ) -> list[float] | None:
        """Score answers under an arm (see `Target.margins`)."""
        return await self._model.margins(messages, answers, self._floors.of(arm, drifting=drifting))
