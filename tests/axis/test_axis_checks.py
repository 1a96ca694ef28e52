"""Planted axes are found, planted noise is not."""

import numpy as np
import pytest
import torch

from holdtrue.axis import CellSums, MeanBatch, advise, assess, default_rank, fit_axis, reliability, separation, unit
from holdtrue.axis.recommend import warnings_for
from holdtrue.errors import EvidenceError
from holdtrue.records import SelfTest

N_ROLES, N_QUESTIONS, N_LAYERS, D_MODEL = 24, 8, 3, 64


def planted(pull: float, seed: int = 0, *, question_effect: float = 3.0) -> tuple[CellSums, torch.Tensor]:
    """A crossed design whose default sits `pull` along a known direction, with large question effects."""
    gen = torch.Generator().manual_seed(seed)
    direction = unit(torch.randn(N_LAYERS, D_MODEL, generator=gen))
    roles = 0.5 * torch.randn(N_ROLES + 1, N_LAYERS, D_MODEL, generator=gen) / 8
    roles[0] = 0
    asked = question_effect * torch.randn(N_QUESTIONS, N_LAYERS, D_MODEL, generator=gen) / 8
    rows = torch.tensor([0] * 5 + list(range(1, N_ROLES + 1)))
    cells = CellSums.empty(N_ROLES, N_QUESTIONS, N_LAYERS, D_MODEL)
    for question in range(N_QUESTIONS):
        means = roles[rows] + asked[question] + torch.randn(len(rows), N_LAYERS, D_MODEL, generator=gen) / 8
        means[rows == 0] += pull * direction
        where = torch.full_like(rows, question)
        cells = cells.add([MeanBatch(means, rows, where, torch.ones_like(rows))])
    return cells, direction


def test_the_fit_is_default_mean_minus_mean_of_role_means():
    cells, _ = planted(1.0)
    raw = fit_axis(cells)
    means = torch.stack([cells.reserve[cells.reserve_rows == row].mean(dim=0) for row in range(N_ROLES + 1)])
    assert torch.allclose(raw.axis, means[0] - means[1:].mean(dim=0), atol=1e-5)


def test_a_planted_axis_is_found_reliable_and_separating():
    cells, direction = planted(1.0)
    found = assess(cells, np.random.default_rng(0))
    read = found.checks[found.advice.layer]
    assert torch.cosine_similarity(found.raw.axis[read.layer], direction[read.layer], dim=0) > 0.8
    assert read.split_half_ci[0] > 0.3
    assert read.auroc > 0.9
    assert read.auroc_ci[0] <= read.auroc <= read.auroc_ci[1]
    assert read.split_half_ci[0] <= read.split_half <= read.split_half_ci[1]
    assert found.default_rank.place == 1
    assert found.self_test.passed


@pytest.mark.parametrize("seed", range(4))
def test_noise_has_no_axis(seed):
    cells, _ = planted(0.0, seed)
    rng = np.random.default_rng(0)
    found = reliability(cells, [0, 1, 2], rng)
    assert sum(one.ci[0] <= 0 for one in found) >= 2
    assert all(abs(one.auroc - 0.5) < 0.2 for one in separation(cells, [0, 1, 2], rng))


def test_noise_warns_in_so_many_words():
    cells, _ = planted(0.0, 3)
    found = assess(cells, np.random.default_rng(0))
    read = min(found.checks, key=lambda check: check.split_half_ci[0])
    offered = {f"r{i}": 8 for i in range(N_ROLES)}
    warned = warnings_for(read, found.self_test, 12, {"r0": 1}, offered, 20)
    assert any(w.startswith("NO AXIS FOUND") for w in warned)
    assert any(w.startswith("DEFAULT NOT EXTREMAL: 11 of 20") for w in warned)
    assert any(w.startswith("TOO FEW ACCEPTED ROLLOUTS: 24 of 24") for w in warned)


def test_a_failed_self_test_is_warned_of():
    cells, _ = planted(1.0)
    check = assess(cells, np.random.default_rng(0)).checks[0]
    warned = warnings_for(check, SelfTest(layer=0, default_mean=0.0, role_mean=1.0, passed=False), 1, {}, {}, 0)
    assert [w.split(":")[0] for w in warned] == ["SELF-TEST FAILED"]


def test_a_default_below_the_roles_has_a_low_rank():
    cells, _ = planted(0.0, 2)
    ranks = [default_rank(cells, layer).place for layer in range(N_LAYERS)]
    assert max(ranks) > 1, "an in-sample rank would be 1 everywhere"


def test_checks_the_design_is_too_small_for_are_none_not_zero():
    cells, _ = planted(1.0)
    small = CellSums(
        cells.sums[:4, :1],
        cells.counts[:4, :1],
        *(t[:0] for t in (cells.reserve, cells.reserve_rows, cells.reserve_questions)),
    )
    found = assess(small, np.random.default_rng(0))
    assert found.checks[0].auroc is None
    assert found.checks[0].split_half is None
    assert found.self_test is None
    warned = warnings_for(found.checks[0], None, None, {}, {}, 0)
    assert warned[0].startswith("NOT CHECKED")


def test_an_axis_needs_roles():
    with pytest.raises(EvidenceError, match="0 default rollouts and 0 roles"):
        fit_axis(CellSums.empty(3, 2, 2, 4))


def test_batches_added_one_by_one_or_at_once_are_the_same_to_the_bit():
    gen = torch.Generator().manual_seed(0)
    batches = [
        MeanBatch(
            torch.randn(3, 2, 4, generator=gen),
            torch.tensor([0, 1, 1]),
            torch.tensor([q, q, q]),
            torch.tensor([1, 0, 1]),
        )
        for q in range(5)
    ]
    at_once = CellSums.empty(2, 2, 2, 4).add(batches)
    stepwise = CellSums.empty(2, 2, 2, 4)
    for batch in batches:
        stepwise = stepwise.add([batch])
    assert torch.equal(at_once.sums, stepwise.sums)
    assert torch.equal(at_once.reserve, stepwise.reserve)
    assert at_once.counts.sum() == 15


def test_advice_prefers_reliable_layers_and_says_why():
    cells, _ = planted(1.0)
    checks = list(assess(cells, np.random.default_rng(0)).checks)
    shaky = checks[1].model_copy(update={"split_half_ci": (-0.1, 0.9), "auroc_ci": (0.99, 1.0)})
    advice = advise([checks[0], shaky, checks[2]])
    assert advice.layer != 1
    assert "excludes zero" in advice.reason
