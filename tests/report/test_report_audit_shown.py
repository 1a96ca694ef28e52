"""Dataset text: nothing in it stays unseen, what is long is cut, and spans stay where they were."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdtrue.report.audit.shown import LIMIT, hidden, pieces, visible


def joined(text: str, *spans: tuple[int, int], limit: int = LIMIT) -> str:
    """What is drawn, with marks as braces."""
    return "".join(f"{{{one.text}}}" if one.marked else one.text for one in pieces(text, spans, limit))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u202eb", "a[U+202E]b"),
        ("a\u200b\u2060b", "a[U+200B][U+2060]b"),
        ("\x00\x1b[31m", "[U+0000][U+001B][31m"),
        ("a\u00a0b\u3000c", "a[U+00A0]b\u3000c"),
        ("x\ufe0f\u3164\u2800", "x[U+FE0F][U+3164][U+2800]"),
        ("a\nb\tc\r", "a[U+000A]b[U+0009]c[U+000D]"),
        ("é 漢字 שלום", "é 漢字 שלום"),
        ("\ud800", "[U+D800]"),
        ("\U000e0068\U000e0069", "[U+E0068][U+E0069][tags that spell “hi”]"),
    ],
)
def test_what_cannot_be_seen_is_spelt_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@settings(max_examples=50)
@given(st.text(max_size=300))
def test_nothing_that_is_drawn_is_invisible(text: str) -> None:
    drawn = visible(text) + "".join(piece.text for piece in pieces(text))
    assert not [char for char in drawn if hidden(char) and char not in "\n\t"]


@settings(max_examples=50)
@given(
    st.text(max_size=120), st.lists(st.tuples(st.integers(-5, 140), st.integers(-5, 140)), max_size=6), st.booleans()
)
def test_short_texts_are_whole_and_marked_exactly_where_the_spans_are(
    text: str, spans: list[tuple[int, int]], plain: bool
) -> None:
    text = text if not plain else "".join(char for char in text if not hidden(char) or char in "\n\t")
    found = pieces(text, spans)
    assert not [piece for piece in found if piece.kind == "gap"]
    wanted = {at for start, end in spans for at in range(max(0, start), min(len(text), end))}
    if all(piece.kind == "text" for piece in found):
        assert "".join(piece.text for piece in found) == text
        marks = [piece.marked for piece in found for _ in piece.text]
        assert {at for at, marked in enumerate(marks) if marked} == wanted


def test_long_texts_are_cut_around_their_spans() -> None:
    text = "start " + "x" * 5000 + "TRIGGER" + "y" * 5000
    at = text.index("TRIGGER")
    drawn = joined(text, (at, at + 7))
    assert drawn.startswith("start xxx")
    assert "x…x" in drawn
    assert "xxx{TRIGGER}yyy" in drawn
    assert drawn.endswith("… 4,890 characters more")
    assert len(drawn) < LIMIT
    assert joined("z" * 5000) == "z" * LIMIT + f"… {5000 - LIMIT:,} characters more"
    assert joined("z" * 5000, (0, 99_999)).count("z") == LIMIT


def test_runs_of_invisible_characters_are_counted_not_listed() -> None:
    assert visible("\u200b" * 150).endswith("[U+200B][and 142 more unseen]")
    assert len(visible("\U000e0041" * 10**6)) < 400


def test_overlapping_and_empty_spans_are_joined() -> None:
    assert joined("abcdef", (1, 3), (2, 5), (5, 5), (9, 12)) == "a{bcde}f"
