"""Hostile text and numbers, made fit to print: names, excerpts and transcripts come from files and from models."""

import unicodedata

from holdtrue.records.axis_card import Interval

__all__ = ["NOT_MEASURED", "columns", "fit", "interval", "number", "plain", "printable", "with_interval"]

NOT_MEASURED = "not measured"

# Cc: terminal escapes and NUL (which also break SVG's XML); Cf: bidirectional overrides; Cs: unpaired surrogates;
# Co, Cn: no glyph. Joiners are Cf too, and emoji and Indic scripts need them.
_UNPRINTABLE = {"Cc", "Cf", "Cs", "Co", "Cn"}
_JOINERS = {"\u200c", "\u200d"}


def plain(text: str, limit: int = 80) -> str:
    """One line of printable text: control and bidirectional characters gone, white space single, cut at `limit`."""
    # A name of a gigabyte costs no more than one of a few kilobytes.
    line = " ".join(printable(text[: 8 * limit + 64]).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def printable(text: str) -> str:
    """The text without control and bidirectional characters; breaks and tabs stay, other white space is a space."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char if char in "\n\t" else " " if char.isspace() else char
        for char in text
        if char.isspace() or char in _JOINERS or unicodedata.category(char) not in _UNPRINTABLE
    )


def columns(text: str) -> int:
    """How many terminal columns a text takes: wide East Asian characters two, combining marks none."""
    return sum(
        0 if unicodedata.combining(char) or char in _JOINERS else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def fit(text: str, width: int) -> str:
    """`plain` text padded or cut to exactly `width` terminal columns."""
    line = plain(text, max(width, 1))
    while columns(line) > width:
        line = line[:-2] + "…" if line.endswith("…") else line[:-1] + "…"
    return line + " " * (width - columns(line))


def number(value: float | None, digits: int = 2) -> str:
    """A figure with a true minus sign, or 'not measured': a missing figure is never a zero."""
    if value is None:
        return NOT_MEASURED
    shown = f"{value:,.{digits}f}"
    return shown.lstrip("-") if float(shown.replace(",", "")) == 0 else shown.replace("-", "−")


def interval(ci: Interval | None, digits: int = 2) -> str:
    """`[low, high]`, or nothing where there is none."""
    return "" if ci is None else f"[{number(ci[0], digits)}, {number(ci[1], digits)}]"


def with_interval(value: float | None, ci: Interval | None, digits: int = 2) -> str:
    """`0.93 [0.90, 0.96]`, or 'not measured'."""
    return f"{number(value, digits)} {interval(ci, digits)}".rstrip()
