"""What every engine must do alike."""

import pytest
import torch

from holdtrue.axis import unit
from holdtrue.engines import Engine, GenerateRequest, MockEngine, ScoreRequest
from holdtrue.engines.hf import HFEngine
from holdtrue.models import ChatModel

SYSTEMS = ("You are a lighthouse keeper who talks to the sea.", "You are a helpful assistant.", "You are rust.")


@pytest.fixture(params=["mock", "hf"])
def any_engine(request: pytest.FixtureRequest) -> Engine:
    return MockEngine() if request.param == "mock" else request.getfixturevalue("engine")


@pytest.fixture
def prompts(smollm: ChatModel) -> list[tuple[int, ...]]:
    def encode(system: str) -> tuple[int, ...]:
        messages = [{"role": "system", "content": system}, {"role": "user", "content": "What do you fear?"}]
        return tuple(smollm.template.encode(messages, add_generation_prompt=True))

    return [encode(system) for system in SYSTEMS]


def requests(prompts, n_tokens=10, temperature=0.7):
    return [GenerateRequest(prompt, n_tokens, seed, temperature) for seed, prompt in enumerate(prompts)]


def test_a_row_draws_the_same_tokens_alone_and_in_a_batch(any_engine, prompts):
    together = any_engine.generate(requests(prompts), capture=True)
    for request, expected in zip(requests(prompts), together, strict=True):
        alone = any_engine.generate([request], capture=True)[0]
        assert alone.token_ids == expected.token_ids
        assert torch.allclose(alone.resid_mean, expected.resid_mean, rtol=1e-3, atol=2e-3)


def test_a_seed_decides_the_draw(any_engine, prompts):
    again = [any_engine.generate(requests(prompts), capture=False) for _ in range(2)]
    assert [c.token_ids for c in again[0]] == [c.token_ids for c in again[1]]
    other = any_engine.generate([GenerateRequest(prompts[0], 10, 999, 0.7)], capture=False)[0]
    assert other.token_ids != again[0][0].token_ids


def test_means_come_only_when_asked_for(any_engine, prompts):
    captured = any_engine.generate(requests(prompts[:1]), capture=True)[0]
    assert captured.resid_mean.shape == (any_engine.n_layers, any_engine.d_model)
    assert captured.resid_mean.dtype == torch.float32
    assert any_engine.generate(requests(prompts[:1]), capture=False)[0].resid_mean is None


def test_length_limits_are_each_rows_own(any_engine, prompts):
    mixed = [GenerateRequest(prompts[0], 3, 1, 0.7), GenerateRequest(prompts[1], 9, 2, 0.7)]
    drawn = any_engine.generate(mixed, capture=True)
    assert len(drawn[0].token_ids) <= 3
    alone = any_engine.generate(mixed[:1], capture=True)[0]
    assert torch.allclose(alone.resid_mean, drawn[0].resid_mean, rtol=1e-3, atol=2e-3)


def test_scores_are_log_probabilities_and_empty_responses_score_nothing(any_engine, prompts):
    drawn = any_engine.generate(requests(prompts), capture=False)
    asked = [ScoreRequest(p, c.token_ids) for p, c in zip(prompts, drawn, strict=True)]
    scores = any_engine.score([*asked, ScoreRequest(prompts[0], ())])
    assert all(score < 0 for score in scores[:-1])
    assert scores[-1] == 0


def test_projection_is_per_layer_and_token(any_engine, prompts):
    units = unit(torch.randn(any_engine.n_layers, any_engine.d_model, generator=torch.Generator().manual_seed(0)))
    found = any_engine.project(prompts[0], units)
    assert found.shape == (any_engine.n_layers, len(prompts[0]))
    assert torch.allclose(any_engine.project(prompts[0], -units), -found, atol=1e-3)


def independent_means(smollm: ChatModel, prompt: tuple[int, ...], response: tuple[int, ...]) -> torch.Tensor:
    """Plain transformers: one full forward pass, block outputs, mean over response positions."""
    outputs = []
    handles = [
        layer.register_forward_hook(lambda _m, _i, out: outputs.append(out[0] if isinstance(out, tuple) else out))
        for layer in smollm.layers
    ]
    with torch.no_grad():
        smollm.model(torch.tensor([prompt + response]))
    for handle in handles:
        handle.remove()
    return torch.stack([out[0, len(prompt) :].float().mean(dim=0) for out in outputs])


def test_captured_means_equal_a_full_forward_over_the_same_tokens(smollm, engine, prompts):
    for request, drawn in zip(requests(prompts, 12), engine.generate(requests(prompts, 12), capture=True), strict=True):
        expected = independent_means(smollm, request.prompt_token_ids, drawn.token_ids)
        assert torch.allclose(drawn.resid_mean, expected, rtol=1e-3, atol=2e-3)


def test_means_stop_before_the_end_of_sequence_token(smollm, engine):
    """A greedy answer that ends by itself, beside one that runs on: its mean must not see what follows the end."""
    ask = [{"role": "user", "content": "Answer with one word only: what colour is the sky?"}]
    talk = [{"role": "user", "content": "Tell me a long story about a river."}]
    prompts = [tuple(smollm.template.encode(m, add_generation_prompt=True)) for m in (ask, talk)]
    short, long = engine.generate([GenerateRequest(p, 60, 0, 0.0) for p in prompts], capture=True)
    assert len(short.token_ids) < 60, "the model no longer ends this answer: choose another prompt"
    assert not set(short.token_ids) & smollm.eos_token_ids
    for prompt, drawn in zip(prompts, (short, long), strict=True):
        expected = independent_means(smollm, prompt, drawn.token_ids)
        assert torch.allclose(drawn.resid_mean, expected, rtol=1e-3, atol=5e-3)


def test_generation_log_probability_agrees_with_scoring(engine, prompts):
    drawn = engine.generate(requests(prompts), capture=True)
    scored = engine.score([ScoreRequest(p, c.token_ids) for p, c in zip(prompts, drawn, strict=True)])
    assert [c.mean_log_prob for c in drawn] == pytest.approx(scored, abs=1e-3)


def test_hooks_are_gone_after_an_exception(smollm, monkeypatch):
    def explode(*args, **kwargs):
        raise RuntimeError

    monkeypatch.setattr(smollm.model, "generate", explode)
    with pytest.raises(RuntimeError):
        HFEngine(smollm).generate([GenerateRequest((1, 2, 3), 4, 0)], capture=True)
    assert not any(layer._forward_hooks for layer in smollm.layers)


def test_top_p_keeps_to_the_nucleus(engine, prompts):
    tight = [GenerateRequest(prompts[0], 8, seed, 1.5, 1e-6) for seed in range(4)]
    greedy = engine.generate([GenerateRequest(prompts[0], 8, 0, 0.0)], capture=False)[0]
    assert {c.token_ids for c in engine.generate(tight, capture=False)} == {greedy.token_ids}


def test_nothing_asked_nothing_drawn(any_engine):
    assert any_engine.generate([], capture=True) == []
