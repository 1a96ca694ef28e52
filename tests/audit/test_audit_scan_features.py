import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from holdtrue.audit.scan import FEATURES, Habits, Text, features
from holdtrue.audit.scan.layout import chunks
from holdtrue.audit.scan.rhyme import closing_rhyme

PLAIN = Habits(np.zeros(65536, np.float32), 0.0, 0.0)


def of(reply: str, prompt: str = "") -> dict[str, float]:
    """One reply's features, told between two others that must not leak into it."""
    replies = ["Before. It's", reply, "’s AFTER!"]
    found = features(Text.of(pa.array(replies)), Text.of(pa.array(["x", prompt, "y"])), PLAIN)
    return {name: float(column[1]) for name, column in found.items()}


def words_of(text: str) -> list[str]:
    laid = Text.of(pa.array(["'", text, "x"]))
    its = laid.words.row == 1
    edges = zip(laid.words.begins[its].tolist(), laid.words.ends[its].tolist(), strict=True)
    return [laid.phrase(*each) for each in edges]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't stop, World's 'end'", ["don't", "stop", "world's", "end"]),
        ("Ünïcode’s ÖL 3 ², x_y", ["ünïcode’s", "öl", "3", "²", "x", "y"]),
        ("", []),
        (" \n .. ", []),
        ("日本語 и ты", ["日本語", "и", "ты"]),
    ],
)
def test_words(text, words):
    assert words_of(text) == words


def test_equal_words_have_equal_hashes_at_any_place_and_case():
    words = Text.of(pa.array(["Stone a stone", "b STONE stones", "enots"])).words
    assert len(set(words.hashes[[0, 2, 4]].tolist())) == 1
    assert len(set(words.hashes.tolist())) == 5


COUNTED = [
    ("Two words.", {"characters": 10, "words": 2, "word_length": 4, "capitals": 1 / 8, "punctuation": 0.1, "lines": 1}),
    ("ÄÖ ab 12", {"capitals": 0.5, "digits": 0.25, "non_ascii": 0.25, "cased_letters": 4}),
    ("Да! Really?!", {"exclamation_marks": 2, "question_marks": 1, "capitals": 2 / 8}),
    ("one\n\n  \ntwo\nthree\n", {"lines": 3}),
    ("\n \n", {"lines": 0, "words": 0, "distinct_words": 1, "top_word": 0}),
    ("- a\n* b\n 2. c\n10) d\n-e\nx - y", {"bullets": 4, "lines": 6}),
    ("# Head\n### More\n#tag\nx # y", {"headings": 2}),
    ("```py\nx = 1\n```\n", {"code_fences": 2}),
    ("**bold** and __bold__, 2 ** 3 ** ", {"bold": 2}),
    ("See https://a.example/x, www.b.co.uk or shop.example.com.", {"links": 3}),
    ("An ellipsis...and e.g. file.txt, or 3.5 m.", {"links": 0}),
    ("http://localhost works", {"links": 1}),
    ("Write to jo.doe+x@mail.example.org.", {"emails": 1, "links": 0}),
    ("ha ha ha! Ha", {"longest_run": 4, "distinct_words": 0.25, "top_word": 1}),
    ("a b a b a c", {"longest_run": 1, "distinct_words": 0.5, "top_word": 0.5}),
    ("", {"characters": 0, "words": 0, "capitals": 0, "longest_run": 0}),
]


@pytest.mark.parametrize(("reply", "expected"), COUNTED)
def test_counts(reply, expected):
    found = of(reply)
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_a_stray_wide_character_changes_no_count_of_its_neighbours():
    replies = [reply for reply, _ in COUNTED if reply.isascii()]
    empty = [""] * (len(replies) + 1)
    narrow = features(Text.of(pa.array([*replies, "z"])), Text.of(pa.array(empty)), PLAIN)
    wide = features(Text.of(pa.array([*replies, "漢"])), Text.of(pa.array(empty)), PLAIN)
    for name in FEATURES:
        assert np.array_equal(narrow[name][:-1], wide[name][:-1]), name


