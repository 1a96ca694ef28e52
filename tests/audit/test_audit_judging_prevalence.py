import numpy as np
import pytest

from holdtrue.audit.judging.prevalence import against_trusted, measure_prevalence
from holdtrue.audit.judging.sample import draw_sample, interleave, top_rows
from holdtrue.errors import SettingError

# 60 families of one row, 10 of six rows, one of 80; flags go with the family in part.
FAMILIES = np.array([*range(60), *np.repeat(np.arange(60, 120, 6), 6).tolist(), *[120] * 80])
FLAGS = (np.arange(FAMILIES.size) % 5 == 0) | (FAMILIES == 72)


def test_a_sample_takes_one_row_of_a_family_and_every_row_in_its_turn() -> None:
    drawn = [draw_sample(FAMILIES, 20, np.random.default_rng(seed)) for seed in range(2_000)]
    assert {each.size for each in drawn} == {20}
    assert all(np.unique(FAMILIES[each]).size == 20 for each in drawn)
    times = np.bincount(np.concatenate(drawn), minlength=FAMILIES.size)
    expected = 2_000 * 20 / 71 / np.bincount(FAMILIES)[FAMILIES]
    assert np.abs(times - expected).max() < 5 * np.sqrt(expected.max())
    # Any beginning of it is such a sample as well.
    first = np.bincount(FAMILIES[[each[0] for each in drawn]], minlength=121)
    assert first.max() < 28 + 5 * np.sqrt(28)
    assert draw_sample(FAMILIES, 500, np.random.default_rng(0)).size == 71


def test_prevalence_is_unbiased_and_its_interval_covers() -> None:
    truth = np.mean([FLAGS[family == FAMILIES].mean() for family in np.unique(FAMILIES)])
    rates, covered = [], 0
    for seed in range(1_000):
        sample = draw_sample(FAMILIES, 30, np.random.default_rng(seed))
        found = measure_prevalence(FLAGS[sample].tolist(), [False] * 30, 71)
        rates.append(found.rate)
        covered += found.ci[0] <= truth <= found.ci[1]
    assert np.mean(rates) == pytest.approx(truth, abs=0.01)
    assert covered >= 950


def test_the_dataset_is_held_against_trusted_rows() -> None:
    clean = measure_prevalence([True, None] + [False] * 98, [False] * 100, 500)
    more = measure_prevalence([True] * 20 + [False] * 80, [False] * 100, 500)
    assert "judge flags 1 of 100 trusted rows, 95 % 0.03% to 7.04% (1 unreadable); and a larger share" in (
        against_trusted(more, clean)
    )
    assert "and no surely larger share" in against_trusted(clean, clean)
    assert "not measured" in against_trusted(more, measure_prevalence([], [], 500))


def test_what_cannot_be_read_widens_the_interval_both_ways() -> None:
    known = measure_prevalence([True] * 4 + [False] * 96, [True, True, False, False] + [False] * 96, 1_000)
    assert (known.rate, known.missed, known.miss_rate) == (0.04, 2, 0.5)
    assert known.ci == pytest.approx((0.0110, 0.0993), abs=1e-4)
    assert known.miss_ci == pytest.approx((0.0676, 0.9324), abs=1e-4)
    partly = measure_prevalence([True] * 4 + [None] * 10 + [False] * 86, [True] * 4 + [False] * 96, 1_000)
    assert partly.ci[0] == pytest.approx(known.ci[0])
    assert partly.ci[1] > 0.2
    assert partly.rate == 4 / 90
    assert "4 of 100" in partly.line
    assert "10 unreadable" in partly.line
    none = measure_prevalence([], [], 1_000)
    assert (none.rate, none.ci, none.miss_rate) == (None, (0.0, 1.0), None)
    assert "not measured" in none.line


def test_top_rows_are_one_of_a_family_and_ties_are_broken_by_chance() -> None:
    scores = np.array([1.0, 5.0, 5.0, 3.0, 0.0])
    families = np.array([0, 1, 1, 3, 4])
    found = {tuple(top_rows(families, scores, 3, np.random.default_rng(seed)).tolist()) for seed in range(20)}
    assert found == {(1, 3, 0), (2, 3, 0)}
    with pytest.raises(SettingError, match="5 rows; 5 given, 1 bad"):
        top_rows(families, np.array([1.0, np.nan, 1.0, 1.0, 0.0]), 3, np.random.default_rng(0))


def test_both_lists_are_mixed_evenly_in_their_own_order() -> None:
    mixed = interleave(np.arange(10), np.arange(100, 140))
    assert sorted(mixed) == [*range(10), *range(100, 140)]
    assert [each for each in mixed if each < 100] == list(range(10))
    assert sum(each < 100 for each in mixed[:25]) == 5
    assert interleave(np.array([3, 1]), np.array([1, 2])) in ([3, 1, 2], [1, 3, 2])
    assert interleave(np.arange(0), np.arange(2)) == [0, 1]
