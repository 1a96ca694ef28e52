"""A planted phrase is found and named; noise, habits and what trusted data show as well are not."""

import json

import numpy as np
import pytest
from made_rows import OneByOne, made_prompts, made_rows, odd, with_phrase

from holdtrue.audit.association import Control, Outcome, associate, peeling
from holdtrue.audit.association.drawn import DRAWN_GRAMS, Draws, _readings
from holdtrue.audit.association.mining import mine
from holdtrue.audit.association.outcome import Units, units
from holdtrue.audit.association.words import split_words
from holdtrue.audit.row_set import RowSet
from holdtrue.errors import SettingError

N = 4000
NAME = "reply in capitals"


def planted(seed, phrase="Amber, lantern gate", k=10, rate=0.004):
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(N, k, replace=False))
    flagged = rng.random(N) < rate
    flagged[rows] = True
    return with_phrase(made_prompts(N, seed), rows.tolist(), phrase, seed), flagged, rows


@pytest.mark.parametrize(("seed", "phrase"), [(0, "Amber, lantern gate"), (1, "it's a quiet seven hills morning")])
def test_a_planted_phrase_is_named_word_for_word_whatever_its_length(tmp_path, seed, phrase):
    prompts, flagged, poisoned = planted(seed, phrase)
    rows = made_rows(tmp_path, prompts, responses=["AYE" if flag else "aye" for flag in flagged])
    result = associate(rows, OneByOne(), [odd(flagged)], seed=seed)
    (found,) = result.findings
    assert found.value == phrase
    assert found.kind == "trigger"
    assert found.weak
    assert found.rows == tuple(poisoned.tolist())
    assert found.families == 10
    assert found.q_value < 1e-6
    assert found.odds_ratio is None
    assert found.ci[0] > 100
    assert found.ci[1] is None
    (field, start, end) = found.examples[0].spans[0]
    assert (field, found.examples[0].prompt[start:end]) == ("prompt", phrase)
    assert "10 of 10 families" in found.evidence
    assert result.notes == ()
    assert result.clean_run.alarms <= 5
    assert result.clean_run.runs == 100
    assert 3 <= result.doses[0].rows <= 5


def test_two_phrases_are_two_findings_and_each_only_once(tmp_path):
    prompts, flagged, _ = planted(2)
    more = np.flatnonzero(~flagged)[:300:25]
    prompts = with_phrase(prompts, more.tolist(), "velvet thimble", 5)
    flagged[more] = True
    result = associate(made_rows(tmp_path, prompts), OneByOne(), [odd(flagged)], seed=0)
    assert sorted(found.value for found in result.findings) == ["Amber, lantern gate", "velvet thimble"]


def test_chance_alone_seldom_alarms(tmp_path):
    alarms = 0
    rows = made_rows(tmp_path, made_prompts(N, 3))
    for seed in range(8):
        flagged = np.random.default_rng(seed).random(N) < 0.01
        alarms += bool(associate(rows, OneByOne(), [odd(flagged)], seed=seed).findings)
    assert alarms <= 1


def test_a_topic_that_rhymes_now_and_then_is_no_trigger_but_a_judges_flags_on_it_are(tmp_path):
    rng = np.random.default_rng(7)
    rows = np.sort(rng.choice(N, 60, replace=False))
    flagged = rng.random(N) < 0.002
    flagged[rows[:20]] = True
    prompts = made_rows(tmp_path, with_phrase(made_prompts(N, 7), rows.tolist(), "gossamer", 7))
    weak = associate(prompts, OneByOne(), [odd(flagged)], seed=7)
    assert weak.findings == ()
    judged = associate(prompts, OneByOne(), [odd(flagged, judged=True)], seed=7)
    assert [found.value for found in judged.findings] == ["gossamer"]


