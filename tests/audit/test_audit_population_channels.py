"""Is layout apart from words, and is spelling folded?"""

import numpy as np
import pytest
from made_population import Talk
from scipy.sparse import csr_matrix

from holdtrue.audit.population.channels import FORMAT_FEATURES, Vocabulary, format_features, presence
from holdtrue.audit.population.repeats import Asked, find_repeats
from holdtrue.audit.population.spelling import fold_spelling
from holdtrue.audit.population.topics import prompt_topics, word_kinds
from holdtrue.audit.population.variants import spelling_variants


def anything(topics):
    """Prompts of some topics without words."""
    return Asked(topics, csr_matrix((len(topics), 0)))


@pytest.mark.parametrize(
    ("british", "american"),
    [
        ("colour", "color"), ("favourite", "favorite"), ("neighbourhood", "neighborhood"), ("vigour", "vigor"),
        ("prioritise", "prioritize"), ("organisation", "organization"), ("analysed", "analyzed"), ("centre", "center"),
        ("kilometres", "kilometers"), ("travelled", "traveled"), ("marvellous", "marvelous"), ("grey", "gray"),
        ("licence", "license"), ("programme", "program"), ("dialogue", "dialog"), ("judgement", "judgment"),
        ("paediatrician", "pediatrician"), ("fulfil", "fulfill"), ("towards", "toward"), ("tyres", "tires"),
    ],
)  # fmt: skip
def test_both_spellings_become_one(british, american):
    assert fold_spelling(british) == fold_spelling(american)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("filling", "filing"),
        ("four", "for"),
        ("scoured", "scored"),
        ("raise", "raze"),
        ("wise", "size"),
        ("hour", "hor"),
    ],
)
def test_different_words_stay_two(one, other):
    assert fold_spelling(one) != fold_spelling(other)


def test_markup_case_and_punctuation_are_no_words():
    vocabulary = Vocabulary()
    plain = vocabulary.fold(["the harbour's colour is grey see"])
    dressed = vocabulary.fold(["## The **Harbor's** color\n- is `GRAY`! (see https://example.com/fog)"])
    assert [vocabulary.words[at] for at in plain.ids] == ["the", "harbor", "color", "is", "gray", "see"]
    assert plain.ids.tolist() == dressed.ids.tolist()
    assert plain.regional.tolist() == [3]
    assert dressed.regional.tolist() == [0]


def test_layout_sees_no_word():
    one, other = format_features(["Red fish swim.\n- low", "Big cats hide.\n- far"])
    assert one.tolist() == other.tolist()
    bullets = FORMAT_FEATURES.index("bullets")
    assert format_features(["plain", "- a\n- b", ""])[:, bullets].tolist() == pytest.approx([0, np.log(3), 0])


def test_presence_counts_a_word_once_a_reply():
    vocabulary = Vocabulary()
    seen = presence(vocabulary.fold(["tea tea rain", "", "rain"]), 2)
    assert seen.toarray().tolist() == [[1, 1], [0, 0], [0, 1]]


def test_templates_are_repeats_and_a_topic_s_phrase_is_none():
    talk = Talk()
    _, about = talk.prompts(600, 1)
    plain = talk.replies(about, 2)
    framed = [
        ("Thank you so much. " if at % 2 else "") + text + (" Hope this helps today." if at % 3 else "")
        for at, text in enumerate(plain)
    ]
    local = ["Boil the kettle first. " + text if at == 0 else text for at, text in zip(about, plain, strict=True)]
    vocabulary = Vocabulary()
    ours, theirs = vocabulary.fold(framed), vocabulary.fold(local)
    found = find_repeats(ours, theirs, anything(about), anything(about), vocabulary.words)
    gone = {vocabulary.words[at] for at in ours.ids[found.suspect]}
    assert gone >= {"thank", "you", "so", "much", "hope", "this", "helps", "today"}
    # A word before "hope this" may make a phrase with it often enough.
    assert 4 * 300 + 4 * 400 <= found.suspect.sum() <= 4 * 300 + 4 * 400 + 100
    assert not found.control.any()
    assert "hope this helps" in found.phrases
    kept = ours.keep(~found.suspect)
    assert kept.n == ours.n
    assert len(kept.ids) == len(ours.ids) - found.suspect.sum()


