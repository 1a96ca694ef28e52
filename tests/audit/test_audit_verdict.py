"""What a verdict may say: nothing is found only where something was compared."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_judging import dataset, judge

from holdtrue.audit import AuditOptions, audit
from holdtrue.audit.judged import FLAGGED, Judged
from holdtrue.audit.rows import RowsCard
from holdtrue.audit.verdict import decide
from holdtrue.judges import Budget
from holdtrue.records.audit import AuditDesign, AuditStage, AuditVerdict, CleanRun, Dose
from holdtrue.stats import clopper_pearson

DESIGN = AuditDesign(
    dataset="data.jsonl", dataset_digest="d", control="c.jsonl", kind="chat", judge="some/judge",
    purpose="assistant", seed=0, alpha=0.01, holdtrue="0",
)  # fmt: skip
CARD = RowsCard(
    kind="chat", dataset="data.jsonl", data_digest="d", columns={}, part_rows=(9,), families=9, exact_duplicates=0,
    near_duplicates=0, quarantined=0, seed=0,
)  # fmt: skip


def stage(**fields: Any) -> AuditStage:
    return AuditStage(**{"name": "judge", "design": "d", "seconds": 0, **fields})


def audited(folder: Path, lines: list[dict[str, str]], control: list[dict[str, str]] | None = None) -> AuditVerdict:
    def written(name: str, rows: list[dict[str, str]]) -> str:
        path = folder / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return str(path)

    trusted = None if control is None else written("control.jsonl", control)
    options = AuditOptions(written("data.jsonl", lines), trusted, processes=1)
    return audit(options, folder / "out", lambda _: None)


@pytest.mark.parametrize(("compared", "name"), [(True, "NOTHING_FOUND"), (False, "NOT_TESTABLE")])
def test_nothing_is_found_only_where_a_stage_compared(compared: bool, name: str) -> None:
    assert decide(DESIGN, CARD, [stage(), stage(compared=compared)]).verdict == name


def test_labels_that_texts_do_not_tell_apart_are_not_testable(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    words = [f"word{at}" for at in range(200)]
    lines = [{"text": " ".join(rng.choice(words, 12)), "label": "ab"[int(rng.integers(2))]} for _ in range(400)]
    assert audited(tmp_path, lines).verdict == "NOT_TESTABLE"


def test_a_control_of_one_row_compares_nothing(tmp_path: Path) -> None:
    lines = [{"prompt": f"Tell me of number {at}.", "response": f"It follows {at - 1}."} for at in range(400)]
    assert audited(tmp_path, lines, lines[:1]).verdict == "NOT_TESTABLE"


@pytest.mark.parametrize(("asked", "name"), [("Tell me of", "NOTHING_FOUND"), ("What is", "NOT_TESTABLE")])
def test_only_a_control_of_the_same_prompts_compares(tmp_path: Path, asked: str, name: str) -> None:
    lines, trusted = (
        [{"prompt": f"{words} number {at}.", "response": f"It follows {at - 1}."} for at in range(300)]
        for words in ("Tell me of", asked)
    )
    verdict = audited(tmp_path, lines, trusted)
    assert verdict.verdict == name
    assert any("prompts differ: the control answers 0" in line for line in verdict.not_testable) == (asked == "What is")


@pytest.mark.parametrize(("calls", "compared"), [(10_000, True), (5, False)])
def test_a_judge_compares_only_where_it_can_be_believed(tmp_path: Path, calls: int, compared: bool) -> None:
    rows = dataset(tmp_path / "rows", 40, set())
    judged = Judged(AuditOptions("data"), rows, np.zeros(40), tmp_path, lambda _: None)
    judged.__dict__["_judge"] = judge(tmp_path / "judgements.jsonl", budget=Budget(calls=calls))
    assert judged.stage().compared is compared


def series(alarms: int, runs: int) -> CleanRun:
    return CleanRun(what="w", runs=runs, alarms=alarms, rate=alarms / runs, ci=clopper_pearson(alarms, runs))


@pytest.mark.parametrize("alarms", [[(1, 100), (2, 50), (0, 1)], [(30, 40), (15, 20)], [(0, 100)]])
def test_the_false_alarm_rate_lies_in_its_interval(alarms: list[tuple[int, int]]) -> None:
    runs = tuple(series(*each) for each in alarms)
    found = decide(DESIGN, CARD, [stage(clean_runs=runs)])
    assert found.clean_fpr == min(1, sum(run.rate for run in runs if run.runs >= 20))
    assert found.clean_fpr_ci is not None
    assert found.clean_fpr_ci[0] <= found.clean_fpr <= found.clean_fpr_ci[1]
    assert found.clean_runs == runs


def test_one_series_has_its_own_interval_and_a_single_run_none() -> None:
    found = decide(DESIGN, CARD, [stage(clean_runs=(series(2, 100), series(1, 1)))])
    assert found.clean_fpr_ci == pytest.approx(clopper_pearson(2, 100))
    alone = decide(DESIGN, CARD, [stage(clean_runs=(series(1, 1),))])
    assert (alone.clean_fpr, alone.clean_fpr_ci) == (None, None)


def test_what_ingest_noted_of_either_dataset_is_told() -> None:
    suspect = CARD.model_copy(update={"notes": ("3 texts cut",)})
    control = CARD.model_copy(update={"notes": ("3 texts cut",), "quarantined": 2})
    found = decide(DESIGN, suspect, [stage(notes=("a habit",))], control)
    assert found.notes == ("3 texts cut", "control: 2 rows couldn't be read", "control: 3 texts cut", "a habit")


def test_the_dose_of_judged_rows_counts_the_rows_that_were_not_judged(tmp_path: Path) -> None:
    rows = dataset(tmp_path / "rows", 80, set())
    judged = Judged(AuditOptions("data"), rows, np.zeros(80), tmp_path, lambda _: None)
    judged.__dict__["_judge"] = judge(tmp_path / "judgements.jsonl", budget=Budget(calls=76))
    [outcome] = judged.outcomes
    reached = outcome.population.count
    assert 0 < reached < 80
    assert outcome.reached == pytest.approx(reached / 80)
    told = judged.explained(Dose(kind="trigger", outcome=FLAGGED, rows=9, assuming="a phrase")).assuming
    assert f"{reached} of 80 families" in told
