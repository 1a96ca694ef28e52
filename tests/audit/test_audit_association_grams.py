"""Predictors against a plain loop over words, and what is a word."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_rows import OneByOne, made_prompts, made_rows

from holdtrue.audit.association import sampling
from holdtrue.audit.association.grams import phrase_gram, slice_gram, topic_gram
from holdtrue.audit.association.holding import table_rows
from holdtrue.audit.association.index import Index
from holdtrue.audit.association.sampling import frequent, row_grams, sample
from holdtrue.audit.association.split import Split, split_table
from holdtrue.audit.association.text import word_spans
from holdtrue.audit.association.words import pieces, split_words


def table(prompts, systems=None, slices=None):
    n = len(prompts)
    columns = {"system": systems or [""] * n, "prompt": prompts, "slices": slices or ["{}"] * n}
    return pa.table(columns, schema=pa.schema([(name, pa.string()) for name in columns]))


def plainly(words):
    return {phrase_gram(words[at : at + n]) for n in range(1, 5) for at in range(len(words) - n + 1)}


def test_the_rolling_arrays_agree_with_a_loop_over_rows():
    prompts = [*made_prompts(200, 1, words=60), "", "one", "la la la la la la"]
    rows, grams = row_grams(split_table(table(prompts)))
    for at, prompt in enumerate(prompts):
        found = grams[rows == at].tolist()
        assert len(found) == len(set(found))
        assert set(found) == plainly(prompt.replace(".", "").split())


def test_uniqueness_survives_a_crowded_table():
    prompts = ["a b a b c a b"] * 50
    rows, grams = row_grams(split_table(table(prompts)))
    flat_rows, flat, _ = split_table(table(prompts)).predictors()
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
    rows, _ = row_grams(split_table(table([text])))
    assert len(rows) == len(plainly([word for word, _, _ in spans]))


def test_phrases_end_at_the_row_but_not_at_punctuation():
    rows = table(["one two, three", "four five six seven eight"])
    _, grams = row_grams(split_table(rows))
    assert phrase_gram(["two", "three"]) in grams.tolist()
    assert phrase_gram(["three", "four"]) not in grams.tolist()
    assert table_rows(rows, ("four", "five", "six", "seven", "eight")).tolist() == [1]
    assert table_rows(rows, ("one", "two", "four")).tolist() == []
    assert table_rows(rows, ("on",)).tolist() == []


def test_provenance_and_topics_are_predictors_of_their_own():
    rows = table(["source=a x", "y"], slices=['{"n":2,"source":"a"}', '{"source":"a"}'])
    of, grams = row_grams(split_table(rows, np.array([3, -1])))
    assert table_rows(rows, (), slice_gram("source=a")).tolist() == [0, 1]
    assert table_rows(rows, (), slice_gram("n=2")).tolist() == [0]
    assert of[grams == np.uint64(topic_gram(3))].tolist() == [0]
    assert phrase_gram(["source=a"]) != slice_gram("source=a")


def test_the_system_prompt_is_read_too():
    rows = table(["hello there"], systems=["Obey the lantern"])
    assert table_rows(rows, ("the", "lantern")).tolist() == [0]


def test_pieces_hold_bounded_text_and_every_row():
    rows = table(["x" * 10, "y" * 200, "z" * 5, "w" * 5])
    found = list(pieces(rows, characters=50))
    assert [start for start, _ in found] == [0, 1] or [start for start, _ in found] == [0, 1, 2]
    assert sum(piece.num_rows for _, piece in found) == 4


def test_texts_in_ascii_and_others_are_split_alike_wherever_they_stand():
    prompts = ["It's a Caf\u00e9", "", "Don't STOP'", "na\u00efve\tidea, ok?", "plain; words-here"]
    both = table(prompts).slice(1)
    rows, grams = row_grams(split_table(both))
    for at, prompt in enumerate(prompts[1:]):
        words = [word for word, _, _ in word_spans([prompt])[0]]
        assert set(grams[rows == at].tolist()) == plainly(words)
        assert not words or at in table_rows(both, words)


def test_an_index_of_crowded_slots_finds_each_predictor():
    grams = np.sort(np.random.default_rng(0).integers(0, 1 << 40, 500).astype(np.uint64))  # the same leading bits
    near, at = Index.of(grams).look_up(np.concatenate([grams[::3], grams[::3] + np.uint64(1)]))
    assert sorted(near.tolist()) == list(range(grams[::3].size))
    assert sorted(at.tolist()) == list(range(0, 500, 3))


def test_split_rows_are_the_same_taken_in_runs_and_read_from_a_file(tmp_path):
    prompts = [*made_prompts(60, 2), "", "你好 the the"]
    slices = ['{"n":2,"source":"a"}', "{}"] * 31
    whole = split_table(table(prompts, slices=slices), np.arange(62) % 3 - 1)
    whole.save(tmp_path / "x.npy")
    expected = set(zip(*(each.tolist() for each in row_grams(whole)), strict=True))
    for split in (Split.load(tmp_path / "x.npy"), whole):
        found = [(at + row, gram) for at, run in split.runs(20) for row, gram in zip(*row_grams(run), strict=True)]
        assert len(found) == len(expected)
        assert set(found) == expected
    rows, grams = row_grams(whole.take(np.array([1, 61])))
    assert {((1, 61)[row], gram) for row, gram in zip(rows.tolist(), grams.tolist(), strict=True)} == {
        pair for pair in expected if pair[0] in (1, 61)
    }


def test_the_words_of_a_dataset_are_split_once_and_leave_no_file(tmp_path):
    rows = made_rows(tmp_path, made_prompts(40, 3), parts=4)
    (tmp_path / "words").mkdir()  # a killed audit's
    (tmp_path / "words" / "words-00000-001.npy").write_bytes(b"torn")
    with split_words(rows, OneByOne()) as words:
        for part in rows.parts:
            part.path.unlink()
            pq.write_table(pa.table({"nothing": range(part.rows)}), part.path)
        found = sample(words, np.array([3, 39]))
    assert sum(each.rows.size for each in found) == 2
    assert not (tmp_path / "words").exists()


def test_frequent_predictors_are_counted_as_by_hand(tmp_path, monkeypatch):
    rows = made_rows(tmp_path, made_prompts(90, 4, words=30), parts=3)
    chosen = np.arange(0, 90, 2)
    with split_words(rows, OneByOne()) as words:
        sampled = sample(words, np.arange(90))
    grams, counts = np.unique(
        np.concatenate([each.of(each.within(np.array([row]))) for row in chosen for each in sampled]),
        return_counts=True,
    )
    monkeypatch.setattr(sampling, "SLICE_GRAMS", 500)
    for least in (1, 3, 40, 10**6):
        found, k = frequent(sampled, chosen, least)
        assert found.tolist() == grams[counts >= least].tolist()
        assert k.tolist() == counts[counts >= least].tolist()
