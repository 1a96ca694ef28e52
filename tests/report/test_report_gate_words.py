"""Figures in words: limits never say more than was shown."""

import numpy as np
import pytest

from holdtrue.gate import sentences
from holdtrue.records.gate_item import FAILURE_CLASSES
from holdtrue.report.failure_classes import label_of
from holdtrue.report.gate.words import at_least, at_most, level, named, share, short


@pytest.mark.parametrize(
    ("rate", "most", "least"),
    [
        (0.0097, "0.97 %", "0.97 %"),
        (0.00970001, "0.98 %", "0.97 %"),
        (0.000998, "0.1 %", "0.099 %"),
        (0.0000123, "0.0013 %", "0.0012 %"),
        (1.0, "100 %", "100 %"),
        (0.0, "0 %", "0 %"),
        (None, "not measured", "not measured"),
    ],
)
def test_upper_limits_go_up_and_lower_ones_down(rate: float | None, most: str, least: str) -> None:
    assert (at_most(rate), at_least(rate)) == (most, least)


def test_the_page_and_the_verdicts_own_sentence_never_differ() -> None:
    rng = np.random.default_rng(3)
    rates = [float(f"{rate:.9g}") for rate in [*rng.uniform(size=300), *10 ** rng.uniform(-7, 0, size=300)]]
    assert [at_most(rate) for rate in rates] == [sentences.at_most(rate) for rate in rates]
    assert [at_least(rate) for rate in rates] == [sentences.at_least(rate) for rate in rates]
    assert level(0.05 * 2**-6) == sentences.level_text(0.05 * 2**-6)


def test_a_chosen_figure_is_not_rounded_away() -> None:
    assert [share(rate) for rate in (0.01, 0.001, 0.0033333)] == ["1 %", "0.1 %", "0.33333 %"]


def test_every_class_has_a_label_of_its_own() -> None:
    labels = {label_of(name) for name in FAILURE_CLASSES}
    assert len(labels) == len(FAILURE_CLASSES)
    assert not labels & set(FAILURE_CLASSES)
    assert label_of("\x00") == "unnamed"
    assert named(["codebase", "else", "persona"]) == "“Destroying files”, “else” and “Losing its persona”"
    assert named([]) == "none"
    assert short(None) == "not measured"
