"""What neither a signature nor a bundle shows: one text for the page and for `NON_CLAIMS.md`."""

from functools import cache
from pathlib import Path

__all__ = ["non_claims", "non_claims_text"]


@cache
def non_claims_text() -> str:
    """`NON_CLAIMS.md`, the same in every bundle of a version."""
    return (Path(__file__).parent / "templates" / "NON_CLAIMS.md").read_text(encoding="utf-8")


def non_claims() -> list[tuple[str, str]]:
    """Its headings, each with what is said under it."""
    _, *parts = non_claims_text().split("\n## ")
    return [(heading, " ".join(text.split())) for heading, text in (part.split("\n", 1) for part in parts)]
