"""Answers in OpenAI's exact shape: whole, in chunks, with log-probabilities and usage."""

import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

from holdtrue.serve.backend import Finish, TokenChoice

__all__ = [
    "Choice",
    "Stamp",
    "chunk",
    "completion",
    "completion_id",
    "fingerprint",
    "finish_chunk",
    "last_chunk",
    "model_object",
    "models_list",
    "role_chunk",
    "usage_object",
]

_UNLIKELY: Final = -9999.0
"""OpenAI's figure for a log-probability too low to tell; JSON has no infinity."""


@final
@dataclass(frozen=True)
class Stamp:
    """What every part of one answer carries."""

    id: str
    created: int
    """Unix seconds."""
    model: str
    fingerprint: str
    include_usage: bool = False
    """Whether each chunk says ``"usage": null``, as it must when the last one tells."""


@final
@dataclass(frozen=True)
class Choice:
    """One finished answer."""

    index: int
    text: str
    finish_reason: Finish
    tokens: tuple[TokenChoice, ...] | None = None
    """Its tokens, when log-probabilities were asked for."""


def completion_id() -> str:
    """A fresh id that can't be guessed."""
    return f"chatcmpl-{secrets.token_hex(12)}"


def fingerprint(weights_digest: str, hold_digest: str) -> str:
    """`system_fingerprint`: the same seed gives the same answer while it stays the same."""
    return f"fp_{weights_digest[:10]}_{hold_digest[:10]}"


def usage_object(
    prompt_tokens: int, completion_tokens: int, *, cached_tokens: int = 0, reasoning_tokens: int = 0
) -> dict[str, object]:
    """Token counts; with several choices the prompt counts once and their completions are added up."""
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "prompt_tokens_details": {"cached_tokens": cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def completion(
    stamp: Stamp, choices: Sequence[Choice], usage: Mapping[str, object], holdtrue: Mapping[str, object]
) -> dict[str, object]:
    """A whole answer."""
    return {
        **_head(stamp, "chat.completion"),
        "choices": [
            {
                "index": choice.index,
                "message": {"role": "assistant", "content": choice.text, "refusal": None, "annotations": []},
                "logprobs": _logprobs(choice.tokens),
                "finish_reason": choice.finish_reason,
            }
            for choice in choices
        ],
        "usage": dict(usage),
        "holdtrue": dict(holdtrue),
    }


def role_chunk(stamp: Stamp, index: int) -> dict[str, object]:
    """The first chunk of a choice."""
    return _one(stamp, index, {"role": "assistant", "content": "", "refusal": None})


def chunk(stamp: Stamp, index: int, text: str, tokens: Sequence[TokenChoice] | None = None) -> dict[str, object]:
    """A piece of a choice's text.

    Args:
        stamp: the answer it belongs to.
        index: the choice.
        text: what is added; may be empty while a character is half drawn.
        tokens: the tokens that made it, when log-probabilities were asked for.
    """
    return _one(stamp, index, {"content": text}, tokens=tokens)


def finish_chunk(stamp: Stamp, index: int, reason: Finish) -> dict[str, object]:
    """The last chunk of a choice."""
    return _one(stamp, index, {}, reason)


def last_chunk(
    stamp: Stamp, holdtrue: Mapping[str, object], usage: Mapping[str, object] | None = None
) -> dict[str, object]:
    """The chunk after all choices: what was measured, and the usage when it was asked for."""
    told = {"usage": None if usage is None else dict(usage)} if stamp.include_usage else {}
    return {**_head(stamp, "chat.completion.chunk"), "choices": [], **told, "holdtrue": dict(holdtrue)}


def model_object(name: str, created: int) -> dict[str, object]:
    """A model, as ``GET /v1/models/{name}`` tells of it."""
    return {"id": name, "object": "model", "created": created, "owned_by": "holdtrue"}


def models_list(names: Sequence[str], created: int) -> dict[str, object]:
    """``GET /v1/models``."""
    return {"object": "list", "data": [model_object(name, created) for name in names]}


def _head(stamp: Stamp, kind: str) -> dict[str, object]:
    return {
        "id": stamp.id,
        "object": kind,
        "created": stamp.created,
        "model": stamp.model,
        "system_fingerprint": stamp.fingerprint,
    }


def _one(
    stamp: Stamp,
    index: int,
    delta: dict[str, object],
    reason: Finish | None = None,
    *,
    tokens: Sequence[TokenChoice] | None = None,
) -> dict[str, object]:
    choice = {"index": index, "delta": delta, "logprobs": _logprobs(tokens), "finish_reason": reason}
    told = {"usage": None} if stamp.include_usage else {}
    return {**_head(stamp, "chat.completion.chunk"), "choices": [choice], **told}


def _logprobs(tokens: Sequence[TokenChoice] | None) -> dict[str, object] | None:
    return None if tokens is None else {"content": [_token(token) for token in tokens], "refusal": None}


def _token(token: TokenChoice) -> dict[str, object]:
    top = [{"token": text, "logprob": _finite(log_prob), "bytes": _bytes(text)} for text, log_prob in token.top]
    spelt = list(token.raw) if token.raw else _bytes(token.text)
    return {"token": token.text, "logprob": _finite(token.log_prob), "bytes": spelt, "top_logprobs": top}


def _bytes(text: str) -> list[int] | None:
    # A replacement character stands for bytes that are lost by now, and no bytes are better than wrong ones.
    return None if "\ufffd" in text else list(text.encode("utf-8", "replace"))


def _finite(log_prob: float) -> float:
    return max(log_prob, _UNLIKELY) if math.isfinite(log_prob) else _UNLIKELY
