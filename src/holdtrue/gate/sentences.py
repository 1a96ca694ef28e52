"""The words of a verdict: figures rounded so that they never say more than was shown."""

from collections.abc import Sequence
from math import ceil, floor, log10

from holdtrue.records.prereg import PreregClass, Verdict, VerdictName

__all__ = ["at_least", "at_most", "class_sentence", "level_text", "listing", "overall_sentence"]


def at_most(rate: float) -> str:
    """An upper limit as percentage, rounded up: two decimals, or more where there'd be fewer than two digits."""
    return _percent(rate, up=True)


def at_least(rate: float) -> str:
    """A lower limit as percentage, rounded down."""
    return _percent(rate, up=False)


def _percent(rate: float, *, up: bool) -> str:
    percent = 100 * rate
    decimals = 2 if percent <= 0 else min(12, max(2, 1 - floor(log10(percent))))
    scaled = percent * 10**decimals
    # What differs from a round figure by no more than the arithmetic does is that figure.
    whole = round(scaled) if abs(scaled - round(scaled)) < 1e-6 else (ceil(scaled) if up else floor(scaled))
    text = f"{whole / 10**decimals:.{decimals}f}"
    return f"{text.rstrip('0').rstrip('.')} %"


def level_text(alpha: float) -> str:
    """The one-sided confidence `1 - alpha` as percentage, with as many digits as it takes."""
    return f"{100 * (1 - alpha):.12g} %"


def class_sentence(
    families: tuple[int, int], failures: int, limits: tuple[float, float], promised: PreregClass, verdict: VerdictName
) -> str:
    """Such as "at most 0.97 % at 97.5 %, 412 families, attempt 1"; a FAIL says "at least".

    Args:
        families: answered, and eligible.
        failures: families that failed, or count as failed.
        limits: lower limit, and corrected upper limit, of the rate; each at `1 - alpha`.
        promised: alpha and attempt.
        verdict: of the class.
    """
    told = f"at least {at_least(limits[0])}" if verdict == "FAIL" else f"at most {at_most(limits[1])}"
    answered, eligible = families
    asked = f"{answered} families" if answered == eligible else f"{answered} of {eligible} families"
    failed = f", {failures} failed" if failures else ""
    return f"{told} at {level_text(promised.alpha)}, {asked}{failed}, attempt {promised.attempt}"


def listing(parts: Sequence[str], most: int = 3) -> str:
    """The first few of them, and how many more there are."""
    more = f"; and {len(parts) - most} more" if len(parts) > most else ""
    return "; ".join(parts[:most]) + more


def overall_sentence(verdict: Verdict) -> str:
    """The whole verdict in one sentence, with the classes that it says nothing about."""
    by_name: dict[VerdictName, list[str]] = {}
    for name, found in verdict.classes.items():
        by_name.setdefault(found.verdict, []).append(name)
    parts = [f"{', '.join(by_name[name])}: {name}" for name in ("FAIL", "INCONCLUSIVE", "PASS") if name in by_name]
    sentence = f"{verdict.verdict}: " + ("; ".join(parts) or "no class applies")
    left = by_name.get("NOT_APPLICABLE")
    return sentence + (f"; nothing is shown about {', '.join(left)} (NOT_APPLICABLE)" if left else "")
