"""Dataset text made fit to look at: what can't be seen is spelt out, what is long is cut, spans stay marked."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, final

__all__ = ["Piece", "hidden", "pieces", "visible"]

LEAD: Final = 220
"""Characters shown of a text's beginning, whatever is marked in it."""
AROUND: Final = 110
"""Characters shown on either side of a span."""
LIMIT: Final = 900
"""Characters shown of one text."""
RUN: Final = 8
"""Code points spelt out one after the other; the rest of a run is counted."""
GAP: Final = "…"
TAGS: Final = 0xE0000
"""Where the tag characters start: ASCII again, and invisible."""
SPELLING: Final = 160

# Cc: terminal escapes, NUL; Cf: joiners, bidirectional controls, tags; Cs, Co, Cn: no glyph; Z: spaces of all kinds.
_SPELT: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
# Letters, marks and symbols that draw nothing: fillers, the grapheme joiner, empty Braille, variation selectors.
_EMPTY: Final = frozenset(
    map(chr, (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, *range(0x180B, 0x1810)))
) | frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))

Kind = Literal["text", "hidden", "gap"]


@final
@dataclass(frozen=True)
class Piece:
    """A stretch of a text that is drawn in one way."""

    kind: Kind
    text: str
    marked: bool = False


def hidden(char: str) -> bool:
    """Whether a character draws nothing, or changes how others are drawn."""
    if char.isascii():
        return not char.isprintable()
    return char in _EMPTY or (unicodedata.category(char) in _SPELT and char != "\u3000")


def visible(text: str, limit: int = 160) -> str:
    """One line in which nothing is invisible: `a[U+200B]b`; cut at `limit` characters.

    A page may mark what was spelt out; a terminal and a log can't, so breaks and tabs are spelt out here too.
    """
    cut = text[:limit]
    return "".join(piece.text for piece in _spelt(cut, marked=False)) + (GAP if len(text) > limit else "")


def pieces(text: str, spans: Sequence[tuple[int, int]] = (), limit: int = LIMIT) -> list[Piece]:
    """A text's beginning and what lies around its spans, in order; breaks and tabs stay.

    Args:
        text: as it stands in the dataset.
        spans: start and end of what is marked, in characters; what lies outside the text is dropped, what overlaps
            is joined.
        limit: the most characters shown, before invisible ones are spelt out.
    """
    marks = _joined([(max(0, start), min(len(text), end)) for start, end in spans])
    windows = [(0, limit)]
    if marks and len(text) > limit:
        windows = _joined([(0, LEAD), *((max(0, start - AROUND), end + AROUND) for start, end in marks)])
    found: list[Piece] = []
    left, last = limit, 0
    for start, stop in windows:
        end = min(stop, len(text), start + left)
        if end <= start:
            break
        if start > last:
            found.append(Piece("gap", GAP))
        found += _window(text, start, end, marks)
        left, last = left - (end - start), end
    if last < len(text):
        found.append(Piece("gap", f"{GAP} {len(text) - last:,} characters more"))
    return found


def _window(text: str, start: int, end: int, marks: Sequence[tuple[int, int]]) -> Iterator[Piece]:
    at = start
    for first, stop in marks:
        if stop <= at or first >= end:
            continue
        yield from _spelt(text[at:first], marked=False, keep="\n\t")
        yield from _spelt(text[max(at, first) : min(stop, end)], marked=True, keep="\n\t")
        at = min(stop, end)
    yield from _spelt(text[at:end], marked=False, keep="\n\t")


def _spelt(text: str, *, marked: bool, keep: str = "") -> Iterator[Piece]:
    """Plain stretches, and runs of invisible characters by their code points."""
    at = 0
    while at < len(text):
        unseen = text[at] not in keep and hidden(text[at])
        end = at + 1
        while end < len(text) and (text[end] not in keep and hidden(text[end])) == unseen:
            end += 1
        run = text[at:end]
        if unseen:
            yield Piece("hidden", _code_points(run), marked)
        else:
            yield Piece("text", run, marked)
        at = end


def _code_points(run: str) -> str:
    """`[U+200B][U+E0041]`; what tag characters spell, which models read and people don't, is said."""
    shown = "".join(f"[U+{ord(char):04X}]" for char in run[:RUN])
    more = f"[and {len(run) - RUN:,} more unseen]" if len(run) > RUN else ""
    tags = "".join(chr(ord(char) - TAGS) for char in run[:LIMIT] if TAGS + 0x20 <= ord(char) < TAGS + 0x7F)
    return (
        shown + more + (f"[tags that spell “{tags[:SPELLING]}{GAP if len(tags) > SPELLING else ''}”]" if tags else "")
    )


def _joined(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sorted, and those that overlap made one; empty ones left out."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found
