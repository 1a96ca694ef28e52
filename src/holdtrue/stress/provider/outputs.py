"""What goes with an answer into Inspect's log: its reading, its tokens, their likelihoods."""

from collections.abc import Sequence
from typing import Any

from inspect_ai.model import Logprob, Logprobs, ModelUsage, TopLogprob

from holdtrue.hold import Shaped
from holdtrue.stress.held_model import Answer, TokenLikelihood
from holdtrue.stress.provider.answering import Drawn
from holdtrue.watch import Drift

__all__ = ["logprobs", "reading", "usage"]


def reading(shaped: Shaped, drawn: Sequence[Drawn], drift: Drift) -> dict[str, Any]:
    """An output's metadata: the reading of its first answer, and what the hold did around it.

    Args:
        shaped: the conversation as it was sent.
        drawn: the answers, one for each choice.
        drift: with the first of them taken in.
    """
    first = drawn[0]
    told: dict[str, Any] = {
        "projection": first.answer.projection,
        "z": first.answer.z,
        "fired": first.answer.fired,
        "alarm": drift.stands,
        "alarm_turn": drift.alarm.alarm_turn,
        "seed": first.seed,
        "redraws": first.redraws,
        "handed_over": shaped.hand_over,
    }
    done = {name: getattr(shaped, name) for name in ("reminded", "reanchored", "dropped", "over")}
    if any(done.values()):
        told["context"] = done
    if len(drawn) > 1:
        told["choices"] = [{"z": each.answer.z, "seed": each.seed, "redraws": each.redraws} for each in drawn]
    return told


def usage(drawn: Sequence[Drawn], summary: Answer | None) -> ModelUsage:
    """Tokens of all that was drawn: every choice, every candidate, and the summary if one was written."""
    tokens_in = sum(each.tokens_in for each in drawn) + (summary.tokens_in if summary else 0)
    tokens_out = sum(each.tokens_out for each in drawn) + (summary.tokens_out if summary else 0)
    return ModelUsage(input_tokens=tokens_in, output_tokens=tokens_out, total_tokens=tokens_in + tokens_out)


def logprobs(answer: Answer) -> Logprobs | None:
    """The tokens' likelihoods, if they were asked for."""
    return Logprobs(content=[_logprob(each) for each in answer.likelihoods]) if answer.likelihoods else None


def _logprob(each: TokenLikelihood) -> Logprob:
    top = [TopLogprob(token=token, logprob=log_prob) for token, log_prob in each.top]
    return Logprob(token=each.text, logprob=each.log_prob, top_logprobs=top or None)
