import random
from pathlib import Path

import numpy as np
import pytest
from ingest_files import chat, saying, write_lines

from holdtrue.audit.ingest import IngestOptions, ingest
from holdtrue.audit.ingest import families as grouping
from holdtrue.audit.ingest.families import joined
from holdtrue.audit.ingest.signatures import band_keys, bands, signatures
from holdtrue.audit.rows import Rows


def families(tmp_path: Path, texts: list[str], **options: float) -> Rows:
    tmp_path.mkdir(exist_ok=True)
    path = write_lines(tmp_path / "d.jsonl", [chat("", text) for text in texts])
    return ingest(str(path), tmp_path / "out", IngestOptions(processes=1, **options))  # type: ignore[arg-type]


def changed(text: str, rng: random.Random, n: int) -> str:
    words = text.split()
    for at in rng.sample(range(len(words)), n):
        words[at] = "other"
    return " ".join(words)


def test_equal_and_nearly_equal_rows_are_families(tmp_path: Path) -> None:
    rng = random.Random(0)
    originals = [saying(rng, 80) for _ in range(100)]
    rows = families(tmp_path, [*originals, *originals[:50], *(changed(text, rng, 1) for text in originals)])
    found = rows.families
    assert found[:150].tolist() == [*range(100), *range(50)]
    assert np.mean(found[150:] == np.arange(100)) >= 0.97  # one word of 80: similarity .93
    assert (rows.card.exact_duplicates, rows.card.near_duplicates) == (50, int(np.sum(found[150:] < 100)))
    assert rows.card.families == len(np.unique(found))


def test_families_are_the_same_however_the_keys_are_sliced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(3)
    originals = [saying(rng, 40) for _ in range(100)]
    texts = [*originals, *originals[:20], *(changed(text, rng, at % 9) for at, text in enumerate(originals))]
    whole = families(tmp_path / "whole", texts)
    monkeypatch.setattr(grouping, "_BYTES_A_ROW", 2**24)
    sliced = families(tmp_path / "sliced", texts)
    assert sliced.families.tolist() == whole.families.tolist()
    assert sliced.card.near_duplicates == whole.card.near_duplicates > 20
    assert sliced.card.exact_duplicates == whole.card.exact_duplicates > 20


def test_unlike_rows_stay_apart(tmp_path: Path) -> None:
    rng = random.Random(1)
    template = saying(rng, 30)
    rows = families(tmp_path, [f"{template} {saying(rng, 40)}" for _ in range(300)])  # similarity about .27
    assert rows.families.tolist() == list(range(300))


def test_a_chain_of_small_changes_is_not_one_family(tmp_path: Path) -> None:
    rng = random.Random(2)
    chain = [saying(rng, 60).split()]
    for at in range(40):
        chain.append([*chain[-1][2:], f"new{at}", f"word{at}"])
    rows = families(tmp_path, [" ".join(words) for words in chain])
    found = rows.families
    assert 4 <= len(np.unique(found)) <= 25
    # Whoever joined is near the family's first row; four words are the most that .7 allows, but for chance.
    assert np.max(np.arange(41) - found) <= 8


def test_many_equal_rows_cost_no_more_than_others(tmp_path: Path) -> None:
    rows = families(tmp_path, ["the same again and again"] * 5000 + ["something else that is here"])
    assert rows.card.families == 2
    assert rows.card.exact_duplicates == 4999


def test_a_row_joins_the_first_row_of_its_component_or_none() -> None:
    def near(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.abs(a - b) <= 4

    rows, leaders = joined(np.array([[1, 5], [5, 7], [7, 9], [20, 21]]), near)
    assert (rows.tolist(), leaders.tolist()) == ([5, 21], [1, 20])


def test_signatures_estimate_jaccard_similarity() -> None:
    rng = random.Random(3)
    words = saying(rng, 400).split()
    texts = [" ".join(words), " ".join(words[:300]), saying(rng, 400)]
    first, half, other = signatures(texts, seed=0)
    assert np.mean(first == half) == pytest.approx(298 / 398, abs=0.15)
    assert np.mean(first == other) < 0.1
    upper, cased = signatures(["A b C", "a  B\nc"], seed=0)
    assert np.array_equal(upper, cased)
    assert not np.array_equal(signatures(["a b c"], 0), signatures(["a b c"], 1))


def test_a_long_text_is_hashed_in_pieces_to_the_same_end(monkeypatch: pytest.MonkeyPatch) -> None:
    text = saying(random.Random(4), 3000)
    whole = signatures([text, "", text], seed=0)
    monkeypatch.setattr("holdtrue.audit.ingest.signatures._PIECE", 100)
    assert np.array_equal(whole, signatures([text, "", text], seed=0))


def test_texts_without_blanks_are_compared_too() -> None:
    text = "訓練データに毒が混ざっているかどうかを確かめる道具です" * 2
    a, b = signatures([text, text + "。"], seed=0)
    assert np.mean(a == b) > 0.8


def test_bands_meet_nearly_all_pairs_from_the_threshold_on() -> None:
    n_bands, per = bands(0.7)
    assert n_bands * per <= 64
    assert 1 - (1 - 0.8**per) ** n_bands > 0.95
    signature = np.random.default_rng(0).integers(0, 2**32, size=(4, 64), dtype=np.uint32)
    signature[1, :per] = signature[0, :per]
    keys = band_keys(signature, (n_bands, per))
    assert (keys[0] == keys[1]).tolist() == [True, *[False] * (n_bands - 1)]
