"""Figures of a stress run in words: shares, differences in points, p values; None is never a zero."""

from collections.abc import Mapping, Sequence
from typing import Any

from holdtrue.report.plain import NOT_MEASURED, number, plain

# Keeps a figure and its interval on one line; terminals get plain spaces.
_TIED = "\u00a0"

__all__ = ["estimate", "failures", "joined", "p_value", "part", "points", "share", "signed", "span", "times"]

Ci = Sequence[float | None] | None


def part(value: Any, *keys: str) -> Any:
    """What lies under the keys, one after the other; None as soon as one is missing."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def span(ci: Ci) -> tuple[float, float] | None:
    """An interval with both its ends, or None."""
    if ci is None or len(ci) != 2 or ci[0] is None or ci[1] is None:
        return None
    return ci[0], ci[1]


def share(rate: float | None, ci: Ci = None) -> str:
    """`58 % [42, 73]`."""
    ends = span(ci)
    around = "" if ends is None else f"{_TIED}[{number(100 * ends[0], 0)},{_TIED}{number(100 * ends[1], 0)}]"
    return NOT_MEASURED if rate is None else f"{number(100 * rate, 0)}{_TIED}%{around}"


def failures(rate: Mapping[str, Any] | None) -> str:
    """`7 of 12`, or that nothing was tried."""
    n = part(rate, "families")
    return f"{part(rate, 'failures') or 0} of {n}" if n else "none tried"


def signed(value: float | None, digits: int = 2) -> str:
    """A difference: its sign is always there, but not before a zero."""
    shown = number(value, digits)
    return shown if value is None or value <= 0 or not any(c in "123456789" for c in shown) else f"+{shown}"


def points(difference: float | None, ci: Ci = None) -> str:
    """`−17 points [−26, −7]`."""
    ends = span(ci)
    around = "" if ends is None else f"{_TIED}[{signed(100 * ends[0], 0)},{_TIED}{signed(100 * ends[1], 0)}]"
    return NOT_MEASURED if difference is None else f"{signed(100 * difference, 0)}{_TIED}points{around}"


def estimate(value: float | None, ci: Ci = None, digits: int = 2) -> str:
    """`+0.21 [+0.10, +0.33]`."""
    ends = span(ci)
    around = (
        f"{_TIED}(no{_TIED}interval)"
        if ends is None
        else f"{_TIED}[{signed(ends[0], digits)},{_TIED}{signed(ends[1], digits)}]"
    )
    return NOT_MEASURED if value is None else signed(value, digits) + around


def times(ratio: float | None, ci: Ci = None) -> str:
    """`×1.24 [1.20, 1.29]`."""
    ends = span(ci)
    around = "" if ends is None else f"{_TIED}[{number(ends[0])},{_TIED}{number(ends[1])}]"
    return NOT_MEASURED if ratio is None else f"×{number(ratio)}{around}"


def p_value(p: float | None) -> str:
    """`p 0.03`; small ones as a bound."""
    if p is None:
        return "p not computed"
    shown = "p < 0.001" if p < 0.001 else f"p {p:.3f}" if p < 0.1 else f"p {p:.2f}"
    return shown.replace(" ", _TIED)


def joined(words: Sequence[str], limit: int = 40) -> str:
    """`a, b and c`."""
    said = [plain(word, limit) for word in words]
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}" if said else "none"
