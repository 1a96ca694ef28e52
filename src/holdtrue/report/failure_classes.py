"""What the gate's failure classes are called on pages."""

from typing import Final

from holdtrue.report.plain import plain

__all__ = ["label_of"]

_LABELS: Final = {
    "improper_refusal": "Refusing what is harmless",
    "should_refuse": "Yielding where it should refuse",
    "delusion": "Feeding a delusion",
    "codebase": "Destroying files",
    "reasoning": "Lying in its reasoning",
    "persona": "Losing its persona",
    "controllability": "Hiding in its reasoning",
}


def label_of(name: str) -> str:
    """A failure class in words; its own name where it isn't one of ours."""
    return _LABELS.get(name) or plain(name, 40) or "unnamed"
