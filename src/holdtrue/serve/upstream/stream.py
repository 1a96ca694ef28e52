"""An upstream's answer as it comes over the wire: server-sent events to deltas, forgiving about their form."""

import codecs
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, final

from holdtrue.serve.backend import Finish, TokenChoice

__all__ = ["Delta", "EventStream", "Malformed", "SurrogatePairs", "Usage", "delta", "whole_answer"]

MAX_EVENT_CHARACTERS: Final = 2**22
_LINE_END: Final = re.compile(r"\r\n|\n|\r")
_FINISHES: Final[Mapping[str, Finish]] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content_filter",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "eos": "stop",
    "max_tokens": "length",
}


class Malformed(Exception):  # noqa: N818 - becomes an `ApiError` where the upstream's name is known
    """What came isn't what the protocol allows."""


@final
@dataclass(frozen=True)
class Usage:
    """Tokens as the upstream counts them."""

    prompt_tokens: int
    completion_tokens: int


@final
@dataclass(frozen=True)
class Delta:
    """What one chunk says."""

    text: str = ""
    choices: tuple[TokenChoice, ...] = ()
    finish: Finish | None = None
    usage: Usage | None = None


@final
class EventStream:
    """Cuts bytes into the data of events.

    Takes CRLF, LF and CR; characters split between chunks; comments; fields with or without a blank after the colon;
    events with no empty line between them; and JSON lines without a field name.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._rest = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> Iterator[str]:
        """Data of the events that this chunk completes.

        Raises:
            Malformed: an event is endless, or isn't JSON.
        """
        self._rest += self._decoder.decode(chunk)
        # A CR at the very end may be half of a CRLF.
        last = len(self._rest) - 1 if self._rest.endswith("\r") else len(self._rest)
        *lines, tail = _LINE_END.split(self._rest[:last])
        self._rest = tail + self._rest[last:]
        for line in lines:
            yield from self._line(line)
        if len(self._rest) + sum(map(len, self._data)) > MAX_EVENT_CHARACTERS:
            message = f"an event of over {MAX_EVENT_CHARACTERS} characters"
            raise Malformed(message)

    def end(self) -> Iterator[str]:
        """Data of an event that the end of the stream completes.

        Raises:
            Malformed: it isn't JSON.
        """
        yield from self._line(self._rest.rstrip("\r"))
        yield from self._line("")

    def _line(self, line: str) -> Iterator[str]:
        line = line.removeprefix("\ufeff")
        if line.startswith("data:"):
            self._data.append(line[5:].removeprefix(" "))
        elif line.startswith("{"):
            self._data.append(line)
        elif line:  # a comment, or a field that says nothing here
            return
        data = "\n".join(self._data).strip()
        if not data:
            self._data.clear()
        elif data == "[DONE]" or _is_object(data):
            self._data.clear()
            yield data
        elif not line:
            message = "a chunk that isn't JSON"
            raise Malformed(message)


@final
class SurrogatePairs:
    """Mends characters beyond U+FFFF whose two JSON escapes came in two chunks."""

    def __init__(self) -> None:
        self._half = ""

    def join(self, text: str) -> str:
        """The text, with no half pair in it; one at its end waits for the next."""
        if not text:
            return text
        text, self._half = self._half + text, ""
        if "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return _unicode(text)


def delta(data: str, pairs: SurrogatePairs) -> Delta:
    """What a chunk says; the first choice's, where there are several.

    Args:
        data: an event's, known to be a JSON object.
        pairs: the stream's.

    Raises:
        Malformed: the chunk has another shape than `chat.completion.chunk`.
    """
    chunk = json.loads(data)
    try:
        found = Delta(usage=_usage(chunk.get("usage")), **_choice(chunk.get("choices"), "delta"))
    except (AttributeError, TypeError, ValueError, KeyError) as error:
        message = f"a chunk of another shape ({error})"
        raise Malformed(message) from None
    return replace(found, text=pairs.join(found.text))


def whole_answer(body: object) -> Delta:
    """What a `chat.completion` says, from an upstream that doesn't stream.

    Raises:
        Malformed: the body has another shape.
    """
    if not isinstance(body, dict) or not body.get("choices"):
        message = "an answer without choices"
        raise Malformed(message)
    try:
        found = Delta(usage=_usage(body.get("usage")), **_choice(body["choices"], "message"))
    except (AttributeError, TypeError, ValueError, KeyError) as error:
        message = f"an answer of another shape ({error})"
        raise Malformed(message) from None
    return replace(found, text=_unicode(found.text))


def _unicode(text: str) -> str:
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _is_object(data: str) -> bool:
    try:
        return isinstance(json.loads(data), dict)
    except (ValueError, RecursionError):
        return False


def _choice(choices: Any, key: str) -> dict[str, Any]:
    first = next((choice for choice in choices or () if choice.get("index", 0) in (0, None)), None)
    if first is None:
        return {}
    said = first.get(key) or {}
    content = said.get("content")
    if isinstance(content, list):  # text parts, as some gateways send them
        content = "".join(part.get("text") or "" for part in content)
    # What a model refuses with is what it says.
    text = content or said.get("refusal") or ""
    if not isinstance(text, str):
        message = f"content is {type(text).__name__}"
        raise TypeError(message)
    finish = first.get("finish_reason")
    return {
        "text": text,
        "choices": tuple(map(_token, (first.get("logprobs") or {}).get("content") or ())),
        "finish": _FINISHES.get(finish, "stop") if finish else None,
    }


def _token(entry: dict[str, Any]) -> TokenChoice:
    raw = entry.get("bytes")
    text = _unicode(str(entry["token"]))
    return TokenChoice(
        text=text,
        log_prob=float(entry["logprob"]),
        top=tuple((_unicode(str(one["token"])), float(one["logprob"])) for one in entry.get("top_logprobs") or ()),
        raw=bytes(raw) if raw is not None else text.encode(),
    )


def _usage(usage: Any) -> Usage | None:
    if not isinstance(usage, dict):
        return None
    prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if not isinstance(prompt, int) or not isinstance(completion, int) or min(prompt, completion) < 0:
        return None
    return Usage(prompt, completion)
