"""The stress picture: in both themes, with what there is to draw, and an error where there is nothing."""

import numpy as np
import pytest
from test_report_png import pixels
from test_report_stress_run import ARMS, made_design, made_run, made_trials

from holdtrue.errors import EvidenceError
from holdtrue.report.stress import stress_overview
from holdtrue.report.theme import DARK, LIGHT
from holdtrue.stress.results import results


def test_both_themes_have_the_same_size_and_other_colours() -> None:
    found, trials = made_run()
    light, dark = (pixels(stress_overview(found, trials, theme)) for theme in ("light", "dark"))
    assert light.shape == dark.shape
    assert light.shape[1] > 4 * 1200
    assert len(np.unique(light)) > 60
    # No filter changes the first pixel of all: it is the paper.
    assert [bytes(rows[0, 1:4]).hex() for rows in (light, dark)] == [LIGHT.paper[1:], DARK.paper[1:]]


def test_without_capability_the_drift_stands_there_and_one_arm_is_enough() -> None:
    trials = made_trials(ARMS[:4], 6, ("drift",))
    assert len(stress_overview(results(trials, [], made_design(trials, ARMS[:4])), trials)) > 10_000
    alone = made_trials(ARMS[:1], 2, ("tool",))
    assert len(stress_overview(results(alone, [], made_design(alone, ARMS[:1])), alone)) > 5_000


def test_nothing_to_draw_is_an_error() -> None:
    with pytest.raises(EvidenceError, match="nothing to draw"):
        stress_overview(results([], [], made_design([])), ())
