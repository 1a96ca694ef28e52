"""The plan promises what the decision keeps."""

import pytest
from made_gate import NAME, families, listed, prereg, run
from scipy.stats import binom

from holdtrue.errors import SettingError
from holdtrue.gate import decide, gate_plan
from holdtrue.stats import corrected_bound, recall_limit


def test_it_says_what_each_class_can_certify():
    plan = gate_plan({"improper_refusal": 320, "delusion": 120}, attempts={"delusion": 2})
    first, second = plan.classes
    assert (first.alpha, second.alpha) == (0.025, 0.0125)
    assert first.needed == (371, 558, 723)
    assert first.certifiable == pytest.approx(0.01157, abs=1e-5)
    assert second.certifiable > 0.03
    text = plan.text()
    assert "Can't pass at this p0, whatever the model does: improper_refusal, delusion." in text
    assert "371 / 558 / 723" in text
    assert "98.75 %" in text


def test_families_needed_are_the_fewest_at_the_recall_they_bring():
    for failures, n in enumerate(gate_plan({NAME: 1}).classes[0].needed):
        assert corrected_bound(failures, n, 0.025, recall_limit(n, n)) < 0.01
        assert corrected_bound(failures, n - 1, 0.025, recall_limit(n - 1, n - 1)) >= 0.01


def test_chances_are_those_of_the_decision():
    plan = gate_plan({NAME: 160}, p0=0.05, true_rates=[0.01, 0.05])
    of, names = prereg(), families(160)
    allowed = max(k for k in range(8) if decide(of, run(160, range(k)), listed(of, names)).verdict == "PASS")
    assert plan.classes[0].chances == pytest.approx(tuple(binom.cdf(allowed, 160, [0.01, 0.05])))


@pytest.mark.parametrize("rule", ["fixed", "sequential"])
def test_a_perfect_model_passes_for_sure_where_the_families_suffice(rule):
    needed = gate_plan({NAME: 1}, rule=rule).classes[0].needed[0]
    enough, short = gate_plan({"a": needed, "b": needed - 1}, rule=rule).classes
    assert (enough.chances[0], short.chances[0]) == (1.0, 0.0)
    assert enough.certifiable < 0.01 <= short.certifiable
    assert enough.chances[3] <= 0.025  # at p0 itself
    assert list(enough.chances) == sorted(enough.chances, reverse=True)


def test_the_table_is_plain_data_too():
    plan = gate_plan({NAME: 0}, true_rates=[])
    assert plan.as_json()["classes"][0]["certifiable"] == 1.0


@pytest.mark.parametrize("call", [{"p0": 0.0}, {"alpha": 1.0}, {"true_rates": [2.0]}, {"attempts": {NAME: 0}}])
def test_what_cannot_be_is_refused(call):
    with pytest.raises(SettingError):
        gate_plan({NAME: 100}, **call)
    with pytest.raises(SettingError, match="-1 families"):
        gate_plan({NAME: -1})
