"""Rows that come and go draw what they would draw alone."""

from dataclasses import replace

import pytest
import torch
from families import FAMILIES, family
from tiny_models import CHATML, make_tokenizer, tiny_config, tiny_model

from holdtrue.engines import GenerateRequest
from holdtrue.engines.hf import Batcher, HFEngine, batcher
from holdtrue.errors import AmbiguousModel
from holdtrue.hold import PRESETS, floors_for
from holdtrue.models import ChatModel, wrap
from holdtrue.records import CapSpec, HoldSpec

TEXTS = (
    "Hi",
    "Name three colours.",
    "Explain how a bicycle stays upright while it is moving, and why it falls when it stops.",
    "You are a pirate. Who are you?",
    "Count to five.",
)


def run(model, axis_units, layer, requests, *, rows=3, late=0, patient=False):
    """Every request's tokens and readings; `late` of them come after the first steps."""
    tokens, fed, finished, ids = [[] for _ in requests], [[] for _ in requests], {}, {}
    waiting = list(enumerate(requests))
    with Batcher(model, axis_units, layer, rows, patient=patient) as running:
        steps = 0
        while waiting or running.n_rows:
            while waiting and not running.full and (steps > 4 or len(waiting) > late):
                number, request = waiting.pop(0)
                ids[running.add(request)] = number
            for event in running.step():
                number = ids[event.row]
                if event.drawn is not None:
                    tokens[number].append(event.drawn.token)
                if event.fed is not None:
                    fed[number].append(event.fed)
                if event.finished:
                    finished[number] = event.finished
            steps += 1
            assert steps < 500
    return [tuple(row) for row in tokens], fed, finished


def requests_for(model: ChatModel, n_tokens=10, temperature=0.0):
    return [
        GenerateRequest(
            tuple(model.template.encode([{"role": "user", "content": text}], add_generation_prompt=True)),
            n_tokens + at,
            at,
            temperature,
        )
        for at, text in enumerate(TEXTS)
    ]


@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_rows_draw_what_generate_draws_and_every_token_is_read(smollm, engine, held_axis, temperature):
    requests = requests_for(smollm, temperature=temperature)
    tokens, fed, finished = run(smollm, held_axis.units, held_axis.layer, requests, late=2)
    for request, drawn, read, number in zip(requests, tokens, fed, range(len(requests)), strict=True):
        assert drawn == engine.generate([request], capture=False)[0].token_ids
        assert len(read) == len(drawn)
        assert finished[number] in {"stop", "length"}
    whole = engine.project([*requests[2].prompt_token_ids, *tokens[2]], held_axis.units)[held_axis.layer]
    before = torch.tensor([each.before for each in fed[2]])
    assert torch.allclose(before, whole[-len(tokens[2]) :], atol=2e-3)


@pytest.mark.parametrize("patient", [False, True])
def test_a_mixed_batch_gives_each_row_the_tokens_it_has_alone(smollm, held_axis, patient):
    firm = floors_for(PRESETS["firm"], held_axis)
    requests = [replace(each, floors=firm if at % 2 else None) for at, each in enumerate(requests_for(smollm))]
    together, fed, _ = run(smollm, held_axis.units, held_axis.layer, requests, rows=5, late=3, patient=patient)
    alone = [run(smollm, held_axis.units, held_axis.layer, [each], rows=1)[0][0] for each in requests]
    assert together == alone
    fired = [sum(each.fired for each in row) for row in fed]
    assert all(fired[at] == 0 for at in (0, 2, 4))
    assert sum(fired) > 0


def test_earlier_answers_in_the_prompt_are_held_where_they_are_marked(smollm, held_axis):
    firm = floors_for(PRESETS["firm"], held_axis)
    prompt = requests_for(smollm)[2].prompt_token_ids
    plain = GenerateRequest(prompt, 1, 0, 0.0, floors=firm)
    marked = replace(plain, held_prompt=tuple(range(8, len(prompt))))
    readings = [run(smollm, held_axis.units, held_axis.layer, [each])[1][0][0].before for each in (plain, marked)]
    assert readings[0] != pytest.approx(readings[1], abs=1e-3)


