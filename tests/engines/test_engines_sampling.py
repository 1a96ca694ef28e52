import numpy as np
import torch
from scipy.stats import chisquare

from holdtrue.engines import GenerateRequest
from holdtrue.engines.hf.sampling import SeededSampler, choose

LOGITS = torch.tensor([0.0, 1.0, 2.0, -1.0, 0.5])


def draws(temperature: float, top_p: float, n: int = 4000) -> np.ndarray:
    sampler = SeededSampler([GenerateRequest((1,), 1, s, temperature, top_p) for s in range(n)], 1)
    kept = sampler(torch.zeros(n, 1, dtype=torch.int64), LOGITS.expand(n, -1))
    assert (torch.isfinite(kept).sum(dim=1) == 1).all()
    return np.bincount(kept.argmax(dim=1).numpy(), minlength=5)


def test_draws_follow_the_tempered_distribution():
    expected = (LOGITS / 0.7).softmax(dim=0).double().numpy()
    assert chisquare(draws(0.7, 1.0), expected / expected.sum() * 4000).pvalue > 1e-3


def test_top_p_cuts_the_tail_and_keeps_the_proportions():
    probs = LOGITS.softmax(dim=0).double().numpy()
    found = draws(1.0, 0.7)
    assert found[[0, 3, 4]].sum() == 0
    kept = probs[[1, 2]] / probs[[1, 2]].sum()
    assert chisquare(found[[1, 2]], kept * 4000).pvalue > 1e-3


def test_temperature_zero_is_greedy_within_a_mixed_batch():
    sampler = SeededSampler([GenerateRequest((1,), 1, 3, 0.0), GenerateRequest((1,), 1, 3, 5.0)], 1)
    kept = sampler(torch.zeros(2, 1, dtype=torch.int64), LOGITS.expand(2, -1))
    assert int(kept[0].argmax()) == 2
    assert torch.allclose(sampler.log_probs[0][0], LOGITS.log_softmax(dim=0)[2])


def test_a_draw_next_to_one_never_takes_a_token_of_no_probability():
    logits = torch.tensor([[1.0, 0.5, -torch.inf, -torch.inf]])
    almost = torch.tensor([1 - 2**-53], dtype=torch.float64)
    for top_p, expected in ((1.0, 1), (0.5, 0)):
        assert choose(logits, almost, [GenerateRequest((1,), 1, 0, 1.0, top_p)]).tolist() == [expected]


def test_a_row_without_top_p_does_not_lose_its_tail_to_a_neighbour():
    drawn = torch.randn(4096, generator=torch.Generator().manual_seed(0)) * 5
    logits = drawn.sort(descending=True).values.expand(2, -1)  # in fp32 the sum is 1 long before the end
    draw = torch.tensor([1 - 1e-9] * 2, dtype=torch.float64)
    open_, trimmed = (GenerateRequest((1,), 1, 0, 1.0, top_p) for top_p in (1.0, 0.5))
    alone = choose(logits[:1], draw[:1], [open_])
    assert choose(logits, draw, [open_, trimmed])[0] == alone[0]
