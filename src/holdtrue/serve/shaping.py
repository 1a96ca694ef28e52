"""A conversation under a hold's context policy; what gives way is summed up by the model itself, once."""

from collections import OrderedDict
from dataclasses import replace
from typing import Final, final

from holdtrue.hold import Shaped, shape, summary_request, summary_tokens, with_summary
from holdtrue.records import ContextSpec
from holdtrue.serve.backend import Backend, Outcome, Piece, TurnRequest, closed
from holdtrue.serve.choices import drawn
from holdtrue.serve.stored import stored

__all__ = ["Summaries", "shaped_turn"]

_Messages = tuple[dict[str, str], ...]
_KEPT: Final = 256
"""Sessions whose summaries are remembered."""


@final
class Summaries:
    """What was summed up, by session, so that each turn only adds what is new."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[_Messages, str]] = OrderedDict()

    def before(self, session: str, messages: _Messages) -> tuple[_Messages, str | None]:
        """The messages that no summary covers yet, and the summary of those before them."""
        covered, summary = self._kept.get(session, ((), None))
        if summary is None or messages[: len(covered)] != covered:
            return messages, None
        return messages[len(covered) :], summary

    def keep(self, session: str, messages: _Messages, summary: str) -> None:
        """Remember the summary of these messages."""
        self._kept[session] = (messages, summary)
        self._kept.move_to_end(session)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)


async def shaped_turn(
    backend: Backend, asked: TurnRequest, summaries: Summaries, *, turn: int, alarmed_turns: int, timeout_seconds: float
) -> tuple[Shaped, int]:
    """Apply the context policy of a turn's hold.

    Args:
        backend: counts tokens, and writes summaries.
        asked: the turn, with its messages as they came.
        summaries: what was summed up before.
        turn: which answer of the conversation this is, from 1.
        alarmed_turns: answers in a row under a standing alarm.
        timeout_seconds: the longest a summary may take.

    Returns:
        The conversation to answer, and the tokens that a summary took.

    Raises:
        ApiError: a summary couldn't be had.
    """
    spec = asked.hold.context
    shaped = await stored(
        shape,
        asked.messages,
        spec,
        turn=turn,
        drifting=asked.drifting,
        alarmed_turns=alarmed_turns,
        count_tokens=backend.count_tokens,
    )
    if shaped.to_summarise is None or spec.budget_tokens is None:
        return shaped, 0
    new, summary = summaries.before(asked.session, shaped.to_summarise)
    spent = 0
    if new:
        request = replace(
            asked,
            messages=summary_request(new, summary),
            hold=asked.hold.model_copy(update={"context": ContextSpec()}),
            session=f"{asked.session}/summary",
            max_tokens=summary_tokens(spec.budget_tokens),
            temperature=0.0,
            stop=(),
            top_logprobs=None,
        )
        summary = ""
        async with closed(drawn(backend, [request], timeout_seconds)) as items:
            async for _, item in items:
                if isinstance(item, Piece):
                    summary += item.text
                elif isinstance(item, Outcome):
                    spent = item.completion_tokens
        summaries.keep(asked.session, shaped.to_summarise, summary)
    return with_summary(shaped, summary or ""), spent
