from pathlib import Path

import numpy as np
import pytest
from made_judging import dataset, harbour, judge

from holdtrue.audit.judging import CascadeOptions, judge_cascade
from holdtrue.errors import SettingError
from holdtrue.judges import Budget, ScriptedJudge
from holdtrue.progress import Progress

N = 400
MARKED = set(range(0, N, 10))
SMALL = CascadeOptions(seed=2, top=30, audit=60, planted=4)


def suspicious(found: float = 0.5) -> np.ndarray:
    """Scores that know every second marked row."""
    scores = np.random.default_rng(0).random(N)
    scores[sorted(MARKED)[: int(found * len(MARKED))]] += 1
    return scores


def test_top_rows_and_a_sample_are_judged_and_the_miss_rate_is_told(tmp_path: Path) -> None:
    told: list[Progress] = []
    scripted = ScriptedJudge(harbour)
    rows = dataset(tmp_path / "rows", N, MARKED)
    found = judge_cascade(rows, suspicious(), judge(tmp_path / "log", scripted), SMALL, told.append)
    assert scripted.asked == 12 + int(found.judged.sum())
    assert 80 <= found.judged.sum() <= 90
    assert found.trust.usable
    assert set(np.flatnonzero(found.flagged)) <= MARKED
    assert set(sorted(MARKED)[:20]) <= set(np.flatnonzero(found.flagged))
    assert found.prevalence.sampled == 60
    low, high = found.prevalence.ci
    assert low <= 0.1 <= high
    assert 0 < found.prevalence.missed < found.prevalence.flagged
    assert "rows to ask, about" in told[0].note
    assert told[-1].done == told[-1].total
    assert (found.unreached, found.unreadable) == (0, ())


def test_a_second_run_asks_nothing_and_says_the_same(tmp_path: Path) -> None:
    rows = dataset(tmp_path / "rows", N, MARKED)
    first = judge_cascade(rows, suspicious(), judge(tmp_path / "log"), SMALL)
    scripted = ScriptedJudge(harbour)
    again = judge_cascade(rows, suspicious(), judge(tmp_path / "log", scripted), SMALL)
    assert not scripted.asked
    assert again.notes == first.notes
    assert again.verdicts == first.verdicts


def test_trusted_rows_stand_among_the_others_and_none_is_paid_for_twice(tmp_path: Path) -> None:
    rows = dataset(tmp_path / "rows", N, MARKED)
    control = dataset(tmp_path / "control", 100, set(range(0, 100, 5)), seed=9)
    scripted = ScriptedJudge(harbour)
    judged = judge(tmp_path / "log", scripted, concurrency=1)
    found = judge_cascade(rows, suspicious(), judged, SMALL, control=control)
    trusted = scripted.asked - 12 - int(found.judged.sum())
    assert found.trusted is not None
    assert 20 <= found.trusted.sampled == trusted <= 90 // 4
    assert 0 < found.trusted.flagged < trusted
    assert f"judge flags {found.trusted.flagged} of {trusted} trusted rows" in found.notes[2]
    cut = judge_cascade(
        rows, suspicious(), judge(tmp_path / "cut", budget=Budget(calls=60), concurrency=1), SMALL, control=control
    )
    assert cut.trusted is not None
    assert 5 <= cut.trusted.sampled < trusted  # the budget's end cuts both alike
    again = ScriptedJudge(harbour)
    assert judge_cascade(rows, suspicious(), judge(tmp_path / "log", again), SMALL, control=control) is not None
    assert not again.asked


def test_the_end_of_the_budget_keeps_what_was_judged_and_the_sample_random(tmp_path: Path) -> None:
    rows = dataset(tmp_path / "rows", N, MARKED)
    short = judge(tmp_path / "log", budget=Budget(calls=50), concurrency=1)
    found = judge_cascade(rows, suspicious(), short, SMALL)
    assert len(found.verdicts) + 12 >= 44
    assert found.unreached > 30
    assert 15 <= found.prevalence.sampled <= 30
    assert "the budget ended" in found.notes[-1]
    full = judge_cascade(rows, suspicious(), judge(tmp_path / "full"), SMALL)
    assert not (found.flagged & ~full.flagged).any()


def test_a_judge_that_obeys_rows_is_found_out_before_the_money_is_spent(tmp_path: Path) -> None:
    scripted = ScriptedJudge(harbour, gullible=1.0)
    rows = dataset(tmp_path / "rows", N, MARKED)
    found = judge_cascade(rows, suspicious(), judge(tmp_path / "log", scripted), CascadeOptions(seed=2, planted=12))
    assert scripted.asked == 18
    assert not found.judged.any()
    assert not found.flagged.any()
    assert not found.verdicts
    assert found.prevalence.rate is None
    assert "judge can be talked out of it" in found.notes[0]
    assert "isn't to be trusted" in found.notes[-1]


def test_a_near_copy_of_a_clean_row_can_be_seen(tmp_path: Path) -> None:
    # Every marked row is in the family of an unmarked one that comes before it.
    families = [at - at % 2 for at in range(40)]
    rows = dataset(tmp_path / "rows", 40, set(range(1, 40, 2)), families=families)
    found = judge_cascade(rows, np.zeros(40), judge(tmp_path / "log"), CascadeOptions(3, top=0, audit=20, planted=4))
    assert found.prevalence.families == 20
    assert 4 <= found.prevalence.flagged <= 16


def test_rows_without_a_readable_answer_are_named(tmp_path: Path) -> None:
    class Mute:
        def __init__(self) -> None:
            self.judge = ScriptedJudge(harbour)

        async def __call__(self, prompt):
            return "I'd rather not." if harbour(prompt.user) else await self.judge(prompt)

    rows = dataset(tmp_path / "rows", 60, {5, 6})
    options = CascadeOptions(0, top=0, audit=60, planted=4)
    found = judge_cascade(rows, np.zeros(60), judge(tmp_path / "log", Mute()), options)
    assert found.unreadable == (5, 6)
    assert not found.judged[[5, 6]].any()
    assert found.prevalence.unreadable == 2
    assert found.prevalence.ci[0] == 0.0
    assert found.prevalence.ci[1] > 2 / 60
    assert "2 rows got no readable answer" in found.notes[-1]


def test_options_are_checked() -> None:
    with pytest.raises(SettingError, match="planted at least 1"):
        CascadeOptions(0, planted=0)
