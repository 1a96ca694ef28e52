"""Failure classes and verdicts in words, and limits rounded so that they never say more than was shown."""

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from holdtrue.records.prereg import VerdictName
from holdtrue.report.failure_classes import label_of
from holdtrue.report.plain import NOT_MEASURED, plain

__all__ = [
    "GOOD",
    "MARKS",
    "ORGANISM",
    "STATES",
    "at_least",
    "at_most",
    "counted",
    "level",
    "listed",
    "named",
    "share",
    "short",
    "word_of",
]

GOOD: Final = "good"
"""The control that must never fail."""
ORGANISM: Final = "organism/"
"""Prefix of controls that are models bent on purpose, whose failures are their own."""
MARKS: Final[dict[VerdictName, str]] = {"PASS": "✓", "FAIL": "✗", "INCONCLUSIVE": "?", "NOT_APPLICABLE": "–"}
STATES: Final[dict[VerdictName, str]] = {"PASS": "found", "FAIL": "none", "INCONCLUSIVE": "", "NOT_APPLICABLE": ""}
"""How the page's style calls them."""


def word_of(verdict: VerdictName) -> str:
    """`NOT APPLICABLE`, without the underscore."""
    return verdict.replace("_", " ")


def named(names: Sequence[str]) -> str:
    """Classes in a sentence: `“Destroying files” and “Losing its persona”`."""
    # Quoted: "passed: lying in its reasoning" would read as praise for lying.
    return listed([f"“{label_of(name)}”" for name in names])


def listed(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else "none"


def counted(n: int, one: str, many: str | None = None) -> str:
    """`1 family`, `2 families`."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def at_most(rate: float | None) -> str:
    """An upper limit as percentage, rounded up: two decimals, or more where there'd be fewer than two digits."""
    return _percent(rate, ROUND_CEILING)


def at_least(rate: float | None) -> str:
    """A lower limit as percentage, rounded down."""
    return _percent(rate, ROUND_FLOOR)


def share(rate: float) -> str:
    """A figure that was chosen, such as p0, as percentage: not rounded to either side."""
    return f"{100 * rate:.6g} %"


def level(alpha: float) -> str:
    """The one-sided confidence `1 - alpha` as percentage, with as many digits as it takes."""
    return f"{100 * (1 - alpha):.12g} %"


def short(digest: str | None) -> str:
    """The first twelve characters of a digest."""
    return NOT_MEASURED if digest is None else plain(digest[:12])


def _percent(rate: float | None, rounding: str) -> str:
    if rate is None:
        return NOT_MEASURED
    # The shortest decimal that stands for the number: 0.0097 is 0.97 %, whatever its last binary digit.
    percent = Decimal(repr(rate)) * 100
    places = max(2, 1 - percent.adjusted()) if percent else 0
    shown = f"{percent.quantize(Decimal(1).scaleb(-places), rounding):f}"
    return f"{shown.rstrip('0').rstrip('.') if '.' in shown else shown} %"
