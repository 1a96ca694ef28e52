"""Text as its tokens come: whole characters only, and nothing of a stop string."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_models import make_tokenizer

from holdtrue.models import ChatModel, TextStream


def pieces(tokenizer, text, stop=()):
    stream = TextStream(tokenizer, stop)
    out = [stream.push(token) for token in tokenizer(text, add_special_tokens=False).input_ids]
    return [*out, stream.finish()], stream


TINY = make_tokenizer(["<bos>", "<eos>"])


@given(st.text(max_size=40))
def test_the_pieces_join_to_the_text_and_no_piece_holds_half_a_character(text):
    out, _ = pieces(TINY, text)
    assert "".join(out) == TINY.decode(TINY(text, add_special_tokens=False).input_ids, skip_special_tokens=True)
    if "\ufffd" not in text:
        assert all("\ufffd" not in piece for piece in out)


@given(st.text(alphabet="abn", max_size=30), st.lists(st.text(alphabet="abn", min_size=1, max_size=4), max_size=3))
def test_everything_up_to_the_first_stop_string_and_nothing_of_it(text, stop):
    out, stream = pieces(TINY, text, tuple(stop))
    met = next((text[:end] for end in range(len(text) + 1) if any(each in text[:end] for each in stop)), None)
    expected = text if met is None else met[: min(met.find(each) for each in stop if each in met)]
    assert "".join(out) == expected
    assert stream.stopped == (met is not None)
    for so_far in range(len(out)):
        assert not any(each in "".join(out[:so_far]) for each in stop)


def test_a_real_tokenizer_streams_emoji_and_accents(smollm: ChatModel):
    text = "Zoë drew 🦊🏽 and 漢字."
    out, _ = pieces(smollm.tokenizer, text)
    assert "".join(out) == text
    assert sum(bool(piece) for piece in out) > 3


def test_bytes_that_never_become_a_character_are_shown_as_such():
    stream = TextStream(TINY)
    first = TINY("é", add_special_tokens=False).input_ids[0]
    assert stream.push(first) == ""
    assert stream.finish() == "\ufffd"


@pytest.mark.parametrize("stop", [("END",), ("ND OF", "END")])
def test_a_stop_string_that_spans_tokens_is_met(smollm: ChatModel, stop):
    out, stream = pieces(smollm.tokenizer, "The END OF it", stop)
    assert stream.stopped
    assert "".join(out) in {"The ", "The E"}
