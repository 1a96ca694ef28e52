"""One answer under a hold: context policy, floors, room in the model's context, asking again."""

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, final

from holdtrue.hold import Floors, Shaped, floors_for, shape, summary_request, summary_tokens, with_summary
from holdtrue.records import HoldSpec
from holdtrue.stress.directions import reversed_floors
from holdtrue.stress.held_model import Answer, HeldModel
from holdtrue.stress.provider.memory import prefix_digests
from holdtrue.stress.provider.sampling import Sampling
from holdtrue.watch import Drift

__all__ = ["Answering", "Drawn"]

SUMMARIES: Final = 256
"""Conversations whose summaries are remembered."""

Messages: TypeAlias = tuple[dict[str, str], ...]


@final
@dataclass(frozen=True)
class Drawn:
    """An answer, why it ended, and what it took."""

    answer: Answer
    stop: Literal["stop", "max_tokens", "model_length"]
    seed: int
    redraws: int = 0
    tokens_in: int = 0
    """Over all candidates."""
    tokens_out: int = 0


@final
class Answering:
    """A model under one hold.

    Args:
        held: what answers.
        hold: how it is held.
        direction: along the axis, or `reversed`.

    Raises:
        HoldtrueError: the hold can't be had on the model's axis.
    """

    def __init__(self, held: HeldModel, hold: HoldSpec, direction: str = "axis") -> None:
        self._held, self._hold = held, hold
        # Kept as they are: the engine goes on from a conversation's cache only under the very same floors.
        self._floors: dict[bool, Floors | None] = {
            drifting: (reversed_floors if direction == "reversed" else floors_for)(hold, held.axis, drifting=drifting)
            for drifting in (False, True)
        }
        self._summaries: OrderedDict[bytes, str] = OrderedDict()
        """By all that they cover."""

    async def shaped(self, messages: Messages, drift: Drift, *, turn: int) -> tuple[Shaped, Answer | None]:
        """Apply the hold's rules about context.

        Args:
            messages: the conversation.
            drift: where it stands.
            turn: which answer is about to be given, from 1.

        Returns:
            The conversation to answer, and the summary that was written for it, if one was.
        """
        spec = self._hold.context
        shaped = shape(
            messages,
            spec,
            turn=turn,
            drifting=drift.stands,
            alarmed_turns=drift.alarmed_turns,
            count_tokens=self._held.count_tokens,
        )
        if shaped.to_summarise is None or spec.budget_tokens is None:
            return shaped, None
        keys = prefix_digests(shaped.to_summarise)
        n = next((n for n in range(len(keys), 0, -1) if keys[n - 1] in self._summaries), 0)
        summary = self._summaries[keys[n - 1]] if n else None
        wrote = None
        if n < len(keys):
            asked = summary_request(shaped.to_summarise[n:], summary)
            brief = Sampling(0, summary_tokens(spec.budget_tokens), temperature=0.0, top_p=1.0)
            wrote = (await self.draw(asked, brief, drifting=drift.stands)).answer
            summary = self._summaries[keys[-1]] = wrote.text
            while len(self._summaries) > SUMMARIES:
                self._summaries.popitem(last=False)
        return with_summary(shaped, summary or ""), wrote

    async def answer(self, messages: Messages, sampling: Sampling, *, drifting: bool) -> Drawn:
        """Draw an answer, and again while its z is under the hold's `redraw_below`; the highest z is given."""
        spec = self._hold.context
        # Greedy candidates would all be the same.
        most = spec.redraw if sampling.temperature > 0 else 1
        candidates: list[Drawn] = []
        for attempt in range(most):
            each = sampling.other(f"redraw/{attempt}") if attempt else sampling
            candidates.append(await self.draw(messages, each, drifting=drifting))
            z = candidates[-1].answer.z
            if z is None or z >= spec.redraw_below:
                break
        best = max(candidates, key=lambda drawn: -math.inf if drawn.answer.z is None else drawn.answer.z)
        return Drawn(
            best.answer,
            best.stop,
            best.seed,
            redraws=len(candidates) - 1,
            tokens_in=sum(drawn.answer.tokens_in for drawn in candidates),
            tokens_out=sum(drawn.answer.tokens_out for drawn in candidates),
        )

    async def draw(self, messages: Sequence[dict[str, str]], sampling: Sampling, *, drifting: bool) -> Drawn:
        """Draw once, within what the model's context leaves."""
        answer = await self._held.answer(
            messages,
            self._floors[drifting],
            seed=sampling.seed,
            max_tokens=sampling.max_tokens,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            stop=sampling.stop,
            top_log_probs=sampling.top_log_probs,
            fit=True,
        )
        return Drawn(answer, "model_length" if answer.full else "max_tokens" if answer.cut else "stop", sampling.seed)
