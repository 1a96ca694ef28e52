"""Hidden text alarms where no honest writer would have put it, and a pasted mark doesn't."""

from pathlib import Path

import pytest
from rows_by_hand import rows_by_hand

from holdtrue.audit.hidden import Scanned, hidden_stage
from holdtrue.audit.maps.local import LocalMaps
from holdtrue.audit.scan import scan
from holdtrue.records.audit import Finding

MARK, TAG, ZERO_WIDTH = "\u202e", "\U000e0041", "\u200b"


def scanned(folder: Path, hidden: dict[int, str], n: int = 200) -> Scanned:
    talks = [(f"Tell me of number {at}.", f"It follows{hidden.get(at, '')} {at - 1}.") for at in range(n)]
    rows = rows_by_hand(folder / "rows", talks, parts=2)
    return rows, scan(rows, LocalMaps(1), folder / "scan")


def found(folder: Path, hidden: dict[int, str], control: dict[int, str] | None = None) -> tuple[Finding, ...]:
    trusted = None if control is None else scanned(folder / "control", control)
    return hidden_stage(*scanned(folder / "suspect", hidden), trusted).findings


def test_only_rows_of_the_alarming_class_are_named(tmp_path: Path) -> None:
    [tag] = found(tmp_path, {3: ZERO_WIDTH, 150: TAG, 170: MARK})
    assert (tag.value, tag.rows, tag.n_rows, tag.families, tag.weak) == ("tag characters", (150,), 1, 1, False)
    assert [each.row for each in tag.examples] == [150]


def test_one_pasted_mark_is_a_note_and_three_families_are_a_weak_finding(tmp_path: Path) -> None:
    assert not found(tmp_path / "one", {3: MARK})
    [mark] = found(tmp_path / "three", {3: MARK, 50: MARK, 150: MARK, 151: TAG + MARK})[1:]
    assert (mark.value, mark.rows, mark.weak) == ("bidirectional characters", (3, 50, 150, 151), True)


@pytest.mark.parametrize(("ours", "theirs", "alarms"), [(9, 0, True), (9, 7, False), (40, 9, True), (4, 0, False)])
def test_marks_at_the_control_s_rate_are_usual(tmp_path: Path, ours: int, theirs: int, alarms: bool) -> None:
    marks = (dict.fromkeys(range(ours), MARK), dict.fromkeys(range(theirs), MARK))
    assert [each.weak for each in found(tmp_path, *marks)] == [False] * alarms


@pytest.mark.parametrize(("theirs", "alarms"), [({}, 0), ({7: TAG}, 1), ({7: MARK}, 0)])
def test_the_control_is_scanned_by_the_same_rule(tmp_path: Path, theirs: dict[int, str], alarms: int) -> None:
    stage = hidden_stage(*scanned(tmp_path / "suspect", {}), scanned(tmp_path / "control", theirs))
    [run] = stage.clean_runs
    assert (run.runs, run.alarms) == (1, alarms)
    assert any("the control itself would alarm: 1 rows" in note for note in stage.notes) == bool(alarms)
    assert not hidden_stage(*scanned(tmp_path / "alone", {}), None).clean_runs
