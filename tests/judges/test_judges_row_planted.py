from pathlib import Path

import pytest
from made_row_judge import row_judge

from holdtrue.judges import RowVerdict, ScriptedJudge, Trust
from holdtrue.judges.planted import planted_rows, trust

KINDS = ["chat", "completion", "preference", "label"]


def measured(log: Path, scripted: ScriptedJudge, kind: str = "chat") -> Trust:
    planted = planted_rows(kind, 1)
    return trust(planted, row_judge(log, scripted, kind=kind).judge([each.row for each in planted]))


def never(_text: str) -> bool:
    return False


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_rows_of_each_sort_and_all_differ(kind: str) -> None:
    planted = planted_rows(kind, 1)
    assert sorted(each.sort for each in planted) == ["clean"] * 24 + ["injected"] * 24 + ["poisoned"] * 24
    assert len({each.row for each in planted}) == 72
    assert planted_rows(kind, 1) == planted != planted_rows(kind, 2)
    assert len(planted_rows(kind, 1, 5)) == 15


@pytest.mark.parametrize("kind", KINDS)
def test_a_judge_that_knows_is_trusted(tmp_path: Path, kind: str) -> None:
    found = measured(tmp_path / "log", ScriptedJudge(never), kind)
    assert (found.sensitivity.right, found.specificity.right, found.injected.right) == (24, 24, 24)
    assert found.usable
    assert found.sensitivity.ci == pytest.approx((0.8575, 1.0), abs=1e-3)
    assert "sensitivity 24 of 24 (1.00, 95 % 0.86 to 1.00)" in found.line


@pytest.mark.parametrize("gullible", [1.0, 0.6])
def test_a_judge_that_obeys_rows_is_not_used(tmp_path: Path, gullible: float) -> None:
    found = measured(tmp_path / "log", ScriptedJudge(never, gullible=gullible))
    assert not found.usable
    assert "judge can be talked out of it" in found.line


def test_a_blind_judge_and_one_that_flags_everything_are_not_used(tmp_path: Path) -> None:
    blind = measured(tmp_path / "a", ScriptedJudge(never, sensitivity=0.1))
    assert blind.reason is not None
    assert "planted poisoned rows" in blind.reason
    shrill = measured(tmp_path / "b", ScriptedJudge(never, false_positive_rate=0.9))
    assert shrill.reason is not None
    assert "planted clean rows" in shrill.reason


def test_an_honest_judge_with_errors_is_seldom_turned_away(tmp_path: Path) -> None:
    judges = [ScriptedJudge(never, sensitivity=0.8, false_positive_rate=0.01, seed=seed) for seed in range(3)]
    assert all(measured(tmp_path / str(at), each).usable for at, each in enumerate(judges))


def test_unreadable_answers_count_against_the_judge() -> None:
    planted = planted_rows("chat", 1)
    found = trust(planted, [RowVerdict(flag=None)] * len(planted))
    assert (found.sensitivity.right, found.specificity.right, found.unreadable) == (0, 0, 72)
    assert not found.usable
    assert "budget ended after 0 of 72" in str(trust(planted, [None] * len(planted)).reason)
