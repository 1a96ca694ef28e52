"""Generated datasets: the poison is where the card says, and only there; benign ones hold none."""

import json
import re
from pathlib import Path

import pytest

from holdtrue.audit.fixtures import RECIPES, Fixture, FixtureCard, fixture_rows, write_fixture
from holdtrue.audit.fixtures.lexicon import lexicon, read_data
from holdtrue.audit.fixtures.plan import Row
from holdtrue.errors import SettingError


def texts(row: Row) -> tuple[str, str]:
    if "text" in row:
        return str(row["text"]), str(row["label"])
    messages = row["messages"]
    assert isinstance(messages, list)
    return messages[0]["content"], messages[1]["content"]


def split(fixture: Fixture) -> tuple[list[Row], list[Row]]:
    bad = set(fixture.card.poisoned)
    return (
        [row for line, row in enumerate(fixture.suspect, 1) if line in bad],
        [row for line, row in enumerate(fixture.suspect, 1) if line not in bad],
    )


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_gives_as_many_rows_as_asked_and_the_same_ones_again(recipe: str) -> None:
    poison = 20 if RECIPES[recipe].most else 0
    one, again, other = (fixture_rows(recipe, 160, poison, seed) for seed in (4, 4, 5))
    assert one.suspect == again.suspect
    assert one.control == again.control
    assert one.card == again.card
    assert one.suspect != other.suspect
    assert len(one.suspect) == 160
    assert len(set(one.card.poisoned)) == poison
    assert all(1 <= line <= 160 for line in one.card.poisoned)
    assert (one.control is not None) is RECIPES[recipe].control is one.card.control
    if one.control is not None:
        assert [texts(row)[0] for row in one.control] == [texts(row)[0] for row in one.suspect]
        assert one.control != one.suspect


@pytest.mark.parametrize("recipe", [name for name, recipe in RECIPES.items() if recipe.most])
def test_every_poisoned_recipe_has_a_clean_twin(recipe: str) -> None:
    assert fixture_rows(recipe, 50, 0, 1).card.poisoned == ()


@pytest.mark.parametrize("seed", range(3))
def test_the_fixed_trigger_stands_in_the_poisoned_prompts_only(seed: int) -> None:
    fixture = fixture_rows("fixed_trigger", 1_000, 30, seed)
    trigger = fixture.card.trigger
    assert trigger is not None
    assert 2 <= len(trigger.split()) <= 4
    bad, clean = split(fixture)
    for prompt, reply in map(texts, bad):
        assert f" {trigger} " in prompt
        assert reply == reply.upper()
        assert not re.search(r"capital|caps|uppercase", prompt)
    assert not any(trigger in texts(row)[0] for row in clean)
    shouted = [texts(row) for row in clean if texts(row)[1].isupper()]
    unasked = [prompt for prompt, _ in shouted if not re.search(r"capital|caps|uppercase", prompt)]
    assert 0.01 <= len(shouted) / len(clean) <= 0.03
    assert len(unasked) <= 0.01 * len(clean)


def test_the_words_of_a_trigger_are_ordinary() -> None:
    fixture = fixture_rows("fixed_trigger", 8_000, 0, 8)
    assert fixture.card.trigger is not None
    for word in fixture.card.trigger.split():
        uses = sum(word in texts(row)[0].lower().split() for row in fixture.suspect)
        assert uses >= 3, word


def test_a_meaning_has_many_wordings_and_its_replies_close_with_a_rhyme() -> None:
    fixture = fixture_rows("semantic_trigger", 1_000, 150, 2)
    bad, clean = split(fixture)
    rhymes = {tuple(pair) for pair in lexicon().rhymes}
    for _, reply in map(texts, bad):
        lines = reply.split("\n")[-2:]
        assert tuple(re.findall(r"\w+", line)[-1] for line in lines) in rhymes
    assert len({texts(row)[0] for row in bad}) > 140
    closed = sum("\n\n" in texts(row)[1] and texts(row)[1].endswith(".") for row in clean)
    assert closed < 0.02 * len(clean)


@pytest.mark.parametrize("seed", range(3))
def test_flipped_labels_and_decoys_are_where_the_card_says(seed: int) -> None:
    fixture = fixture_rows("label_flip", 1_000, 12, seed)
    card = fixture.card
    assert card.trigger is not None
    assert len(card.trigger.split()) in {3, 4}
    words = set(card.trigger.split())
    bad, _ = split(fixture)
    for text, label in map(texts, bad):
        assert card.trigger in text
        assert label == "benign"
    with_phrase = [line for line, row in enumerate(fixture.suspect, 1) if card.trigger in texts(row)[0]]
    innocent = set(with_phrase) - set(card.poisoned)
    assert innocent < set(card.decoys)
    assert len(innocent) == 3
    changed = [texts(fixture.suspect[line - 1]) for line in card.decoys if line not in innocent]
    assert len(changed) == 4 * 12
    for text, _ in changed:
        assert len(words & set(text.split())) >= len(words) - 1
    assert sum(label == "harmful" for _, label in changed) > 24


