"""Pairs ranked by a planted axis, and controls that must not be fooled."""

import json

import numpy as np
import pytest
import torch
from scipy.stats import binom

from holdtrue.axis import Axis, bare_card
from holdtrue.errors import SettingError, TranscriptError
from holdtrue.records import Transcript, Turn
from holdtrue.watch import Comparison, Reader, compare
from holdtrue.watch.compare import compare_means
from made_axis import made_axis

D_MODEL, LAYER = 96, 1


def planted(n_roles: int | None = 20) -> Axis:
    rng = torch.Generator().manual_seed(1)
    vectors = torch.randn(3, D_MODEL, generator=rng)
    card = bare_card(
        model="m",
        weights_digest="0",
        config_digest="0",
        template_digest="0",
        dtype="float32",
        norms=vectors.norm(dim=1).tolist(),
        d_model=D_MODEL,
        origin="made for a test",
        layer=LAYER,
        band=(0, 2),
        reason="a test",
    )
    roles = None if n_roles is None else torch.randn(n_roles, 3, D_MODEL, generator=rng)
    return Axis(vectors, None, roles, card)


def ranked(axis: Axis, n: int, shift: float, seed: int = 0) -> Comparison:
    rng = torch.Generator().manual_seed(seed)
    held, drifting = (torch.randn(n, D_MODEL, generator=rng) for _ in range(2))
    names = [(f"held {i}", f"drifting {i}") for i in range(n)]
    return compare_means(axis, held + shift * axis.units[LAYER], drifting, names, np.random.default_rng(0))


def test_a_planted_axis_orders_every_pair_and_no_control_does():
    found = ranked(planted(), 12, shift=8.0)
    assert (found.k, found.n) == (12, 12)
    assert found.interval == pytest.approx((0.025 ** (1 / 12), 1.0))
    assert found.shuffled == pytest.approx(0.5**12)
    assert found.random < 0.05
    assert found.role_halves < 0.05


def test_controls_sit_at_chance_where_nothing_is_planted():
    found = ranked(planted(), 12, shift=0.0)
    expected = binom.sf(found.k - 1, 12, 0.5)
    assert found.shuffled == pytest.approx(expected)
    assert found.random == pytest.approx(expected, abs=0.06)
    assert found.role_halves == pytest.approx(expected, abs=0.1)


def test_pairs_that_copy_each_other_are_seen_through_by_random_directions():
    """Twelve copies of one pair: the sign test is impressed, half of all directions do as well."""
    axis = planted()
    rng = torch.Generator().manual_seed(0)
    gap = torch.randn(D_MODEL, generator=rng)
    gap = (gap if gap @ axis.units[LAYER] > 0 else -gap).expand(12, -1)
    found = compare_means(axis, gap, torch.zeros_like(gap), [("a", "b")] * 12, np.random.default_rng(0))
    assert found.k == 12
    assert found.shuffled < 0.001
    assert found.random == pytest.approx(0.5, abs=0.05)
    assert "weak evidence" in found.text


def test_equal_conversations_are_not_in_order():
    axis = planted()
    same = torch.ones(3, D_MODEL)
    found = compare_means(axis, same, same, [("a", "a")] * 3, np.random.default_rng(0))
    assert (found.k, found.shuffled) == (0, 1.0)


@pytest.mark.parametrize("n_roles", [None, 3])
def test_a_control_that_cannot_be_made_is_not_measured_rather_than_zero(n_roles):
    found = ranked(planted(n_roles), 4, shift=1.0)
    assert found.role_halves is None
    assert "not measured" in found.text


def test_a_comparison_is_a_record_and_repeats():
    found = ranked(planted(), 5, shift=2.0)
    assert Comparison.from_json(found.to_json(), "x") == found == ranked(planted(), 5, shift=2.0)
    assert json.loads(found.to_json())["schema"] == "holdtrue.comparison/1"
    assert all(len(line) <= 120 for line in found.text.splitlines())


def talk(*contents: str) -> Transcript:
    turns = [Turn(role=role, content=c) for c in contents for role, c in (("user", "Go on."), ("assistant", c))]
    return Transcript(title="t", source="t.json", model=None, turns=tuple(turns))


@pytest.fixture(scope="module")
def real(smollm) -> Axis:
    return made_axis(smollm, 20, (10, 26), windows=())


def test_the_mean_stream_projects_where_the_reading_does(smollm, engine, real):
    reader, said = Reader(smollm, engine, real), talk("The tide is in.", "", "The tide is out, and so am I.")
    turns = [turn.projection for turn in reader.read(said).turns if turn.projection is not None]
    assert float(reader.resid_mean(said) @ real.units[20]) == pytest.approx(np.mean(turns), abs=1e-3)


def test_real_conversations_are_compared_and_swapping_them_swaps_the_answer(smollm, engine, real):
    reader, one, other = Reader(smollm, engine, real), talk("Seventeen is prime."), talk("I am the moon's pale king.")
    there, back = (compare(reader, real, [pair], np.random.default_rng(0)) for pair in ((one, other), (other, one)))
    assert there.k + back.k == 1
    assert there.pairs[0].held_projection == pytest.approx(back.pairs[0].drifting_projection)
    assert there.pairs[0].held_z is None


def test_nothing_to_compare_is_refused(smollm, engine, real):
    reader = Reader(smollm, engine, real)
    with pytest.raises(SettingError, match="no pair"):
        compare(reader, real, [], np.random.default_rng(0))
    with pytest.raises(TranscriptError, match="every answer is empty"):
        compare(reader, real, [(talk("Yes."), talk(""))], np.random.default_rng(0))
