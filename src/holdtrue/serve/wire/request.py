"""The body of ``POST /v1/chat/completions`` into a typed request; what can't be honoured is refused by name."""

import hashlib
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final, final

from holdtrue.errors import did_you_mean
from holdtrue.records import HoldSpec
from holdtrue.serve.failures import bad_request, not_found, shown
from holdtrue.serve.wire.fields import an_object, flag, known_keys, number, whole, wrong, wrong_type
from holdtrue.serve.wire.holds import hold_field
from holdtrue.serve.wire.json_body import json_object
from holdtrue.serve.wire.messages import parse_messages

__all__ = ["ChatRequest", "check_model", "parse_chat"]

_SESSION: Final = re.compile(r"[A-Za-z0-9_.:-]{1,80}")
_INT32: Final = 2**31 - 1
_INT64: Final = 2**63

_READ: Final = (
    "holdtrue", "logprobs", "max_completion_tokens", "max_tokens", "messages", "model", "n", "seed", "stop", "stream",
    "stream_options", "temperature", "top_logprobs", "top_p",
)  # fmt: skip
# They change nothing in what is answered here.
_IGNORED: Final = (
    "metadata", "parallel_tool_calls", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention",
    "safety_identifier", "service_tier", "store", "user",
)  # fmt: skip


def _never(_: object) -> bool:
    return False


def _zero(value: object) -> bool:
    return value == 0 and not isinstance(value, bool)


# They would change the answer: accepted only at the value that asks for nothing.
_NEUTRAL: Final[dict[str, Callable[[object], bool]]] = {
    "audio": _never,
    "frequency_penalty": _zero,
    "function_call": lambda value: value in ("none", "auto"),
    "functions": lambda value: value == [],
    "logit_bias": lambda value: value == {},
    "modalities": lambda value: value == ["text"],
    "moderation": _never,
    "prediction": _never,
    "presence_penalty": _zero,
    "reasoning_effort": _never,
    "response_format": lambda value: value == {"type": "text"},
    "tool_choice": lambda value: value in ("none", "auto"),
    "tools": lambda value: value == [],
    "verbosity": lambda value: value == "medium",
    "web_search_options": _never,
}
_KNOWN: Final = (*_READ, *_IGNORED, *_NEUTRAL)


@final
@dataclass(frozen=True)
class ChatRequest:
    """What a client asks for, checked."""

    model: str
    messages: tuple[dict[str, str], ...]
    """`role` (system, user or assistant) and `content`, as text."""
    stream: bool = False
    include_usage: bool = False
    """A usage chunk at the end of the stream."""
    stop: tuple[str, ...] = ()
    max_tokens: int | None = None
    """The smaller of `max_tokens` and `max_completion_tokens`."""
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int | None = None
    """63 bits drawn from the client's number."""
    n: int = 1
    top_logprobs: int | None = None
    """None: no log-probabilities; 0 to 20: the drawn token's and this many alternatives'."""
    hold: str | HoldSpec | None = None
    """A hold by name, which `named_hold` looks up, or one of the client's own."""
    session: str | None = None
    tokens: bool = False
    """Whether the answer carries each token's reading."""


def parse_chat(raw: bytes) -> ChatRequest:
    """Parse a request's body.

    Args:
        raw: the bytes as they came.

    Returns:
        The request; null counts as absent wherever OpenAI allows it.

    Raises:
        ApiError: 400, with the parameter's name: not JSON, a wrong type, out of range, unknown, or not supported.
    """
    body = json_object(raw)
    known_keys(body, _KNOWN)
    for key, is_neutral in _NEUTRAL.items():
        value = body.get(key)
        if value is not None and not is_neutral(value):
            message = f"'{key}' is {shown(value)}, which this server can't honour; leave it out"
            raise bad_request(message, param=key, code="unsupported_parameter")
    stream = flag(body, "stream")
    own = an_object(body, "holdtrue")
    known_keys(own, ("hold", "session", "tokens"), "holdtrue.")
    temperature, top_p = number(body, "temperature", 0.0, 2.0), number(body, "top_p", 0.0, 1.0, above=True)
    limits = (whole(body, "max_tokens", 1, _INT32), whole(body, "max_completion_tokens", 1, _INT32))
    return ChatRequest(
        model=_model(body),
        messages=parse_messages(body.get("messages")),
        stream=stream,
        include_usage=_include_usage(body, stream=stream),
        stop=_stop(body.get("stop")),
        max_tokens=min((limit for limit in limits if limit is not None), default=None),
        temperature=1.0 if temperature is None else temperature,
        top_p=1.0 if top_p is None else top_p,
        seed=_seed(whole(body, "seed", -_INT64, _INT64 - 1)),
        n=whole(body, "n", 1, 8) or 1,
        top_logprobs=_top_logprobs(body),
        hold=hold_field(own.get("hold"), "holdtrue.hold"),
        session=_session(own.get("session")),
        tokens=flag(own, "tokens", "holdtrue."),
    )


def check_model(asked: str, served: Collection[str]) -> None:
    """Refuse a model that isn't served under that name or alias.

    Raises:
        ApiError: 404.
    """
    if asked not in served:
        message = f"the model {shown(asked)} isn't served here; {did_you_mean(asked[:80], list(served))}"
        raise not_found(message, param="model", code="model_not_found")


def _model(body: dict[str, object]) -> str:
    model = body.get("model")
    if not isinstance(model, str):
        raise wrong_type(model, "model", "a model's name; /v1/models lists them")
    return model


def _include_usage(body: dict[str, object], *, stream: bool) -> bool:
    options = an_object(body, "stream_options")
    known_keys(options, ("include_usage", "include_obfuscation"), "stream_options.")
    flag(options, "include_obfuscation", "stream_options.")
    if body.get("stream_options") is not None and not stream:
        message = "'stream_options' is set without 'stream'; set 'stream' to true, or leave it out"
        raise bad_request(message, param="stream_options", code="invalid_value")
    return flag(options, "include_usage", "stream_options.")


def _stop(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    stops = [value] if isinstance(value, str) else value
    accepted = "a text, or a list of up to 4 texts, none of them empty"
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
        raise wrong_type(value, "stop", accepted)
    if len(stops) > 4 or "" in stops:
        raise wrong(value, "stop", accepted)
    return tuple(stops)


def _seed(seed: int | None) -> int | None:
    if seed is None:
        return None
    return int.from_bytes(hashlib.sha256(str(seed).encode()).digest()[:8]) >> 1


def _top_logprobs(body: dict[str, object]) -> int | None:
    wanted, top = flag(body, "logprobs"), whole(body, "top_logprobs", 0, 20)
    if top is not None and not wanted:
        message = "'top_logprobs' is set without 'logprobs'; set 'logprobs' to true, or leave it out"
        raise bad_request(message, param="top_logprobs", code="invalid_value")
    return (top or 0) if wanted else None


def _session(value: object) -> str | None:
    if value is None:
        return None
    accepted = "1 to 80 letters, digits and _.:-"
    if not isinstance(value, str):
        raise wrong_type(value, "holdtrue.session", accepted)
    if not _SESSION.fullmatch(value):
        raise wrong(value, "holdtrue.session", accepted)
    return value