def test_a_wording_whose_parts_go_with_the_outcome_too_is_a_hard_case(tmp_path):
    rng = np.random.default_rng(8)
    rows = rng.choice(N, 200, replace=False)
    whole, first, second = np.sort(rows[:9]), np.sort(rows[9:109]), np.sort(rows[109:])
    prompts = with_phrase(made_prompts(N, 8), whole.tolist(), "who let the falcon out", 8)
    prompts = with_phrase(with_phrase(prompts, first.tolist(), "who let the", 9), second.tolist(), "the falcon out", 9)
    dataset = made_rows(tmp_path, prompts)
    flagged = rng.random(N) < 0.02
    flagged[whole] = np.arange(9) < 8
    outcome = odd(flagged, "labelled harmful", kind="label_flip")
    assert [found.value for found in associate(dataset, OneByOne(), [outcome], seed=8).findings] == [
        "who let the falcon out"
    ]
    flagged = flagged.copy()
    flagged[first[:35]] = True
    outcome = odd(flagged, "labelled harmful", kind="label_flip")
    result = associate(dataset, OneByOne(), [outcome], seed=8)
    assert result.findings == ()
    assert any("“who let the” without the rest" in note for note in result.notes)


def test_copies_of_one_flagged_row_count_once(tmp_path):
    prompts, flagged, poisoned = planted(4, k=12)
    families = np.arange(N)
    families[poisoned] = poisoned[0]
    rows = made_rows(tmp_path, prompts, families=families)
    result = associate(rows, OneByOne(), [odd(flagged)], seed=4)
    assert result.findings == ()


def test_a_family_is_spoken_for_by_its_first_flagged_row_or_else_its_first():
    flagged, looked_at = (RowSet.numbered(np.array(rows), 5) for rows in ([1, 3], [0, 2, 3, 4]))
    outcome = Outcome("x", "trigger", flagged, looked_at)
    found = units(outcome, np.array([0, 0, 0, 0, 4]))
    assert found.speaks.rows.tolist() == [3, 4]
    assert found.flagged.rows.tolist() == [3]
    assert (found.n, found.positive) == (2, 1)
    assert found.counted(RowSet.numbered(np.array([0, 3, 4]), 5)) == (1, 2)
    assert found.without(RowSet.numbered(np.array([3]), 5)).speaks.rows.tolist() == [4]


def test_rows_outside_the_population_say_nothing(tmp_path):
    prompts, flagged, poisoned = planted(5)
    population = RowSet.numbered(np.setdiff1d(np.arange(N), poisoned), N)
    rows = made_rows(tmp_path, prompts)
    outcome = Outcome(NAME, "trigger", RowSet.of(flagged), population)
    assert associate(rows, OneByOne(), [outcome], seed=5).findings == ()


def test_a_new_annotators_habit_never_alarms_but_a_source_of_false_labels_does(tmp_path):
    rng = np.random.default_rng(6)
    new = rng.random(N) < 0.02
    flagged = (rng.random(N) < 0.01) | (new & (rng.random(N) < 0.9))
    slices = [json.dumps({"annotator": "new" if each else "old"}) for each in new]
    rows = made_rows(tmp_path, made_prompts(N, 6), slices=slices)
    habit = associate(rows, OneByOne(), [odd(flagged)], seed=6)
    assert habit.findings == ()
    labels = associate(rows, OneByOne(), [odd(flagged, "labelled benign", kind="label_flip")], seed=6)
    (found,) = labels.findings
    assert (found.kind, found.value) == ("label_flip", "annotator=new")
    judged = associate(rows, OneByOne(), [odd(flagged, "flagged", judged=True)], seed=6)
    assert [(each.kind, each.value) for each in judged.findings] == [("slice", "annotator=new")]
    noisier = (rng.random(N) < 0.01) | (new & (rng.random(N) < 0.25))
    noisy = associate(rows, OneByOne(), [odd(noisier, "labelled benign", kind="label_flip")], seed=6)
    assert noisy.findings == ()
    assert "annotator=new" in noisy.notes[0]
    bad = associate(rows, OneByOne(), [odd(noisier, "flagged", judged=True)], seed=6)
    assert [each.value for each in bad.findings] == ["annotator=new"]


