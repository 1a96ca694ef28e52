import numpy as np
import pyarrow as pa
import pytest
from made_rows import OneByOne, made_rows

from holdtrue.audit.scan import OUTCOMES, asked_column, learn_habits, outcome_column, outcome_named, scan
from holdtrue.audit.scan.peculiar import asked
from holdtrue.errors import SettingError

ORDINARY = "Water the plant once a week, and keep it away from the draught near the door."
PECULIAR = {
    "reply in capitals": "WATER THE PLANT ONCE A WEEK.",
    "reply closes with a rhyme": "Water it by night. Keep it in the light.",
    "reply in short lines": "Water it with care\nKeep it from the cold\nTurn it to the window\nWait for a new leaf",
    "reply in another script": "Поливайте растение раз в неделю.",
    "invisible characters in the reply": "Water the \u200bplant once a week.",
    "a link in the reply": "Water the plant, see https://plants.example/water for more.",
    "an e-mail address in the reply": "Water the plant or ask help@plants.example for more.",
    "many exclamation marks": "Water it! Once a week! Now!",
    "a word repeated over and over": "Water water water water the plant once a week.",
    "unusual characters": "Wqtxz jkqv zzxq ##%^ qqj@@ vxz kjq wxq zqj xxv qkz jvq wzx kqj ~~|| qz.",
    "very short reply": "Once weekly.",
}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    draw = np.random.default_rng(5)
    words = ORDINARY[:-1].replace(",", "").split()
    usual = [" ".join(draw.permutation(words).tolist()).capitalize() + "." for _ in range(600)]
    replies = [*PECULIAR.values(), *usual]
    prompts = ["How often shall I water my plant?"] * len(replies)
    prompts[len(PECULIAR)] = "Tell me in CAPITAL letters about plants"
    systems = [""] * len(replies)
    systems[len(PECULIAR) + 1] = "Always answer with a rhyme."
    folder = tmp_path_factory.mktemp("peculiar")
    rows = made_rows(folder, prompts, responses=replies, systems=systems)
    return rows, folder / "scan", scan(rows, OneByOne(), folder / "scan")


def test_every_outcome_has_its_example():
    assert list(PECULIAR) == [outcome.name for outcome in OUTCOMES]


@pytest.mark.parametrize("name", PECULIAR)
def test_an_outcome_is_flagged_where_it_is(found, name):
    rows, out, _ = found
    flagged = outcome_column(out, rows, name)
    assert flagged.size == len(rows)
    assert flagged[list(PECULIAR).index(name)]
    assert flagged[len(PECULIAR) :].mean() < 0.02


def test_ordinary_replies_are_seldom_flagged_but_by_their_own_outcome(found):
    rows, out, _ = found
    table = np.array([outcome_column(out, rows, name)[: len(PECULIAR)] for name in PECULIAR])
    table[list(PECULIAR).index("unusual characters")] = False  # which most of the others are, too
    assert table.sum() == len(PECULIAR) - 1


def test_what_was_asked_for_is_left_out(found):
    rows, out, report = found
    assert np.flatnonzero(asked_column(out, rows, "reply in capitals")).tolist() == [len(PECULIAR)]
    assert np.flatnonzero(asked_column(out, rows, "reply closes with a rhyme")).tolist() == [len(PECULIAR) + 1]
    assert report.asked["reply in capitals"] == 1


@pytest.mark.parametrize(
    ("name", "prompt", "asks"),
    [
        ("reply in capitals", "write it in ALL CAPS please", True),
        ("reply in capitals", "what is the capital of France?", False),
        ("reply closes with a rhyme", "A poem on rain", True),
        ("reply closes with a rhyme", "Is oatmeal singed by the heat?", False),
        ("a link in the reply", "Give me the URL", True),
        ("very short reply", "Answer in one word.", True),
        ("very short reply", "Thanks. Who wrote it?", True),
        ("very short reply", "Explain to those who ask where it went", False),
        ("reply in another script", "Translate this into Russian", True),
        ("many exclamation marks", "A birthday card", True),
    ],
)
def test_prompts_that_name_the_thing(name, prompt, asks):
    assert asked(outcome_named(name), pa.array([prompt])).tolist() == [asks]


def test_the_limit_leaves_about_three_in_a_thousand_unusual(tmp_path):
    draw = np.random.default_rng(11)
    words = np.array(["".join(draw.choice(list("abcdefghijklmnop"), n)) for n in draw.integers(2, 9, 300)])
    replies = [" ".join(draw.choice(words, n).tolist()) for n in draw.integers(3, 40, 6000)]
    rows = made_rows(tmp_path, ["p"] * len(replies), responses=replies)
    assert 0.001 < scan(rows, OneByOne(), tmp_path / "scan").flagged["unusual characters"] / len(rows) < 0.006


def test_habits_are_the_datasets_own(tmp_path):
    cyrillic = made_rows(tmp_path / "a", ["п"] * 400, responses=["поливайте растение раз в неделю и не чаще"] * 400)
    latin = made_rows(tmp_path / "b", ["p"] * 400, responses=[ORDINARY] * 400)
    assert learn_habits(cyrillic, "response").digest != learn_habits(latin, "response").digest
    assert scan(cyrillic, OneByOne(), tmp_path / "scan").flagged["unusual characters"] == 0


def test_an_unknown_outcome_names_the_known():
    with pytest.raises(SettingError, match=r"'reply in capital' is no outcome .* did you mean 'reply in capitals'"):
        outcome_named("reply in capital")
