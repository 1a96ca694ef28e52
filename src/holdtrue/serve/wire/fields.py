"""Take checked fields out of a parsed body. A field that is null counts as absent, as with OpenAI."""

from collections.abc import Collection

from holdtrue.errors import did_you_mean
from holdtrue.serve.failures import ApiError, bad_request, shown

__all__ = ["an_object", "flag", "known_keys", "number", "whole", "wrong", "wrong_type"]


def number(raw: dict[str, object], key: str, low: float, high: float, *, above: bool = False) -> float | None:
    """A finite number in ``[low, high]``, or in ``(low, high]`` when `above`.

    Raises:
        ApiError: of another type or outside; true and false are no numbers.
    """
    value = raw.get(key)
    if value is None:
        return None
    accepted = f"a number {'above' if above else 'from'} {low:g} to {high:g}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong_type(value, key, accepted)
    # Compared before it is made a float: a whole number may be too large for one.
    if not low <= value <= high or (above and value == low):
        raise wrong(value, key, accepted)
    return float(value)


def whole(raw: dict[str, object], key: str, low: int, high: int) -> int | None:
    """A whole number in ``[low, high]``.

    Raises:
        ApiError: of another type or outside; true, false and 1.0 are no whole numbers.
    """
    value = raw.get(key)
    if value is None:
        return None
    accepted = f"a whole number from {low} to {high}"
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong_type(value, key, accepted)
    if not low <= value <= high:
        raise wrong(value, key, accepted)
    return value


def flag(raw: dict[str, object], key: str, where: str = "") -> bool:
    """True or false; false when absent.

    Raises:
        ApiError: anything else; 0 and 1 are neither.
    """
    value = raw.get(key)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise wrong_type(value, where + key, "true or false")
    return value


def an_object(raw: dict[str, object], key: str) -> dict[str, object]:
    """A JSON object; an empty one when absent.

    Raises:
        ApiError: anything else.
    """
    value = raw.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise wrong_type(value, key, "an object")
    return value


def known_keys(raw: dict[str, object], known: Collection[str], where: str = "") -> None:
    """Refuse a key that nobody reads, since it is most likely a misspelt one.

    Raises:
        ApiError: naming the key and the nearest known one.
    """
    for key in raw:
        if key not in known:
            message = f"unknown parameter {shown(where + key)}; {did_you_mean(key[:80], list(known))}; take it out"
            raise bad_request(message, param=where + key, code="unknown_parameter")


def wrong_type(value: object, param: str, accepted: str) -> ApiError:
    """A refusal of a value of another type."""
    return bad_request(f"'{param}' is {shown(value)}; it must be {accepted}", param=param, code="invalid_type")


def wrong(value: object, param: str, accepted: str) -> ApiError:
    """A refusal of a value that is out of range or empty."""
    return bad_request(f"'{param}' is {shown(value)}; it must be {accepted}", param=param, code="invalid_value")
