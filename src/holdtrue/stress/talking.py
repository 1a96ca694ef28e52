"""One conversation under one arm: what the hold does around the model, turn by turn."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final, final

from holdtrue.hold import HAND_OVER, Shaped, shape, summary_request, summary_tokens, with_summary
from holdtrue.models import Message
from holdtrue.records import Probe, ProbeReading, SpokenTurn, StressArm
from holdtrue.rollouts import derive_seed
from holdtrue.stress.held_model import Answer
from holdtrue.stress.target import Target

__all__ = ["TEMPERATURE", "Talk", "Wording"]

TEMPERATURE: Final = 0.7

Wording = Callable[[str, Sequence[Message]], Awaitable[str]]
"""Puts a scripted user's line into other words, given the conversation so far."""


@final
class Talk:
    """A conversation that is going on.

    Args:
        target: who answers.
        arm: how it is held.
        seed: of the trial; each turn draws from its own.
        name: tells this conversation's draws from others' of the same trial.
        opening: messages that stand before it.
    """

    def __init__(
        self, target: Target, arm: StressArm, seed: int, name: str = "", opening: Sequence[Message] = ()
    ) -> None:
        self._target, self._arm, self._seed, self._name = target, arm, seed, name
        self.messages: list[Message] = list(opening)
        self.turns: list[SpokenTurn] = []
        self.probes: list[ProbeReading] = []
        self._drift = target.drift()

    @property
    def answers(self) -> list[str]:
        """What was answered."""
        return [turn.answer for turn in self.turns]

    @property
    def _drifting(self) -> bool:
        return self._drift is not None and self._drift.stands

    async def say(self, text: str, max_tokens: int, *, speaker: str = "assistant") -> SpokenTurn:
        """Say something and hear the answer, which stays in the conversation."""
        number = len(self.turns) + 1
        self.messages.append({"role": "user", "content": text})
        shaped = await self._shaped(number)
        if shaped.hand_over:
            answer = Answer(HAND_OVER, 0, 0)
        else:
            answer = await self._target.answer(
                shaped.messages,
                self._arm,
                drifting=self._drifting,
                seed=derive_seed(self._seed, f"{self._name}/{number}"),
                max_tokens=max_tokens,
                temperature=TEMPERATURE,
            )
        self.messages.append({"role": "assistant", "content": answer.text})
        if self._drift is not None:
            self._drift.answered(answer.z)
        turn = SpokenTurn(
            said=text,
            answer=answer.text,
            speaker=speaker,
            z=answer.z,
            fired=answer.fired,
            reminded=shaped.reminded,
            pieces=answer.pieces,
            piece_z=answer.piece_z,
            tokens_in=answer.tokens_in,
            tokens_out=answer.tokens_out,
        )
        self.turns.append(turn)
        return turn

    async def margin(self, ask: str, answers: Sequence[str]) -> float | None:
        """How much likelier the first of two answers would be, were this asked now; the conversation stays as it is."""
        self.messages.append({"role": "user", "content": ask})
        try:
            shaped = await self._shaped(len(self.turns) + 1)
        finally:
            self.messages.pop()
        means = await self._target.margins(shaped.messages, answers, self._arm, drifting=self._drifting)
        return None if means is None else means[0] - means[1]

    async def read_probe(self, probe: Probe) -> None:
        """Read a scenario's probe here; the same place is read once."""
        after = len(self.turns)
        if any(each.after_turn == after for each in self.probes):
            return
        margin = await self.margin(probe.ask, (probe.wanted, probe.unwanted))
        if margin is not None:
            self.probes.append(ProbeReading(after_turn=after, margin=margin))

    async def _shaped(self, turn: int) -> Shaped:
        context = self._arm.hold.context
        shaped = shape(
            self.messages,
            context,
            turn=turn,
            drifting=self._drifting,
            alarmed_turns=0 if self._drift is None else self._drift.alarmed_turns,
            count_tokens=self._target.count_tokens,
        )
        if shaped.to_summarise is None or context.budget_tokens is None:
            return replace(shaped, to_summarise=None)
        summary = await self._target.answer(
            summary_request(shaped.to_summarise),
            self._arm,
            drifting=self._drifting,
            seed=derive_seed(self._seed, f"{self._name}/{turn}/summary"),
            max_tokens=summary_tokens(context.budget_tokens),
            temperature=0.0,
        )
        return with_summary(shaped, summary.text)