def test_a_long_prompt_is_read_in_pieces_while_others_run(smollm, held_axis, monkeypatch):
    monkeypatch.setattr(batcher, "CHUNK_TOKENS", 16)
    monkeypatch.setattr(batcher, "IDLE_CHUNK_TOKENS", 16)
    short = requests_for(smollm, 20)[0]
    long = GenerateRequest(short.prompt_token_ids * 6, 4, 7, 0.0)
    alone = [run(smollm, held_axis.units, held_axis.layer, [each])[0][0] for each in (short, long)]
    drawn_meanwhile = 0
    with Batcher(smollm, held_axis.units, held_axis.layer, 2) as running:
        first = running.add(short)
        tokens = {first: []}
        for _ in range(3):
            tokens[first] += [e.drawn.token for e in running.step() if e.drawn]
        second = running.add(long)
        tokens[second] = []
        while running.n_rows:
            for event in running.step():
                if event.drawn:
                    drawn_meanwhile += event.row == first and not tokens[second]
                    tokens[event.row].append(event.drawn.token)
    assert drawn_meanwhile >= 6
    assert [tuple(tokens[first]), tuple(tokens[second])] == alone


def test_a_row_that_leaves_makes_room_before_the_next_step_and_disturbs_nobody(smollm, held_axis):
    requests = requests_for(smollm, 8)
    alone = run(smollm, held_axis.units, held_axis.layer, requests[2:3])[0][0]
    with Batcher(smollm, held_axis.units, held_axis.layer, 3) as running:
        leaving, staying, reading = (running.add(requests[at]) for at in (1, 2, 3))
        with pytest.raises(RuntimeError, match="slots are taken"):
            running.add(requests[0])
        tokens = [e.drawn.token for e in running.step() if e.row == staying and e.drawn]
        running.drop(leaving)
        running.drop(reading)
        assert running.n_rows == 1
        late = running.add(requests[0])
        while running.n_rows:
            for event in running.step():
                assert event.row in {staying, late}
                if event.row == staying and event.drawn:
                    tokens.append(event.drawn.token)
    assert tuple(tokens) == alone


def test_a_row_may_end_with_its_first_token(smollm, held_axis, monkeypatch):
    request = requests_for(smollm)[0]
    first = run(smollm, held_axis.units, held_axis.layer, [replace(request, max_new_tokens=1)])
    assert len(first[0][0]) == len(first[1][0]) == 1
    other = replace(smollm)
    other.__dict__["eos_token_ids"] = frozenset(first[0][0])
    tokens, fed, finished = run(other, held_axis.units, held_axis.layer, [request, *requests_for(smollm)[1:3]])
    assert tokens[0] == ()
    assert fed[0] == []
    assert finished[0] == "stop"
    assert tokens[1]


def test_log_probabilities_are_the_models_own(smollm, held_axis):
    request = replace(requests_for(smollm, 3)[1], top_log_probs=2)
    with Batcher(smollm, held_axis.units, held_axis.layer, 1) as running:
        running.add(request)
        drawn = [e.drawn for _ in range(4) for e in running.step() if e.drawn]
    ids = torch.tensor([request.prompt_token_ids])
    with torch.no_grad():
        log_probs = smollm.model(input_ids=ids).logits[0, -1].log_softmax(dim=-1)
    best = log_probs.topk(2)
    assert drawn[0].log_prob == pytest.approx(float(log_probs[drawn[0].token]), abs=1e-3)
    assert [token for token, _ in drawn[0].top] == best.indices.tolist()


@pytest.mark.parametrize("kind", FAMILIES)
def test_every_family_draws_what_generate_draws_past_its_window(kind):
    model = family(kind)
    config = model.config.get_text_config(decoder=True)
    if getattr(config, "sliding_window", None) is not None:
        config.sliding_window = 8
    chat = wrap(model, make_tokenizer(["<bos>", "<eos>", "<|im_start|>", "<|im_end|>"], CHATML), name=kind)
    units = torch.nn.functional.normalize(torch.randn(3, 32), dim=1)
    requests = [GenerateRequest(tuple(range(5, 5 + n)), 12, n, 0.0) for n in (4, 30, 17)]
    drawn = run(chat, units, 1, requests, rows=2)[0]
    alone = HFEngine(chat)
    assert drawn == [alone.generate([each], capture=False)[0].token_ids for each in requests]


def test_a_model_with_other_blocks_than_attention_is_refused(smollm, held_axis):
    model = family("llama")
    model.config.layer_types = ["linear_attention", "full_attention", "full_attention"]
    chat = wrap(model, make_tokenizer(["<bos>", "<eos>"], CHATML), name="hybrid")
    with pytest.raises(AmbiguousModel, match="linear_attention"):
        Batcher(chat, torch.randn(3, 32), 1)


