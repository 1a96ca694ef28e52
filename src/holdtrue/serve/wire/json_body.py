"""Bytes from a stranger into a JSON object, or one clear refusal."""

import json
from typing import Final, NoReturn

from holdtrue.serve.failures import ApiError, bad_request, shown

__all__ = ["json_object"]

_DEEPEST: Final = 64
_LONGEST: Final = 32
_CODE: Final = "invalid_json"


def json_object(raw: bytes) -> dict[str, object]:
    """Parse a body as one JSON object, strictly.

    Every text in it can be encoded, every number is finite, and nothing is nested deeper than 64, so that whatever
    handles it afterwards needs no guard against these.

    Raises:
        ApiError: 400, naming what is wrong and where.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"the body isn't UTF-8 at byte {error.start}; encode it as UTF-8"
        raise bad_request(message, code=_CODE) from None
    if text.startswith("\ufeff"):
        message = "the body begins with a byte order mark; send JSON without it"
        raise bad_request(message, code=_CODE)
    try:
        value: object = json.loads(text, parse_constant=_no_constant, parse_float=_finite, parse_int=_whole)
    except json.JSONDecodeError as error:
        message = f"the body isn't JSON: {error.msg} at line {error.lineno}, column {error.colno}; mend it there"
        raise bad_request(message, code=_CODE) from None
    except RecursionError:
        raise _too_deep() from None
    if not isinstance(value, dict):
        message = f"the body is {_kind(value)}; send one JSON object"
        raise bad_request(message, code=_CODE)
    _check(value)
    return value


def _check(value: dict[str, object]) -> None:
    # A list of what is still to see, not recursion: the input would choose the depth.
    waiting: list[tuple[object, int]] = [(value, 1)]
    while waiting:
        item, depth = waiting.pop()
        if depth > _DEEPEST:
            raise _too_deep()
        if isinstance(item, str):
            _check_text(item)
        elif isinstance(item, dict):
            for key, inner in item.items():
                _check_text(key)
                waiting.append((inner, depth + 1))
        elif isinstance(item, list):
            waiting.extend((inner, depth + 1) for inner in item)


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        around = text[max(0, error.start - 10) : error.start + 10]
        message = f"half a surrogate pair in the text {shown(around)}, which is no character; send the whole pair"
        raise bad_request(message, code=_CODE) from None


def _no_constant(name: str) -> NoReturn:
    message = f"{name} is no number in JSON; send a finite one, or leave it out"
    raise bad_request(message, code=_CODE)


def _finite(digits: str) -> float:
    value = float(digits)
    if abs(value) == float("inf"):
        message = f"the number {shown(digits)[1:-1]} is too large for a double; send a smaller one"
        raise bad_request(message, code=_CODE)
    return value


def _whole(digits: str) -> int:
    # The interpreter refuses thousands of digits, and takes its time over hundreds.
    if len(digits) > _LONGEST:
        message = f"the whole number {shown(digits)[1:-1]} has over {_LONGEST} digits; send a smaller one"
        raise bad_request(message, code=_CODE)
    return int(digits)


def _too_deep() -> ApiError:
    return bad_request(f"the body is nested deeper than {_DEEPEST}; flatten it", code=_CODE)


def _kind(value: object) -> str:
    kinds = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")
