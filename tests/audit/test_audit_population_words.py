"""Does the word test hold its level, and do longer replies leave it alone?"""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from holdtrue.audit.population.bags import bag_scores
from holdtrue.audit.population.power import swapped_runs
from holdtrue.audit.population.stratified import stratified_words
from holdtrue.audit.population.two_sample import Half, two_sample
from holdtrue.audit.population.words import paired_words, residuals

WORDS, PAIRS = 150, 500
RATES = 0.02 + 0.18 / np.arange(1, WORDS + 1) ** 0.5


def drawn(draw, times=1.0, raised=(), by=1.0, pairs=PAIRS):
    """Presence of words in replies that are `times` as long."""
    rates = np.tile(RATES, (pairs, 1))
    rates[:, list(raised)] *= by
    return csr_matrix((draw.random(rates.shape) < 1 - (1 - rates) ** times).astype(np.float32))


def words_of(draw, suspect, control, families=None):
    lengths = tuple(np.asarray(side.sum(axis=1), dtype=float).ravel() for side in (suspect, control))
    return paired_words(suspect, control, lengths, np.arange(PAIRS) if families is None else families, draw)


def test_swapping_a_pair_turns_its_residuals():
    draw = np.random.default_rng(0)
    ours, theirs = drawn(draw, pairs=30), drawn(draw, pairs=30)
    length, other = draw.integers(5, 30, 30).astype(float), draw.integers(5, 30, 30).astype(float)
    one, share = residuals(ours, theirs, length, other)
    two, share_two = residuals(theirs, ours, other, length)
    assert np.abs((one + two).toarray()).max() < 1e-6
    assert share + share_two == pytest.approx(np.ones(30))


def test_clean_pairs_raise_nothing():
    draw, alarms = np.random.default_rng(1), 0
    for _ in range(15):
        found = words_of(draw, drawn(draw), drawn(draw))
        alarms += (np.minimum(found.q, found.p_max_t) <= 0.05).any()
    assert alarms <= 4
    run = swapped_runs(found.swapped, found.null, 0.05)
    assert run.runs == 100
    assert run.alarms <= 6
    assert run.ci[0] <= run.rate <= run.ci[1]


def test_raised_words_are_found_and_named_first():
    draw = np.random.default_rng(2)
    raised = [20, 40, 60, 80]
    found = words_of(draw, drawn(draw, raised=raised, by=3.0), drawn(draw))
    assert set(found.words[np.argsort(-found.z)[:4]]) == set(raised)
    assert set(found.words[found.rising(0.01)]) == set(raised)
    strongest = int(np.argmax(found.z))
    assert found.suspect_only[strongest] > 1.5 * found.control_only[strongest]
    assert found.p_exact[strongest] < 1e-4


def test_replies_of_another_length_raise_no_word():
    for times in (2.0, 0.5):
        draw = np.random.default_rng(3)
        found = words_of(draw, drawn(draw, times), drawn(draw))
        b, c = found.suspect_only.sum(), found.control_only.sum()
        assert abs(np.log(b / c)) > 0.5
        assert (np.minimum(found.q, found.p_max_t) <= 0.01).sum() <= 1


def test_longer_replies_do_not_hide_raised_words():
    draw = np.random.default_rng(4)
    raised = [20, 40, 60, 80]
    found = words_of(draw, drawn(draw, 1.5, raised=raised, by=3.0), drawn(draw))
    assert set(raised) <= set(found.words[found.rising(0.01)])


def test_copies_of_a_pair_count_once():
    draw = np.random.default_rng(5)
    families = np.repeat(np.arange(PAIRS // 10), 10)
    few = PAIRS // 10
    found = words_of(
        draw,
        drawn(draw, pairs=few)[families],
        drawn(draw, pairs=few)[families],
        families,
    )
    assert (np.minimum(found.q, found.p_max_t) <= 0.05).sum() == 0


def test_groups_within_topics():
    """Topics of different words, unevenly shared by the groups, raise nothing; a raised word is found."""
    draw = np.random.default_rng(6)
    topics = draw.integers(0, 4, 2000)
    first = draw.random(2000) < np.array([0.2, 0.4, 0.6, 0.8])[topics]
    rates = np.full((2000, 80), 0.02)
    for topic in range(4):
        rates[np.ix_(topics == topic, range(20 * topic, 20 * topic + 20))] = 0.15
    clean = csr_matrix((draw.random(rates.shape) < rates).astype(np.float32))
    assert not stratified_words(clean, first, topics, draw).moved(0.01).any()
    rates[np.ix_(first, [7, 33])] *= 2.5
    found = stratified_words(csr_matrix((draw.random(rates.shape) < rates).astype(np.float32)), first, topics, draw)
    assert set(found.words[found.moved(0.01)]) == {7, 33}
    assert (found.z[found.moved(0.01)] > 0).all()


def test_classifier_holds_its_level_and_sees_a_shift():
    draw = np.random.default_rng(7)
    p_values = [
        two_sample(draw.normal(size=(200, 5)), draw.normal(size=(200, 5)), np.arange(200), draw).p_value
        for _ in range(60)
    ]
    assert sum(p <= 0.1 for p in p_values) <= 12
    seen = two_sample(draw.normal(0.5, size=(300, 5)), draw.normal(size=(300, 5)), np.arange(300), draw)
    assert seen.auroc > 0.7
    assert seen.p_value == pytest.approx(0.002)


def test_classifier_learns_nothing_from_copies_in_the_other_half():
    draw = np.random.default_rng(8)
    families = np.repeat(np.arange(30), 10)
    ours, theirs = (np.repeat(draw.normal(size=(30, 40)), 10, axis=0) for _ in range(2))
    assert two_sample(ours, theirs, families, draw).auroc < 0.7


def test_larger_bags_are_told_apart_better():
    draw = np.random.default_rng(9)
    half = Half(draw.normal(0.2, size=2000), draw.normal(size=2000), np.arange(2000))
    bags = bag_scores([half], draw)
    assert [bag.size for bag in bags] == [16, 64, 256]
    assert 0.6 < bags[0].auroc < 0.85 < bags[1].auroc
    assert bags[2].auroc > 0.95
    assert bags[0].p_value == pytest.approx(0.005)
    nothing = Half(draw.normal(size=400), draw.normal(size=400), np.arange(400))
    assert all(bag.p_value > 0.01 for bag in bag_scores([nothing], draw))
    assert [bag.size for bag in bag_scores([nothing], draw)] == [16, 64]
