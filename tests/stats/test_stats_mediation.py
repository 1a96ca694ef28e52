"""The two steps against plain least squares, planted effects and simulated coverage."""

import numpy as np
import pytest

from holdtrue.stats import PairedRow, fit_mediation


def rows(rng, n, a, b, direct, variants=2):
    """Families with levels of their own, one pair of conversations for each variant."""
    found = []
    for family in range(n):
        z_level, y_level, own = rng.normal(), 3 * rng.normal(), a + 0.3 * rng.normal()
        for _ in range(variants):
            for told in (False, True):
                z = z_level + own * told + 0.4 * rng.normal()
                found.append(PairedRow(f"f{family}", told, z, y_level + b * z + direct * told + 0.3 * rng.normal()))
    return found


def test_the_steps_are_least_squares_with_a_level_for_each_family():
    data = rows(np.random.default_rng(0), 9, -1.0, -0.5, 0.3)
    data = data[:-1]  # an unbalanced family
    fitted = fit_mediation(data, np.random.default_rng(1))
    names = sorted({row.family for row in data})
    levels = np.array([[row.family == name for name in names] for row in data], dtype=float)
    d, z, y = np.array([(row.distressed, row.z, row.outcome) for row in data]).T
    a = np.linalg.lstsq(np.column_stack([d, levels]), z)[0][0]
    direct, b = np.linalg.lstsq(np.column_stack([d, z, levels]), y)[0][:2]
    total = np.linalg.lstsq(np.column_stack([d, levels]), y)[0][0]
    assert (fitted.a.value, fitted.b.value, fitted.direct.value, fitted.total.value) == pytest.approx(
        (a, b, direct, total)
    )
    assert fitted.indirect.value == pytest.approx(a * b)
    assert fitted.total.value == pytest.approx(fitted.direct.value + fitted.indirect.value)


def test_a_planted_path_is_found_and_its_share_told():
    fitted = fit_mediation(rows(np.random.default_rng(2), 24, -1.5, -0.8, 0.0), np.random.default_rng(0))
    assert fitted.a.interval[1] < 0
    assert fitted.b.interval[1] < 0
    assert fitted.indirect.interval[0] > 0
    assert fitted.proportion == pytest.approx(1, abs=0.25)
    low, high = fitted.direct.interval
    assert low <= 0 <= high


def test_a_total_that_may_be_zero_has_no_share():
    fitted = fit_mediation(rows(np.random.default_rng(3), 12, 0.0, -0.8, 0.0), np.random.default_rng(0))
    assert fitted.total.interval[0] <= 0 <= fitted.total.interval[1]
    assert fitted.proportion is None


def test_a_dozen_families_are_covered():
    rng, truth, n_sets = np.random.default_rng(4), (-1.0, -0.5, 0.3, 0.5, 0.8), 120
    covered = np.zeros(5)
    for _ in range(n_sets):
        fitted = fit_mediation(rows(rng, 12, *truth[:3]), rng)
        found = (fitted.a, fitted.b, fitted.direct, fitted.indirect, fitted.total)
        covered += [each.interval[0] <= true <= each.interval[1] for each, true in zip(found, truth, strict=True)]
    assert (covered >= 0.88 * n_sets).all(), covered / n_sets


def test_a_mediator_that_distress_alone_moves_tells_no_slope():
    data = [PairedRow(f"f{at}", told, 2.0 * told + at, float(at + told)) for at in range(8) for told in (False, True)]
    fitted = fit_mediation(data, np.random.default_rng(0))
    assert fitted.a.value == pytest.approx(2)
    assert (fitted.b, fitted.direct, fitted.indirect, fitted.proportion) == (None, None, None, None)


def test_families_without_both_conversations_are_left_out():
    data = rows(np.random.default_rng(5), 6, -1, -1, 0)
    lone = [PairedRow("lone", True, 100.0, 100.0)]
    assert fit_mediation(data + lone, np.random.default_rng(0)) == fit_mediation(data, np.random.default_rng(0))
    assert fit_mediation(lone, np.random.default_rng(0)) is None
    assert fit_mediation([], np.random.default_rng(0)) is None


def test_three_families_have_figures_without_intervals():
    fitted = fit_mediation(rows(np.random.default_rng(6), 3, -1, -1, 0), np.random.default_rng(0))
    assert fitted.a.interval is None
    assert fitted.proportion is None
