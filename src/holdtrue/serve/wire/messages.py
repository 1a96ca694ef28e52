"""OpenAI's messages into `role` and `content` alone, and digests that recognise a conversation sent again."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

from holdtrue.records import canonical_json
from holdtrue.serve.failures import bad_request, shown
from holdtrue.serve.wire.fields import known_keys, wrong, wrong_type

__all__ = ["digest_after", "digest_before", "history_digest", "parse_messages"]

_ROLES: Final = ("system", "developer", "user", "assistant")
# What clients send back with an answer they were given, empty; filled, it means tools or sound.
_EMPTY: Final = ("annotations", "audio", "function_call", "tool_calls")
_FIELDS: Final = ("role", "content", "name", "refusal", *_EMPTY)


def parse_messages(value: object) -> tuple[dict[str, str], ...]:
    """Check the messages of a request.

    Args:
        value: the body's `messages`.

    Returns:
        Turns with role system, user or assistant, and text; at least one, and the last isn't the assistant's.

    Raises:
        ApiError: 400, naming the message and the mend.
    """
    if not isinstance(value, list):
        raise wrong_type(value, "messages", "a list of messages")
    if not value:
        message = '\'messages\' is empty; send at least one, such as {"role": "user", "content": "Hello"}'
        raise bad_request(message, param="messages", code="invalid_value")
    turns = tuple(_turn(item, f"messages[{index}]") for index, item in enumerate(value))
    if turns[-1]["role"] == "assistant":
        message = "the last message is the assistant's, so there is nothing to answer; end with a user message"
        raise bad_request(message, param=f"messages[{len(turns) - 1}].role", code="invalid_value")
    return turns


def history_digest(messages: Sequence[Mapping[str, object]]) -> str:
    """sha256 of a conversation, as hex: the same whether content came as text or as text parts.

    White space at either end of a message doesn't count: clients trim what they show, and send back what they show.
    """
    turns = [[_role(message), _plain(message.get("content")).strip()] for message in messages]
    return hashlib.sha256(canonical_json(turns).encode()).hexdigest()


def digest_before(messages: Sequence[Mapping[str, object]]) -> str | None:
    """Digest up to and including the last assistant message; None when the assistant hasn't spoken yet.

    It equals the `digest_after` of the turn that this one continues.
    """
    last = max((i for i, message in enumerate(messages) if message.get("role") == "assistant"), default=None)
    return None if last is None else history_digest(messages[: last + 1])


def digest_after(messages: Sequence[Mapping[str, object]], answer: str) -> str:
    """Digest of a conversation with the answer it was given."""
    return history_digest([*messages, {"role": "assistant", "content": answer}])


def _turn(item: object, where: str) -> dict[str, str]:
    if not isinstance(item, dict):
        raise wrong_type(item, where, "an object with role and content")
    role = item.get("role")
    if role in ("tool", "function"):
        message = f"'{where}.role' is '{role}'; this server calls no tools: leave tool messages out"
        raise bad_request(message, param=f"{where}.role", code="unsupported_parameter")
    if role not in _ROLES or not isinstance(role, str):
        raise wrong(role, f"{where}.role", f"one of {', '.join(_ROLES)}")
    known_keys(item, _FIELDS, f"{where}.")
    for key in _EMPTY:
        if item.get(key) not in (None, [], {}):
            message = f"'{where}.{key}' is set; this server answers text with text: leave it out"
            raise bad_request(message, param=f"{where}.{key}", code="unsupported_parameter")
    return {"role": _role(item), "content": _content(item, role, where)}


def _content(item: dict[str, object], role: str, where: str) -> str:
    content = item.get("content")
    if content is None and role == "assistant":
        refusal = item.get("refusal")
        if not isinstance(refusal, str | None):
            raise wrong_type(refusal, f"{where}.refusal", "a text or null")
        return refusal or ""
    if isinstance(content, list):
        if not content:
            raise wrong(content, f"{where}.content", "a text, or a list with at least one text part")
        return "".join(_part(part, role, f"{where}.content[{index}]") for index, part in enumerate(content))
    if not isinstance(content, str):
        raise wrong_type(content, f"{where}.content", "a text or a list of text parts")
    return content


def _part(part: object, role: str, where: str) -> str:
    if not isinstance(part, dict):
        raise wrong_type(part, where, '{"type": "text", "text": "…"}')
    kind = part.get("type")
    key = "refusal" if kind == "refusal" and role == "assistant" else "text"
    if kind != key:
        message = f'\'{where}.type\' is {shown(kind)}; only text is read here: send {{"type": "text", …}} alone'
        raise bad_request(message, param=f"{where}.type", code="unsupported_content")
    known_keys(part, ("type", key, "prompt_cache_breakpoint"), f"{where}.")
    text = part.get(key)
    if not isinstance(text, str):
        raise wrong_type(text, f"{where}.{key}", "a text")
    return text


def _role(message: Mapping[str, object]) -> str:
    role = str(message.get("role"))
    return "system" if role == "developer" else role  # OpenAI's newer name for it


def _plain(content: object) -> str:
    if isinstance(content, list):
        parts = (part.get("text", part.get("refusal")) for part in content if isinstance(part, dict))
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""
