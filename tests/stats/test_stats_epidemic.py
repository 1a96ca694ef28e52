"""Planted spreads: who infected whom is counted by hand."""

import numpy as np
import pytest

from holdtrue.stats import Outbreak, spread

CHAIN = ((0, 1), (1, 2), (2, 3))


def outbreak(rows, family="f0", edges=CHAIN):
    return Outbreak(family, tuple(tuple(bool(int(mark)) for mark in row) for row in rows.split()), edges)


def measured(*outbreaks, **options):
    return spread(outbreaks, np.random.default_rng(0), **options)


def test_a_chain_that_infects_link_by_link():
    """What is said is heard a round later: 0, 1 and 2 each infect the next; nobody hears 3."""
    found = measured(outbreak("1000 1000 1100 1110 1111"))
    assert [share.value for share in found.shares] == pytest.approx([0, 0, 1 / 3, 2 / 3, 1])
    assert found.reproduction.value == 1
    assert (found.ever.value, found.carrier.value, found.spontaneous) == (1, 1, 0)


def test_who_speaks_so_before_anything_was_heard_is_a_false_alarm():
    found = measured(outbreak("1000 1100 1100"))
    assert found.spontaneous == 1
    assert found.reproduction.value == 0, "1 is a case that infected nobody; the carrier had nobody left to infect"


def test_a_persona_that_stays_with_its_carrier_reproduces_not_at_all():
    trials = [outbreak("1000 1000 1000", f"f{at}") for at in range(12)]
    found = measured(*trials)
    assert found.reproduction.value == 0
    assert found.reproduction.interval[0] == 0
    assert found.reproduction.interval[1] == pytest.approx(1 - 0.025 ** (1 / 12), abs=0.02), "none of 12 is not never"
    assert found.shares[0].interval == (0, 0), "before anybody spoke nothing was drawn"


def test_an_infection_heard_from_two_is_shared():
    """0 infects 1 and 2, who together infect 3: (2 + 0.5 + 0.5) / 3."""
    diamond = ((0, 1), (0, 2), (1, 3), (2, 3))
    assert measured(outbreak("1000 1000 1110 1111", edges=diamond)).reproduction.value == pytest.approx(1)


def test_a_late_infection_counts_only_while_the_case_is_followed():
    late = outbreak("10 10 10 11", edges=((0, 1),))
    assert measured(late).reproduction.value == 0
    assert measured(late, followed_rounds=2).reproduction.value == 1


def test_cases_that_cannot_be_followed_are_left_out():
    """1 is infected in the last round, and is not heard any more."""
    assert measured(outbreak("1000 1000 1100")).reproduction.value == 1
    assert measured(outbreak("1000 1000")).reproduction is None


def test_who_spoke_so_without_hearing_it_is_spontaneous():
    found = measured(outbreak("1000 1000 1001 1001"))
    assert (found.spontaneous, found.reproduction.value, found.ever.value) == (1, 0, pytest.approx(1 / 3))


def test_a_second_infection_of_the_same_agent_is_none():
    """1 recovers and falls again: the carrier infected one agent, once; 1 itself was followed and infected none."""
    assert measured(outbreak("1000 1000 1100 1000 1100")).reproduction.value == pytest.approx(0.5)


def test_a_carrier_that_speaks_up_late_is_followed_from_then():
    assert measured(outbreak("1000 0000 1000 1100")).reproduction.value == 1


def test_a_silent_carrier_is_told_and_is_no_case():
    found = measured(outbreak("1000 0000 0000"))
    assert (found.carrier.value, found.reproduction) == (0, None)


def test_families_count_alike_whatever_their_variants():
    spread_out, quiet = outbreak("10 10 11", "a", ((0, 1),)), outbreak("10 10 10", "b", ((0, 1),))
    found = measured(spread_out, quiet, quiet, quiet)
    assert (found.reproduction.value, found.shares[-1].value) == (0.5, 0.5)


def test_nothing_to_measure():
    assert measured() is None
    assert measured(outbreak("10")) is None
    alone = measured(outbreak("10 10", edges=()))
    assert alone.reproduction is None


def test_a_binomial_spread_is_covered():
    """One carrier, four hearers, each infected with chance 0.3: the number is 1.2."""
    rng, covered, n_sets = np.random.default_rng(1), 0, 150
    star, start = tuple((0, hearer) for hearer in range(1, 5)), (True, False, False, False, False)
    for _ in range(n_sets):
        heard = rng.random((12, 4)) < 0.3
        trials = [Outbreak(f"f{at}", (start, start, (True, *row.tolist())), star) for at, row in enumerate(heard)]
        low, high = spread(trials, rng).reproduction.interval
        covered += low <= 1.2 <= high
    assert covered >= 0.9 * n_sets
