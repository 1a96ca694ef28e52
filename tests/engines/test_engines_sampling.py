import numpy as np
import torch
from scipy.stats import chisquare

from holdtrue.engines import GenerateRequest
from holdtrue.engines.hf.sampling import SeededSampler

LOGITS = torch.tensor([0.0, 1.0, 2.0, -1.0, 0.5])


def draws(temperature: float, top_p: float, n: int = 4000) -> np.ndarray:
    sampler = SeededSampler([GenerateRequest((1,), 1, s, temperature, top_p) for s in range(n)], 1, torch.device("cpu"))
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
    sampler = SeededSampler(
        [GenerateRequest((1,), 1, 3, 0.0), GenerateRequest((1,), 1, 3, 5.0)], 1, torch.device("cpu")
    )
    kept = sampler(torch.zeros(2, 1, dtype=torch.int64), LOGITS.expand(2, -1))
    assert int(kept[0].argmax()) == 2
    assert torch.allclose(sampler.log_probs[0][0], LOGITS.log_softmax(dim=0)[2])
