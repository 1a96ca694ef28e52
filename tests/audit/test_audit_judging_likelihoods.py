from pathlib import Path

import numpy as np
import pytest
from made_judging import dataset
from rows_by_hand import rows_by_hand

from holdtrue.audit.judging import Likelihoods, reply_likelihoods
from holdtrue.engines.hf import HFEngine
from holdtrue.errors import SettingError
from holdtrue.models import ChatModel

FOODS = {"meat and fish": ("cats", "dogs", "seals", "bears"), "grass and hay": ("cows", "sheep", "goats", "deer")}
PLAIN = [(f"What do {them} eat?", f"{them.capitalize()} eat {food}.") for food, all_ in FOODS.items() for them in all_]
ODD = ("What do mice eat?", "Quartz zebra unto plinth ago violet seven marmot of yet.")
TALKS = [*PLAIN, ODD, ("What do owls eat?", "")]


def test_an_odd_reply_is_far_below_the_others(tmp_path: Path, smollm: ChatModel, engine: HFEngine) -> None:
    rows = rows_by_hand(tmp_path / "rows", TALKS)
    told = []
    found = reply_likelihoods(rows, list(range(10))[::-1], engine, smollm.template, told.append)
    assert np.isnan(found.mean_log_prob[0])
    assert found.rows[found.unlikely].tolist() == [8]
    assert found.mean_log_prob[1] < found.mean_log_prob[2:].min() - 2
    assert told[-1].done == told[-1].total == 10


def test_the_rule_bears_nothing_to_read() -> None:
    assert not Likelihoods(np.arange(3), np.full(3, np.nan)).unlikely.any()
    assert not Likelihoods(np.arange(0), np.zeros(0)).unlikely.any()


def test_labelled_texts_have_no_replies(tmp_path: Path, smollm: ChatModel, engine: HFEngine) -> None:
    rows = rows_by_hand(tmp_path / "rows", TALKS, kind="label")
    with pytest.raises(SettingError, match="have none"):
        reply_likelihoods(rows, [0], engine, smollm.template)


def test_rows_are_read_in_the_order_asked(tmp_path: Path, smollm: ChatModel, engine: HFEngine) -> None:
    rows = dataset(tmp_path / "rows", 6, set())
    one, other = (reply_likelihoods(rows, wanted, engine, smollm.template) for wanted in ([1, 4], [4, 1]))
    assert one.mean_log_prob[::-1] == pytest.approx(other.mean_log_prob, abs=1e-4)
