"""Predictors against a plain loop over words, and what is a word."""

import numpy as np
import pyarrow as pa
import pytest
from made_rows import made_prompts

from holdtrue.audit.association.grams import (
    flat_grams,
    phrase_gram,
    phrase_rows,
    pieces,
    row_grams,
    slice_gram,
    slice_rows,
    topic_gram,
    word_spans,
)
from holdtrue.audit.association.passes import _Index


def table(prompts, systems=None, slices=None):
    n = len(prompts)
    columns = {"system": systems or [""] * n, "prompt": prompts, "slices": slices or ["{}"] * n}
    return pa.table(columns, schema=pa.schema([(name, pa.string()) for name in columns]))


def plainly(words):
    return {phrase_gram(words[at : at + n]) for n in range(1, 5) for at in range(len(words) - n + 1)}


def test_the_rolling_arrays_agree_with_a_loop_over_rows():
    prompts = [*made_prompts(200, 1, words=60), "", "one", "la la la la la la"]
    rows, grams = row_grams(table(prompts))
    for at, prompt in enumerate(prompts):
        found = grams[rows == at].tolist()
        assert len(found) == len(set(found))
        assert set(found) == plainly(prompt.replace(".", "").split())


def test_uniqueness_survives_a_crowded_table():
    prompts = ["a b a b c a b"] * 50
    rows, grams = row_grams(table(prompts))
    flat_rows, flat, _ = flat_grams(table(prompts))
    expected = {(row, gram) for row, gram in zip(flat_rows.tolist(), flat.tolist(), strict=True)}
    assert len(rows) == len(expected) < len(flat)
    assert set(zip(rows.tolist(), grams.tolist(), strict=True)) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't, STOP - now!", ["don't", "stop", "now"]),
        ("the cat’s 'quoted' hat", ["the", "cat's", "quoted", "hat"]),
        ("naïve cafe\u0301 42", ["naïve", "cafe\u0301", "42"]),
        ("你好 world", ["你", "好", "world"]),
        ("İstanbul ''", None),
    ],
)
def test_words(text, words):
    spans = word_spans([text])[0]
    if words is not None:
        assert [word for word, _, _ in spans] == words
    for word, start, end in spans:
        assert text[start:end].lower().replace("’", "'").startswith(word[:1]) or word[0] == "i"
        assert end - start == len(word)
    rows, _ = row_grams(table([text]))
    assert len(rows) == len(plainly([word for word, _, _ in spans]))


def test_phrases_end_at_the_row_but_not_at_punctuation():
    rows = table(["one two, three", "four five six seven eight"])
    _, grams = row_grams(rows)
    assert phrase_gram(["two", "three"]) in grams.tolist()
    assert phrase_gram(["three", "four"]) not in grams.tolist()
    assert phrase_rows(rows, ("four", "five", "six", "seven", "eight")).tolist() == [1]
    assert phrase_rows(rows, ("one", "two", "four")).tolist() == []
    assert phrase_rows(rows, ("on",)).tolist() == []


def test_provenance_and_topics_are_predictors_of_their_own():
    rows = table(["source=a x", "y"], slices=['{"n":2,"source":"a"}', '{"source":"a"}'])
    of, grams = row_grams(rows, np.array([3, -1]))
    assert slice_rows(rows, slice_gram("source=a")).tolist() == [0, 1]
    assert slice_rows(rows, slice_gram("n=2")).tolist() == [0]
    assert of[grams == np.uint64(topic_gram(3))].tolist() == [0]
    assert phrase_gram(["source=a"]) != slice_gram("source=a")


def test_the_system_prompt_is_read_too():
    rows = table(["hello there"], systems=["Obey the lantern"])
    assert phrase_rows(rows, ("the", "lantern")).tolist() == [0]


def test_pieces_hold_bounded_text_and_every_row():
    rows = table(["x" * 10, "y" * 200, "z" * 5, "w" * 5])
    found = list(pieces(rows, characters=50))
    assert [start for start, _ in found] == [0, 1] or [start for start, _ in found] == [0, 1, 2]
    assert sum(piece.num_rows for _, piece in found) == 4


def test_texts_in_ascii_and_others_are_split_alike_wherever_they_stand():
    prompts = ["It's a Caf\u00e9", "", "Don't STOP'", "na\u00efve\tidea, ok?", "plain; words-here"]
    both = table(prompts).slice(1)
    rows, grams = row_grams(both)
    for at, prompt in enumerate(prompts[1:]):
        words = [word for word, _, _ in word_spans([prompt])[0]]
        assert set(grams[rows == at].tolist()) == plainly(words)
        assert not words or at in phrase_rows(both, words)


def test_an_index_of_crowded_slots_finds_each_predictor():
    grams = np.sort(np.random.default_rng(0).integers(0, 1 << 40, 500).astype(np.uint64))  # the same leading bits
    near, at = _Index.of(grams).look_up(np.concatenate([grams[::3], grams[::3] + np.uint64(1)]))
    assert sorted(near.tolist()) == list(range(grams[::3].size))
    assert sorted(at.tolist()) == list(range(0, 500, 3))