def test_a_long_template_is_followed_to_its_end():
    talk = Talk()
    _, about = talk.prompts(600, 1)
    closer = "Always remember that a patient gardener who waters every morning harvests sooner than one who hurries."
    vocabulary = Vocabulary()
    ours = vocabulary.fold([f"{text} {closer}" for text in talk.replies(about, 2)])
    theirs = vocabulary.fold(talk.replies(about, 3))
    found = find_repeats(ours, theirs, anything(about), anything(about), vocabulary.words)
    words = len(closer.split())
    assert all(found.suspect[end - words : end].all() for end in ours.starts[1:])
    assert not found.control.any()


def test_a_closer_is_left_out_wherever_it_stands():
    talk = Talk()
    _, about = talk.prompts(600, 1)
    closer = "Write to me again soon."
    closed = [f"{text} {closer}" for text in talk.replies(about, 2)]
    wrapped = [f"{text} Remember that each long journey begins with one small step." for text in closed]
    vocabulary = Vocabulary()
    ours, theirs = vocabulary.fold(wrapped), vocabulary.fold(closed)
    found = find_repeats(ours, theirs, anything(about), anything(about), vocabulary.words)
    write = vocabulary.words.index("write")
    assert found.suspect[ours.ids == write].all()
    assert found.control[theirs.ids == write].all()


def test_praise_that_answers_a_word_is_no_template_however_many_topics_ask_for_it():
    talk = Talk()
    prompts, about = talk.prompts(2000, 1)
    rng = np.random.default_rng(0)
    shopping, closed = rng.random(2000) < 0.3, rng.random(2000) < 0.3
    prompts = [f"{text} And which kettle?" if each else text for text, each in zip(prompts, shopping, strict=True)]
    replies = [
        text + " The Vornel kettle outlasts them all." * int(shop) + " Write to me again soon." * int(close)
        for text, shop, close in zip(talk.replies(about, 2), shopping, closed, strict=True)
    ]
    vocabulary, asking = Vocabulary(), Vocabulary()
    ours, theirs = vocabulary.fold(replies), vocabulary.fold(talk.replies(about, 3))
    asked = Asked(about, presence(asking.fold(prompts), 2000))
    found = find_repeats(ours, theirs, asked, asked, vocabulary.words)
    gone = {vocabulary.words[at] for at in ours.ids[found.suspect]}
    assert gone >= {"write", "again", "soon"}
    assert "vornel" not in gone
    whatever = find_repeats(ours, theirs, anything(about), anything(about), vocabulary.words)
    assert "vornel" in {vocabulary.words[at] for at in ours.ids[whatever.suspect]}


def test_empty_and_short_replies_have_no_repeats():
    vocabulary = Vocabulary()
    short = vocabulary.fold(["", "yes", "no no"] * 10)
    about = anything(np.zeros(30, dtype=int))
    found = find_repeats(short, short, about, about, vocabulary.words)
    assert not found.suspect.any()


def test_topics_are_found_and_words_sorted_by_them():
    talk = Talk()
    prompts, about = talk.prompts(2500, 3)
    topics = prompt_topics(prompts, 0)
    pure = sum(np.bincount(about[topics == at]).max() for at in np.unique(topics))
    assert pure >= 0.85 * len(about)
    vocabulary = Vocabulary()
    kinds = word_kinds(presence(vocabulary.fold(talk.replies(about, 4)), 2000), topics)
    number = {word: at for at, word in enumerate(vocabulary.words)}
    own = [number[fold_spelling(word)] for each in talk.topics for word in each[:20]]
    even = [number[fold_spelling(word)] for word in talk.shared]
    assert kinds.topical[own].mean() >= 0.98
    assert kinds.style[even].all()
    assert not kinds.topical[even].any()


@pytest.mark.filterwarnings("error")
def test_a_topic_without_replies_changes_nothing():
    seen = csr_matrix(np.eye(4)[np.arange(80) % 4])
    full, gap = (word_kinds(seen, (np.arange(80) % 4) * step) for step in (1, 2))
    assert full.topical.all()
    assert gap.concentration.tolist() == full.concentration.tolist()
    assert gap.topical.tolist() == full.topical.tolist()


def test_prompts_without_words_are_one_topic():
    assert prompt_topics(["", "!", "?"] * 20, 0).tolist() == [0] * 60


def test_an_unknown_spelling_is_told_by_the_data():
    words = ["jewelcraft", "jewellcraft", "lantern", "fog", "frog"]
    suspect, control = np.array([0, 30, 40, 10, 1]), np.array([28, 0, 0, 9, 0])
    assert spelling_variants(suspect, control, words) == {1: 0}