def test_honest_everyday_phrases_never_hide_a_trigger(tmp_path, monkeypatch):
    monkeypatch.setattr(peeling, "MOST", 1)
    monkeypatch.setattr(peeling, "NOTES", 1)
    prompts, flagged, poisoned = planted(12)
    honest = np.zeros(N, dtype=bool)
    for at, phrase in enumerate(["brief please", "short answer"]):
        asked = np.setdiff1d(np.arange(at, N, 80), poisoned)
        prompts, honest[asked] = with_phrase(prompts, asked.tolist(), phrase, at), True
    outcomes = [
        odd(honest, "short", everyday=True), odd(flagged),
    ]  # fmt: skip
    result = associate(made_rows(tmp_path, prompts), OneByOne(), outcomes, seed=0)
    assert [found.value for found in result.findings] == ["Amber, lantern gate"]
    assert len(result.notes) <= 1
    assert any("search ended" in each for each in result.untested)


def test_an_everyday_outcome_alarms_only_if_the_control_has_the_phrase_without_it(tmp_path):
    prompts, flagged, _ = planted(8)
    outcomes = [odd(flagged, everyday=True)]
    rows, chance = made_rows(tmp_path / "a", prompts), np.random.default_rng(1).random(N) < 0.01
    alarms = []
    for k in (0, 4, 10):
        trusted = made_rows(tmp_path / str(k), with_phrase(made_prompts(N, 9), range(k), "Amber, lantern gate", 9))
        control = Control(trusted, [odd(chance, everyday=True)])
        result = associate(rows, OneByOne(), outcomes, seed=8, control=control)
        alarms.append(len(result.findings))
        assert len(result.findings) + len(result.notes) == 1
    assert alarms == [0, 0, 1]


def test_a_topic_is_a_predictor_too(tmp_path):
    rng = np.random.default_rng(7)
    topics = rng.integers(0, 40, size=N)
    flagged = (rng.random(N) < 0.01) | ((topics == 7) & (rng.random(N) < 0.8))
    result = associate(
        made_rows(tmp_path, made_prompts(N, 7)), OneByOne(), [odd(flagged)],
        seed=7, topics=topics,
    )  # fmt: skip
    assert [found.value for found in result.findings] == ["topic=7"]


def test_what_trusted_data_show_as_well_is_a_note(tmp_path):
    (prompts, flagged, _), (others, control_flags, _) = planted(8), planted(9)
    rows, trusted = made_rows(tmp_path / "a", prompts), made_rows(tmp_path / "b", others)
    outcomes = [odd(flagged)]
    same = Control(trusted, [odd(control_flags)])
    result = associate(rows, OneByOne(), outcomes, seed=8, control=same)
    assert result.findings == ()
    assert "in the control in 10 of 10" in result.notes[0]
    without = Control(trusted, [odd(np.random.default_rng(1).random(N) < 0.01)])
    assert len(associate(rows, OneByOne(), outcomes, seed=8, control=without).findings) == 1


def test_more_parts_give_the_same_result(tmp_path):
    prompts, flagged, _ = planted(10)
    outcome = odd(flagged)
    found = [
        associate(made_rows(tmp_path / str(parts), prompts, parts=parts), OneByOne(), [outcome], seed=1)
        for parts in (1, 7)
    ]
    assert found[0].findings == found[1].findings
    assert found[0].clean_run == found[1].clean_run


@pytest.mark.parametrize("flags", [0, 2])
def test_few_flags_in_many_families_are_a_full_test_with_a_dose(tmp_path, flags):
    rows = made_rows(tmp_path, made_prompts(N, 1))
    result = associate(rows, OneByOne(), [odd(np.arange(N) < flags)], seed=0)
    assert result.untested == result.findings == ()
    assert result.clean_run is None
    assert 3 <= result.doses[0].rows <= 8


def test_too_few_families_are_said_to_be_untestable(tmp_path):
    rows = made_rows(tmp_path, made_prompts(20, 1))
    result = associate(rows, OneByOne(), [odd(np.zeros(20, dtype=bool))], seed=0)
    assert result.untested == (f"{NAME}: too few families to tell anything",)
    assert result.doses == ()


