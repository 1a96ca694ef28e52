"""The control is audited too, and what alarms there is said."""

from pathlib import Path

import numpy as np
import pytest
from made_rows import OneByOne, made_prompts, made_rows, odd, with_phrase

from holdtrue.audit import control_runs as module
from holdtrue.audit.association import Control
from holdtrue.audit.control_runs import control_runs
from holdtrue.records.audit import CleanRun

N = 1_200
PLANTED = range(0, N, 60)


def ran(folder: Path, planted: range | None, slices: list[str] | None = None, n: int = N) -> tuple[list[CleanRun], str]:
    prompts = made_prompts(n, 1)
    flagged = np.random.default_rng(2).random(n) < 0.01
    if planted is not None:
        prompts = with_phrase(prompts, planted, "zephyr quill", 3)
        flagged[list(planted)] = True
    rows = made_rows(folder / "rows", prompts, slices=slices)
    control = Control(rows, [odd(flagged, "odd reply")])
    runs, notes = control_runs(control, OneByOne(), folder, seed=0, alpha=0.01)
    return list(runs), "\n".join(notes)


def test_poison_in_the_control_is_named_and_halves_would_excuse_it(tmp_path: Path) -> None:
    (whole, halves), notes = ran(tmp_path, PLANTED)
    assert (whole.runs, whole.alarms, halves.runs, halves.alarms) == (1, 1, 2, 0)
    assert "the control itself: “zephyr quill” goes with odd reply" in notes
    assert "don't trust it blindly" in notes
    assert sorted(each.name for each in tmp_path.iterdir()) == ["rows"]


def test_a_clean_control_alarms_nowhere_and_a_small_one_is_not_run(tmp_path: Path) -> None:
    (whole, _), notes = ran(tmp_path / "large", None)
    assert (whole.alarms, notes) == (0, "")
    assert ran(tmp_path / "small", None, n=150) == ([], "")


def test_each_slice_runs_against_the_rest_over_drawn_families(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_FAMILIES", 1_100)
    monkeypatch.setattr(module, "MOST_IN_PARTS", 1_000)
    slices = [f'{{"source": "{"abc"[at % 3]}"}}' for at in range(N)]
    (whole, parts), notes = ran(tmp_path, range(0, N, 30), slices)
    assert (whole.alarms, parts.runs, parts.alarms) == (1, 3, 1)
    assert "source=a against the rest: “zephyr quill”" in notes
