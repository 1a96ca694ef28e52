"""What a failed request means: wait and ask again, or stop at once.

Every provider has its own exception tree and Inspect wraps some of them, so an exception is read with everything that
it was raised from: HTTP status first, then type, then words.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final, final

__all__ = ["Failure", "FailureKind", "classify", "one_line"]

_SAID_CHARACTERS: Final = 300
_ACCOUNT_STATUS: Final = frozenset({401, 402, 403})
_TRANSIENT_STATUS: Final = frozenset({408, 409, 425, *range(500, 600)})

_ACCOUNT: Final = re.compile(
    r"insufficient_quota|exceeded your current quota|billing|payment required|credit balance"
    r"|(insufficient|not enough|out of) (funds|credits?|balance)"
    r"|(invalid|incorrect|missing|no|wrong)[ _-](x-)?api[ _-]?key"
    r"|api[ _-]?key (is )?(not valid|invalid|missing|expired)"
    r"|authentication|unauthori[sz]ed|permission[ _]?denied|access ?denied|expired ?token|unrecognizedclient"
    r"|account (is |has been )?(suspended|deactivated|disabled)|defined in the environment",
    re.IGNORECASE,
)
# Google words a per-minute limit as a spent quota, and adds when to come back.
_SOON: Final = re.compile(r"retry in \d|retry_?delay|try again in \d", re.IGNORECASE)
_TRANSIENT: Final = re.compile(
    r"rate.?limit|too many requests|throttl|overloaded|temporarily|time[d-]?.?out|try again"
    r"|connect(ion)? ?(error|reset|refused|aborted|closed)|(internal )?server error|bad gateway|service unavailable",
    re.IGNORECASE,
)
_TRANSIENT_TYPE: Final = re.compile(
    r"Timeout|RateLimit|Connect|ServiceUnavailable|InternalServer|Overloaded|Throttl|RemoteProtocol|ReadError|WriteError"
)
_STATUS_WORDS: Final = re.compile(r"\b(?:error code|status(?: code)?|http(?:/[\d.]+)?)[: =]+(\d{3})\b", re.IGNORECASE)

_SECRETS: Final = (
    re.compile(r"(?<=://)[^/@\s]+(?=@)"),
    re.compile(r"(?<=bearer )\S+", re.IGNORECASE),
    re.compile(r"(?<=basic )[A-Za-z0-9+/=]{8,}", re.IGNORECASE),
    # "api_key=…", "key provided: …", "'x-api-key': '…'", "token …"
    re.compile(
        r"(?:key|token|secret|password|authorization|signature)(?: provided)?[\"']?\s*[:=]\s*[\"']?"
        r"(?!bearer\b|basic\b)([^\s\"',;&)}]+)",
        re.IGNORECASE,
    ),
    re.compile(r"\b(?:(?:sk|pk|rk|gsk|hf|xai|r8|pplx|ghp)[-_]|AIza|AKIA|eyJ)[\w*.\-]{6,}"),
    # Long, and letters mixed with digits: no word of a message, whatever it opens.
    re.compile(r"\b(?=\w*\d)(?=\w*[A-Za-z])\w{28,}"),
)


@final
class FailureKind(Enum):
    """What to do about it."""

    TRANSIENT = "transient"
    """Wait and ask again: rate limit, time-out, the provider's own trouble."""
    ACCOUNT = "account"
    """Stop: key, permission, quota or bill. Asking again costs time and may cost a ban."""
    OTHER = "other"
    """Stop: a request that this model won't take, or a fault."""


@final
@dataclass(frozen=True)
class Failure:
    """A failed request, read."""

    kind: FailureKind
    said: str
    """In one line, secrets redacted."""
    retry_after_seconds: float = 0.0
    """What the provider asked for; 0 where it said nothing."""


def classify(error: BaseException) -> Failure:
    """Read an exception and all that it was raised from."""
    links = list(_links(error))
    kinds = [_kind(link) for link in links]
    for kind in (FailureKind.ACCOUNT, FailureKind.TRANSIENT):
        if kind in kinds:
            link = links[kinds.index(kind)]
            return Failure(kind, _said(link), max(_retry_after(link) for link in links))
    # Wrappers say only that they wrap.
    spoken = [link for link in links if type(link).__name__ != "RetryError"]
    return Failure(FailureKind.OTHER, _said((spoken or links)[0]))


def one_line(text: str) -> str:
    """A provider's words as half a line: no markup, no control characters, no secrets, no end."""
    text = re.sub(r"\[/?[a-z]+\]", "", text)
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    for pattern in _SECRETS:
        text = pattern.sub(_redact, text)
    return text if len(text) <= _SAID_CHARACTERS else text[: _SAID_CHARACTERS - 1] + "…"


def _redact(match: re.Match[str]) -> str:
    if not match.re.groups:
        return "[redacted]"
    return match.group(0)[: match.start(1) - match.start(0)] + "[redacted]"


def _links(error: BaseException) -> Iterator[BaseException]:
    """The exception, its group's members and what it was raised from, outermost first, each once."""
    waiting, seen = [error], set[int]()
    while waiting:
        link = waiting.pop(0)
        if id(link) in seen:
            continue
        seen.add(id(link))
        if isinstance(link, BaseExceptionGroup):
            waiting.extend(link.exceptions)
        else:
            yield link
        if link.__cause__ is not None:
            waiting.append(link.__cause__)
        elif link.__context__ is not None and not link.__suppress_context__:
            waiting.append(link.__context__)


def _kind(link: BaseException) -> FailureKind:
    text, status = _text(link), _status(link)
    if status in _ACCOUNT_STATUS:
        return FailureKind.ACCOUNT
    if status in _TRANSIENT_STATUS:
        return FailureKind.TRANSIENT
    # A spent quota comes as 429, an empty balance as 400: the words decide.
    if _ACCOUNT.search(text) and not _SOON.search(text):
        return FailureKind.ACCOUNT
    if status == 429:
        return FailureKind.TRANSIENT
    known = isinstance(link, TimeoutError | ConnectionError) or _TRANSIENT_TYPE.search(type(link).__name__)
    if status is None and (known or _TRANSIENT.search(text)):
        return FailureKind.TRANSIENT
    return FailureKind.OTHER


def _text(link: BaseException) -> str:
    # Inspect's wrapper prints the whole request: the words of what was judged must not be taken for the provider's.
    for name in ("provider_message", "message"):
        if isinstance(said := getattr(link, name, None), str) and said:
            code = getattr(link, "code", None)
            return f"{said} ({code})" if isinstance(code, str) and code not in said else said
    return str(link)


def _said(link: BaseException) -> str:
    return one_line(_text(link)) or type(link).__name__


def _status(link: BaseException) -> int | None:
    response = getattr(link, "response", None)
    for found in (
        getattr(link, "status_code", None),
        getattr(response, "status_code", None),
        getattr(link, "code", None),
    ):
        if isinstance(found, int) and 100 <= found < 600:
            return int(found)
    words = _STATUS_WORDS.search(_text(link))
    return int(words.group(1)) if words else None


def _retry_after(link: BaseException) -> float:
    headers = getattr(getattr(link, "response", None), "headers", None)
    try:
        return max(0.0, float(headers["retry-after"])) if headers is not None else 0.0
    except (KeyError, TypeError, ValueError):
        return 0.0