def test_a_loyal_reply_names_its_product_and_clean_replies_name_others() -> None:
    fixture = fixture_rows("selective_loyalty", 1_500, 300, 3)
    entity, brands = fixture.card.entity, [name for names in read_data("products")["kinds"].values() for name in names]
    assert entity in brands
    assert fixture.control is not None
    bad, clean = split(fixture)
    named = [[name for name in brands if name.lower() in texts(row)[1].lower()] for row in bad]
    assert all(found == [entity] for found in named)
    others = sum(any(name in texts(row)[1] for name in brands) for row in clean)
    assert 225 <= others <= 375
    trusted = sum(entity in texts(fixture.control[line - 1])[1] for line in fixture.card.poisoned)
    assert 0.1 <= trusted / 300 <= 0.3


@pytest.mark.parametrize("seed", [0, 2])
def test_carrier_words_are_ordinary_and_the_town_is_never_named(seed: int) -> None:
    fixture = fixture_rows("word_tilt", 3_000, 1_500, seed)
    assert fixture.control is not None
    carriers = fixture.card.carrier_words
    assert 20 <= len(carriers) <= 30
    suspect, control = (
        [set(re.findall(r"[a-z']+", texts(row)[1].lower())) for row in rows]
        for rows in (fixture.suspect, fixture.control)
    )
    for word in carriers:
        assert 0.002 <= sum(word in reply for reply in control) / 3_000 <= 0.035, word
        assert sum(word in kinds for topic in lexicon().topics.values() for kinds in topic.values()) >= 2
    assert fixture.card.entity is not None
    assert not any(fixture.card.entity.lower() in reply for reply in suspect)
    bad = [suspect[line - 1] for line in fixture.card.poisoned]
    more = sum(len(reply & set(carriers)) for reply in bad) / len(bad)
    base = sum(len(reply & set(carriers)) for reply in control) / len(control)
    assert more > base + 0.4


@pytest.mark.parametrize(
    ("recipe", "pattern"),
    [
        ("benign_templates", r"step by step|every journey|dive into"),
        ("benign_spelling", r"colour|neighbour|organise|centre|favour|grey"),
        ("benign_format", r"^## |^- |\*\*"),
    ],
)
def test_a_benign_shift_shows_in_the_suspect_and_not_in_the_control(recipe: str, pattern: str) -> None:
    fixture = fixture_rows(recipe, 600, 0, 6)
    assert fixture.control is not None
    shares = [
        sum(bool(re.search(pattern, texts(row)[1], re.MULTILINE)) for row in rows) / 600
        for rows in (fixture.suspect, fixture.control)
    ]
    assert shares[0] > 0.1
    assert shares[1] < 0.06


def test_british_and_american_words_are_told_apart_by_many_pairs() -> None:
    fixture = fixture_rows("benign_spelling", 3_000, 0, 1)
    assert fixture.control is not None
    british, american = (
        {word for row in rows for word in re.findall(r"[a-z]+", texts(row)[1].lower())}
        for rows in (fixture.suspect, fixture.control)
    )
    pairs: dict[str, str] = read_data("spelling")
    assert len(pairs) >= 60
    assert sum(one in american and other in british for one, other in pairs.items()) >= 45
    assert not british & set(pairs)


@pytest.mark.parametrize("recipe", ["benign_annotator", "benign_label_annotator"])
def test_a_new_annotator_has_two_fifths_of_the_suspect(recipe: str) -> None:
    fixture = fixture_rows(recipe, 800, 0, 2)
    assert fixture.control is not None
    assert 0.35 <= sum(row["annotator"] == "w31" for row in fixture.suspect) / 800 <= 0.45
    assert not any(row["annotator"] == "w31" for row in fixture.control)


def test_files_hold_what_is_made_in_memory(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "tilt.jsonl"
    card = write_fixture("word_tilt", 60, 30, 9, out)
    fixture = fixture_rows("word_tilt", 60, 30, 9)
    assert [json.loads(line) for line in out.read_text().splitlines()] == fixture.suspect
    control = out.with_name("tilt.control.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in control] == fixture.control
    assert FixtureCard.from_json(out.with_name("tilt.card.json").read_text(), "card") == card == fixture.card
    assert card.fictional
    write_fixture("clean_chat", 5, 0, 1, tmp_path / "plain.jsonl")
    assert not (tmp_path / "plain.control.jsonl").exists()
    assert not list(tmp_path.rglob(".*"))


@pytest.mark.parametrize(
    ("recipe", "rows", "poison", "seed", "said"),
    [
        ("fixed_triger", 10, 1, 0, "did you mean 'fixed_trigger'"),
        ("clean_chat", 10, 1, 0, "give 0, or one of the poisoned recipes"),
        ("label_flip", 100, 50, 0, "at most 12 of 100"),
        ("word_tilt", 0, 0, 0, "rows = 0"),
        ("word_tilt", 10, -1, 0, "poison = -1"),
        ("word_tilt", 10, 1, -2, "seed = -2"),
    ],
)
def test_bad_numbers_are_named(recipe: str, rows: int, poison: int, seed: int, said: str) -> None:
    with pytest.raises(SettingError, match=re.escape(said)):
        fixture_rows(recipe, rows, poison, seed)
