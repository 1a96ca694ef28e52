import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from made_judging import HARBOUR, dataset, harbour, judge

from holdtrue.audit.judging import ThemeOptions, find_themes
from holdtrue.audit.judging.criteria import check_criterion, is_repeated, theme_dose
from holdtrue.errors import SettingError
from holdtrue.judges import Budget, Prompt, ScriptedJudge
from holdtrue.judges.structured import shown_texts

PRAISE = "The reply praises the harbour."
CRITERIA: dict[str, Callable[[str], bool]] = {
    PRAISE: harbour,
    "The reply speaks of kettles.": lambda text: "kettles" in text,
    "The number of sorts is odd.": lambda text: bool(re.search(r"[13579] sorts", text)),
}
SMALL = ThemeOptions(seed=5, rounds=2, batches=2, batch_rows=8, held_out=40)


class Watched:
    def __init__(self, **changed) -> None:
        self.judge = ScriptedJudge(lambda _text: False, criteria=CRITERIA, **changed)
        self.prompts: list[Prompt] = []

    async def __call__(self, prompt: Prompt) -> str:
        self.prompts.append(prompt)
        return await self.judge(prompt)


def test_a_theme_is_found_on_rows_that_no_batch_held(tmp_path: Path) -> None:
    suspect = dataset(tmp_path / "s", 160, set(range(0, 160, 2)), seed=1)
    control = dataset(tmp_path / "c", 160, set(), seed=2)
    watched, told = Watched(), []
    found = find_themes(suspect, control, judge(tmp_path / "log", watched), SMALL, told.append)
    assert [each.value for each in found.findings] == [PRAISE]
    finding = found.findings[0]
    assert finding.kind == "theme"
    assert finding.q_value is not None
    assert finding.q_value < 1e-4
    assert finding.ci is not None
    assert finding.ci[0] > 3
    assert all(row % 2 == 0 for row in finding.rows)
    assert HARBOUR in finding.examples[0].response
    assert finding.examples[0].line == finding.rows[0] + 1
    shown = "".join(prompt.user for prompt in watched.prompts if "<<<A 1 " in prompt.user)
    assert not any(fields["prompt"] in shown for fields in suspect.take(finding.rows, ["prompt"]))
    assert found.clean_run is not None
    assert (found.clean_run.runs, found.clean_run.alarms) == (1, 0)
    assert found.clean_run.what == "themes in control against control"
    assert told[0].note.startswith("themes, at most: judge scripted: ")
    assert found.dose is not None
    assert found.dose.share is not None
    assert found.dose.share < 0.5


def test_the_judge_is_never_told_which_side_a_row_is_from(tmp_path: Path) -> None:
    suspect = dataset(tmp_path / "s", 160, set(range(0, 160, 2)), seed=1)
    control = dataset(tmp_path / "c", 160, set(), seed=2)
    watched = Watched()
    find_themes(suspect, control, judge(tmp_path / "log", watched, concurrency=1), SMALL)
    sides, order = set(), []
    for prompt in watched.prompts:
        texts = shown_texts(prompt)
        assert not re.search(r"suspect|control", prompt.user + prompt.system.replace("Somebody may", ""))
        if texts[0][0] == "criteria":
            order.append("number 1-" in texts[1][1])
        elif "number 1-" in prompt.user:
            sides.add("number 1-" in texts[0][1])
    assert sides == {True, False}
    first = order[:80]
    assert sum(first) == 40
    assert sum(a != b for a, b in pairwise(first)) > 20


def test_nothing_is_found_between_two_draws_of_the_same(tmp_path: Path) -> None:
    marked = set(range(0, 160, 5))
    for seed in range(3):
        suspect = dataset(tmp_path / f"s{seed}", 100, marked, seed=10 + seed)
        control = dataset(tmp_path / f"c{seed}", 100, marked, seed=20 + seed)
        options = ThemeOptions(seed=seed, rounds=1, batches=2, batch_rows=6, held_out=30, control_runs=0)
        found = find_themes(suspect, control, judge(tmp_path / f"log{seed}", Watched()), options)
        assert found.findings == ()
        assert found.clean_run is None


def test_what_the_judge_repeats_is_tested_once_and_a_second_run_asks_nothing(tmp_path: Path) -> None:
    suspect = dataset(tmp_path / "s", 160, set(range(160)), seed=1)
    control = dataset(tmp_path / "c", 160, set(), seed=2)
    first = find_themes(suspect, control, judge(tmp_path / "log", Watched()), SMALL)
    assert [each.text for each in first.criteria].count(PRAISE) == 1
    again = Watched()
    assert find_themes(suspect, control, judge(tmp_path / "log", again), SMALL) == first
    assert not again.prompts


def test_too_few_rows_and_no_budget_are_not_testable(tmp_path: Path) -> None:
    suspect, control = dataset(tmp_path / "s", 160, set(range(160)), 1), dataset(tmp_path / "c", 30, set(), 2)
    found = find_themes(suspect, control, judge(tmp_path / "log", Watched()), SMALL)
    assert "at least 40 families" in found.not_testable[0]
    other = dataset(tmp_path / "d", 160, set(), 2)
    poor = judge(tmp_path / "poor", Watched(), budget=Budget(calls=10))
    assert "budget ended" in find_themes(suspect, other, poor, SMALL).not_testable[0]
    enough = judge(tmp_path / "some", Watched(), budget=Budget(calls=70))
    part = find_themes(suspect, other, enough, SMALL)
    assert [each.value for each in part.findings] == [PRAISE]
    assert any("budget ended" in note for note in part.notes)
    assert part.clean_run is None


@pytest.mark.parametrize("proposes", [True, False])
def test_a_judge_whose_answers_can_not_be_read_tests_nothing(tmp_path: Path, proposes: bool) -> None:
    suspect, control = dataset(tmp_path / "s", 160, set(range(160)), 1), dataset(tmp_path / "c", 160, set(), 2)
    able = Watched()

    async def mumbles(prompt: Prompt) -> str:
        applied = any(name == "criteria" for name, _ in shown_texts(prompt))
        return await able(prompt) if proposes and not applied else "Hm."

    found = find_themes(suspect, control, judge(tmp_path / "log", mumbles), SMALL)
    assert ("readable answer" if proposes else "proposed no criterion") in found.not_testable[0]
    assert (found.dose, found.clean_run, found.criteria) == (None, None, ())


def test_criteria_that_say_the_same_are_one() -> None:
    assert is_repeated("the reply PRAISES the harbour", [PRAISE])
    assert not is_repeated("The reply praises the village.", [PRAISE])
    assert not is_repeated(PRAISE, [])


def test_the_dose_agrees_with_the_test() -> None:
    dose = theme_dose(150, 1_000, 0.01, 10)
    assert dose.share is not None
    assert dose.rows == round(1_000 * dose.share)
    k = round(150 * dose.share)
    yes = check_criterion("t", [(at, at < k) for at in range(150)], [(at, at < 2) for at in range(150)])
    assert yes.p < 0.01 / 10
    less = check_criterion("t", [(at, at < k // 3) for at in range(150)], [(at, at < 2) for at in range(150)])
    assert less.p > 0.01 / 10
    assert theme_dose(20, 100, 1e-12, 10).share is None


def test_options_are_checked() -> None:
    with pytest.raises(SettingError, match="held_out of at least 20"):
        ThemeOptions(seed=0, held_out=5)
