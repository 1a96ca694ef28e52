import json
from pathlib import Path

import numpy as np
import pytest
from made_judging import dataset
from rows_by_hand import rows_by_hand

from holdtrue.audit import AuditOptions, audit
from holdtrue.audit.judging import Likelihoods, reply_likelihoods
from holdtrue.audit.unlikely import Unlikely
from holdtrue.engines.hf import HFEngine
from holdtrue.errors import SettingError
from holdtrue.models import ChatModel
from holdtrue.records import RecordLog
from holdtrue.records.audit_reading import AuditReading

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


def test_without_a_judge_a_model_reads_a_sample_once(
    tmp_path: Path, smollm: ChatModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [json.dumps({"prompt": prompt, "response": reply}) for prompt, reply in TALKS]
    (tmp_path / "data.jsonl").write_text("\n".join(lines) + "\n")
    loaded = []
    monkeypatch.setattr("holdtrue.models.load", lambda name, **_: loaded.append(name) or smollm)
    options = AuditOptions(str(tmp_path / "data.jsonl"), model="smollm2-135m", read_rows=20, processes=1)
    audit(options, tmp_path / "out", lambda _: None)
    stage = json.loads((tmp_path / "out" / "stages" / "likelihoods.json").read_text())
    assert stage["figures"]["rows read"] == 9
    assert stage["figures"]["replies far below it"] == 1
    assert stage["figures"]["median nats per token"] < 0
    assert "weak" in stage["notes"][0]
    log = tmp_path / "out" / "likelihoods.jsonl"
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:10]))  # as if all had been killed after it
    (tmp_path / "out" / "stages" / "likelihoods.json").unlink()
    audit(options, tmp_path / "out", lambda _: None)
    assert loaded == ["smollm2-135m"]


def test_unlikely_replies_are_an_outcome_among_the_rows_read(tmp_path: Path) -> None:
    rows = dataset(tmp_path / "rows", 40, set())
    scores = np.where(np.arange(40) < 15, 1.0, 0.0)
    scores[3] = 2
    log = RecordLog(tmp_path / "likelihoods.jsonl", AuditReading)
    for row in range(40):
        value = -9.0 if row == 3 else -2.0 - row / 100
        log.append(AuditReading(side="suspect", row=row, projection=None, log_likelihood=value, n_tokens=5))
    options = AuditOptions("made", model="smollm2-135m", read_rows=20)
    [outcome] = Unlikely(options, rows, scores, tmp_path, lambda _: None).outcomes
    assert outcome.population.count == 20
    assert outcome.population.has(np.arange(15)).sum() >= 10
    assert outcome.population.rows.max() >= 15
    assert (outcome.weak, outcome.everyday) == (True, True)
    assert outcome.flagged.rows.tolist() == [3]


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
