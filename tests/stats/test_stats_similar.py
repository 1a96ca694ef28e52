"""Near duplicates against sets compared one by one, and many texts in little time."""

import re
import time

import numpy as np
import pytest

from holdtrue.errors import SettingError
from holdtrue.stats import near_duplicates


def brute(a: str, b: str) -> float:
    def grams(text: str) -> set[tuple[str, ...]]:
        words = re.findall(r"\w+", text.lower())
        return {tuple(words[at : at + 3]) for at in range(len(words) - 2)} if len(words) > 2 else {tuple(words)}

    return len(grams(a) & grams(b)) / len(grams(a) | grams(b))


def test_every_pair_as_sets_have_it():
    rng = np.random.default_rng(2)
    words = ["tea", "ship", "fog", "lamp"]
    texts = [" ".join(rng.choice(words, rng.integers(1, 14))) for _ in range(60)]
    expected = {
        (a, b): brute(texts[a], texts[b])
        for a in range(60)
        for b in range(a + 1, 60)
        if brute(texts[a], texts[b]) >= 0.3
    }
    found = {(a, b): value for a, b, value in near_duplicates(texts, 0.3).pairs}
    assert found == pytest.approx(expected)
    assert expected


def test_a_chain_of_pairs_is_one_unit():
    a = "the cook left the pan on the hot stove all night"
    b = "the cook left the pan on the hot stove all week long"
    c = "the maid left the pan on the hot stove all week long"
    found = near_duplicates([a, "a ship in fog", c, b], threshold=0.55)
    assert [pair[:2] for pair in found.pairs] == [(0, 3), (2, 3)]
    assert found.groups == ((0, 2, 3), (1,))


def test_case_and_punctuation_do_not_count():
    assert near_duplicates(["Kill the process, now!", "kill the PROCESS now"]).pairs == ((0, 1, 1.0),)


def test_empty_texts_are_like_no_other():
    found = near_duplicates(["", "", "two words", "Two words."])
    assert found.groups == ((0,), (1,), (2, 3))
    assert near_duplicates([]).groups == ()


def test_two_thousand_texts_take_seconds():
    rng = np.random.default_rng(4)
    texts = [" ".join(f"w{word}" for word in rng.integers(0, 400, 60)) for _ in range(1999)]
    began = time.perf_counter()
    found = near_duplicates([*texts, texts[7] + " end"])
    assert [pair[:2] for pair in found.pairs] == [(7, 1999)]
    assert len(found.groups) == 1999
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize("threshold", [0.0, 1.1])
def test_an_impossible_threshold_is_refused(threshold):
    with pytest.raises(SettingError, match="threshold"):
        near_duplicates(["a b c"], threshold)