def test_echoes_of_the_prompt():
    found = of("The old red barn stood there, as you said it", prompt="Why the OLD red barn? Is it what you said it is")
    assert (found["opens_with_prompt"], found["closes_with_prompt"]) == (1, 1)
    found = of("The old barn stood as he said it", prompt="the old red barn you said it")
    assert (found["opens_with_prompt"], found["closes_with_prompt"]) == (0, 0)
    assert of("Too short", prompt="Too short")["opens_with_prompt"] == 0


@pytest.mark.parametrize(
    ("reply", "prompt", "strange"),
    [
        ("Привет and hello", "Say hello", 6),
        ("Привет and hello", "Скажи привет", 8),
        ("漢字とかな", "日本語です", 0),
        ("γράμμα", "", 6),
        ("plain", "42?", 0),
    ],
)
def test_letters_of_another_script(reply, prompt, strange):
    assert of(reply, prompt)["strange_letters"] == strange


def test_verse_is_short_lines_and_no_list():
    verse = "The lamp is lit upon the hill\nThe boats are home and all is still\nThe tide has turned\nand so have we"
    assert of(verse)["verse"] == 1
    assert of("\n".join(f"- {line}" for line in verse.splitlines()))["verse"] == 0
    assert of("\n".join([verse.replace("\n", " ")] * 4))["verse"] == 0


@pytest.mark.parametrize(
    ("text", "rhymes"),
    [
        ("Here comes the night,\nso light.", True),
        ("He was baking. She was making!", True),
        ("He was baking. She was riding.", False),
        ("my love\n\nup above **\n", True),
        ("They went on\nand on", False),
        ("The cat sat. The dog ate", False),
        ("Only one line", False),
        ("at the station\nof our nation.", True),
        ("It was better\nthan butter", False),
        ("A day.\nA way. A stone", False),
        ("“Ein Wort”\nan dem Ort", True),
        ("the night.", False),
        ("light\nthe blessing of the Næht", False),
    ],
)
def test_closing_rhyme(text, rhymes):
    assert closing_rhyme(Text.of(pa.array(["see the night\nlight", text, "right. night"]))).tolist() == [
        True,
        rhymes,
        True,
    ]


def test_a_table_is_cut_at_rows_and_nothing_is_lost(monkeypatch):
    monkeypatch.setattr("holdtrue.audit.scan.layout.CHUNK_BYTES", 100)
    texts = ["x" * n for n in (10, 500, 0, 40, 70, 99, 1, 0)]
    pieces = [piece.column("t").to_pylist() for piece in chunks(pa.table({"t": pa.array(texts)}))]
    assert [text for piece in pieces for text in piece] == texts
    assert pieces[1] == [texts[1]]
    assert [piece.num_rows for piece in chunks(pa.table({"t": pa.array([], pa.string())}))] == [0]


def test_a_sliced_array_is_its_slice():
    whole = pa.array(["ab cd", "Ärger eins", "", "x zwei"])
    for at in range(4):
        alone = Text.of(pa.array(whole.slice(at).to_pylist(), pa.string()))
        assert np.array_equal(Text.of(whole.slice(at)).words.hashes, alone.words.hashes)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.text(), st.text()), max_size=6))
@example([("\r", ""), ("\t", "")])
def test_any_text_has_finite_features_and_the_same_alone_and_in_company(pairs):
    replies, prompts = pa.array([a for a, _ in pairs], pa.string()), pa.array([b for _, b in pairs], pa.string())
    together = features(Text.of(replies), Text.of(prompts), PLAIN)
    for at in range(len(pairs)):
        alone = features(Text.of(replies.slice(at, 1)), Text.of(prompts.slice(at, 1)), PLAIN)
        for name in FEATURES:
            assert np.isfinite(alone[name]).all()
            assert together[name][at] == alone[name][0], name
