"""Evidence over versions: its promise with fresh families and with the same ones, and that it notices."""

import numpy as np
import pytest
from scipy.stats import binom

from holdtrue.errors import SettingError
from holdtrue.stats import cusum, e_value, fail_alternative, merged_evidence

P0 = 0.05


def values(counts, n=100):
    return [e_value(int(k), n, P0, fail_alternative(P0)) for k in counts]


def test_both_by_hand():
    assert cusum([0.5, 4.0, 0.1, 3.0]) == pytest.approx([0.5, 4.0, 0.4, 3.0])
    assert cusum([2.0, 3.0]) == pytest.approx([2.0, 6.0])
    assert merged_evidence([2.0, 6.0, 12.0]) == pytest.approx([1.0, 2.0, 3.0])


def test_fresh_families_alarm_once_in_twenty_versions_at_the_most():
    rng = np.random.default_rng(8)
    first = []
    for _ in range(300):
        path = cusum(values(rng.binomial(100, P0, 200)))
        first.append(next((at for at, value in enumerate(path, start=1) if value >= 20), 200))
    assert np.mean(first) >= 20


def test_the_same_families_again_and_again_keep_alpha():
    """Families that always fail or never do: each version repeats the first, the worst case of dependence."""
    rng = np.random.default_rng(9)
    alarms = sum(max(merged_evidence(values([k] * 30))) >= 20 for k in rng.binomial(100, P0, 2000))
    assert alarms <= binom.ppf(0.9999, 2000, 0.05)
    multiplied = sum(max(cusum(values([k] * 30))) >= 20 for k in rng.binomial(100, P0, 2000))
    assert multiplied > alarms  # which is why they aren't multiplied then


def test_a_version_gone_bad_is_noticed():
    good, bad = [2] * 5, [30] * 2
    assert max(cusum(values(good))) < 20 <= cusum(values(good + bad))[-1]
    assert max(merged_evidence(values(good))) < 20 <= merged_evidence(values(good + bad))[-1]


@pytest.mark.parametrize("gather", [cusum, merged_evidence])
def test_negative_evidence_is_none(gather):
    assert gather([]) == []
    with pytest.raises(SettingError, match="e-value"):
        gather([1.0, -1.0])