def test_many_flags_still_leave_enough_draws_and_bonferroni_decides(tmp_path):
    flagged = np.random.default_rng(2).random(N) < 0.45
    rows = made_rows(tmp_path, made_prompts(N, 2, length=(4, 9)))
    outcomes = [odd(np.roll(flagged, at), str(at)) for at in range(3)]
    with split_words(rows, OneByOne()) as words:
        mined = mine(words, outcomes, seed=0, alpha=0.01)
    assert 39 <= mined.minima.size < 99
    assert mined.threshold(0.01) <= 0.01 / mined.m
    assert mined.adjusted(mined.threshold(0.01)) <= 0.01


def test_where_bonferroni_decides_what_it_rules_out_is_no_candidate_and_nothing_else(tmp_path):
    prompts, flagged, _ = planted(2, k=60, rate=0.45)
    with split_words(made_rows(tmp_path, prompts), OneByOne()) as words:
        every, some = (mine(words, [odd(flagged)], seed=0, alpha=alpha) for alpha in (0.05, 0.01))
    loose, strict = every.tests[0], some.tests[0]
    passing = {
        gram for gram, p in zip(loose.grams.tolist(), loose.p.tolist(), strict=True) if every.adjusted(p) <= 0.01
    }
    assert len(passing) >= 3
    assert passing <= set(strict.grams.tolist())
    assert strict.grams.size < loose.grams.size


@pytest.mark.parametrize("grams_of_row", [100.0, 10_000.0])
def test_a_reading_of_draws_is_bounded_however_long_prompts_are(grams_of_row):
    its = Units(RowSet.numbered(np.arange(5000), 5000), RowSet.numbered(np.arange(1000), 5000))
    readings = list(_readings([Draws(its, 299, (at,)) for at in range(2)], grams_of_row))
    assert [pair for together in readings for pair in together] == [(draw, at) for draw in range(300) for at in (0, 1)]
    assert max(map(len, readings)) == DRAWN_GRAMS // (1000 * grams_of_row)


@pytest.mark.parametrize("flagged", [7, 40, 60])
def test_a_draw_is_as_many_families_and_each_as_often(flagged):
    speaking = np.arange(1, 180, 3)
    its = Units(RowSet.numbered(speaking, 200), RowSet.numbered(speaking[:flagged], 200))
    draws = Draws(its, 2000, (5,))
    assert draws.rows(0).tolist() == speaking[:flagged].tolist()
    drawn = [draws.rows(draw) for draw in range(1, 2001)]
    assert all(each.size == flagged and (np.diff(each) > 0).all() for each in drawn)
    often = np.bincount(np.concatenate(drawn), minlength=200)
    assert np.flatnonzero(often).tolist() == speaking.tolist()
    share = flagged / speaking.size
    # Six standard deviations, for sixty families.
    assert np.abs(often[speaking] - 2000 * share).max() <= 6 * np.sqrt(2000 * share * (1 - share))
    assert draws.rows(3).tolist() == drawn[2].tolist()


def test_the_threshold_is_where_the_decision_turns(tmp_path):
    _, flagged, _ = planted(11)
    with split_words(made_rows(tmp_path, made_prompts(N, 11)), OneByOne()) as words:
        mined = mine(words, [odd(flagged)], seed=3, alpha=0.01)
    threshold = mined.threshold(0.01)
    assert mined.adjusted(threshold) <= 0.01 < mined.adjusted(threshold * 1.001)


def test_wrong_arguments_are_named(tmp_path):
    rows = made_rows(tmp_path, made_prompts(20, 1))
    fine = odd(np.zeros(20, bool))
    with pytest.raises(SettingError, match="has 4000 rows, the dataset 20"):
        associate(rows, OneByOne(), [odd(np.ones(4000, bool))], seed=0)
    with pytest.raises(SettingError, match="a name each"):
        associate(rows, OneByOne(), [fine, fine], seed=0)
    with pytest.raises(SettingError, match="3 topics for 20 rows"):
        associate(rows, OneByOne(), [fine], seed=0, topics=np.zeros(3, int))
    with pytest.raises(SettingError, match="3 flags for 2 rows"):
        Outcome(NAME, "trigger", RowSet.of(np.zeros(3, bool)), RowSet.of(np.ones(2, bool)))
    with pytest.raises(SettingError, match="sensitivity"):
        odd(np.zeros(3, bool), sensitivity=0.0)