def test_passes_of_others_on_the_same_model_go_through_untouched(smollm, engine, held_axis):
    everything = floors_for(HoldSpec(cap=CapSpec(tau=1000.0, positions="all")), held_axis)
    request = requests_for(smollm, 6)[0]
    plain = engine.project(request.prompt_token_ids, held_axis.units)
    with Batcher(smollm, held_axis.units, held_axis.layer, 1) as running:
        running.add(replace(request, floors=everything))
        for _ in range(3):
            running.step()
            assert torch.equal(engine.project(request.prompt_token_ids, held_axis.units), plain)
    assert not any(layer._forward_hooks for layer in smollm.layers)


def tiny_chat(model, name="tiny"):
    return wrap(model, make_tokenizer(["<bos>", "<eos>", "<|im_start|>", "<|im_end|>"], CHATML), name=name)


def tiny_units():
    return torch.nn.functional.normalize(torch.randn(3, 32), dim=1)


def test_a_window_left_over_in_the_configuration_is_not_applied():
    model = family("qwen2")
    config = model.config
    assert set(config.layer_types) == {"full_attention"}
    config.sliding_window, config.use_sliding_window = 8, True
    chat, request = tiny_chat(model), GenerateRequest(tuple(range(5, 35)), 12, 0, 0.0)
    assert run(chat, tiny_units(), 1, [request])[0] == [HFEngine(chat).generate([request], capture=False)[0].token_ids]


@pytest.mark.parametrize("kind", ["mamba2", "rwkv"])
def test_a_recurrent_model_is_refused(kind):
    shapes = {"mamba2": {"num_heads": 8, "head_dim": 8, "state_size": 8, "n_groups": 1}, "rwkv": {}}
    chat = tiny_chat(tiny_model(tiny_config(kind, **shapes[kind])), kind)
    with pytest.raises(AmbiguousModel, match=rf"{kind} .*(linear_attention|in pieces).*--upstream"):
        Batcher(chat, tiny_units(), 1)


def test_a_model_that_gives_all_its_logits_is_batched():
    model = family("llama")
    inner = model.forward

    def forward(input_ids, position_ids=None, attention_mask=None, past_key_values=None, use_cache=None):
        return inner(input_ids, attention_mask, position_ids, past_key_values, use_cache=use_cache)

    request = GenerateRequest((5, 6, 7), 4, 0, 0.0)
    expected = HFEngine(tiny_chat(model)).generate([request], capture=False)[0].token_ids
    model.forward = forward
    assert run(tiny_chat(model), tiny_units(), 1, [request])[0] == [expected]


def test_memory_grows_with_the_rows_there_are_and_goes_with_the_last():
    request = GenerateRequest(tuple(range(5, 25)), 50, 0, 0.0)
    chat = tiny_chat(family("llama"))
    chat.__dict__["eos_token_ids"] = frozenset()
    with Batcher(chat, tiny_units(), 1, 8) as running:
        block = running._cache.layers[0]
        ids = [running.add(request)]
        running.step()
        assert len(block.keys) == 1
        ids += [running.add(request) for _ in range(2)]
        running.step()
        assert len(block.keys) == 4
        for each in ids:
            assert block.keys is not None
            running.drop(each)
        assert block.keys is None
        running.drop(running.add(request))
        assert block.keys is None


def test_what_a_row_leaves_behind_poisons_nobody():
    chat = tiny_chat(family("llama"))
    chat.__dict__["eos_token_ids"] = frozenset()
    short, long = (GenerateRequest(tuple(range(5, 5 + n)), 12, 0, 0.0) for n in (4, 30))
    alone = [run(chat, tiny_units(), 1, [each])[0][0] for each in (short, long)]
    with Batcher(chat, tiny_units(), 1, 3) as running:
        stays, gone = running.add(long), running.add(long)
        running.step()
        with torch.inference_mode():
            for block in running._cache.layers:
                block.keys[1, :, :31] = block.values[1, :, :31] = torch.nan
        running.drop(gone)
        tokens, events = {stays: [], running.add(short): []}, []
        while running.n_rows:
            events += running.step()
    for event in events:
        if event.drawn:
            tokens[event.row].append(event.drawn.token)
    drawn = [tuple(each) for each in tokens.values()]
    assert drawn == [alone[1][2:], alone[0]]
