"""`with hold(...)` around plain transformers, on the real small model and on every family of blocks."""

import contextlib
import os
import subprocess
import sys
from dataclasses import replace
from functools import wraps
from pathlib import Path

import pytest
import torch
from families import FAMILIES, family, tiny_axis
from tiny_models import CHATML, make_tokenizer, tiny_config, tiny_model

from holdtrue.engines import GenerateRequest, MockEngine
from holdtrue.engines.hf import HFEngine, hold
from holdtrue.errors import ArtifactError, SettingError, WrongModel
from holdtrue.hold import PRESETS, floors_for, project
from holdtrue.models import ChatModel, block_output, decoder_layers, wrap
from holdtrue.records import CapSpec, HoldSpec, SelfTest

FIRM = PRESETS["firm"]
N_TOKENS = 16


@pytest.fixture(scope="module")
def prompts(smollm: ChatModel):
    """Two prompts of different lengths, padded on the left."""
    texts = ["Name three colours.", "You are a pirate. Tell me, in your own words, who you are and what you want."]
    rows = [smollm.template.encode([{"role": "user", "content": t}], add_generation_prompt=True) for t in texts]
    width = max(map(len, rows))
    ids = torch.tensor([[smollm.pad_token_id] * (width - len(row)) + list(row) for row in rows])
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
    return ids, mask


def generate(model, ids, mask, **more):
    options = {"max_new_tokens": N_TOKENS, "do_sample": False, "pad_token_id": 2} | more
    return model.generate(input_ids=ids, attention_mask=mask, **options)[:, ids.shape[1] :]


def reference(smollm, axis, spec, ids, n):
    """The same hold the long way round: no cache, every token so far, floors on the response's tokens alone."""
    floors, start = floors_for(spec, axis), ids.shape[1]
    handles = []
    for layer in floors.layers:

        def hook(_module, _args, output, layer=layer):
            stream = block_output(output).double()
            v = axis.units[layer].double()
            short = (float(floors.tau[layer]) - stream @ v).clamp_min(0) * floors.strength
            short[:, :start] = 0
            return (stream + short[..., None] * v).float()

        handles.append(smollm.layers[layer].register_forward_hook(hook))
    with torch.no_grad():
        for _ in range(n):
            logits = smollm.model(input_ids=ids, use_cache=False).logits[:, -1]
            ids = torch.cat([ids, logits.argmax(dim=-1, keepdim=True)], dim=1)
    for handle in handles:
        handle.remove()
    return ids[0, start:].tolist()


def test_generate_is_held_as_the_long_way_round_says(smollm, held_axis, prompts):
    ids = prompts[0][1:2]
    with hold(smollm, held_axis, FIRM) as held:
        drawn = generate(smollm.model, ids, torch.ones_like(ids))[0].tolist()
    assert drawn == reference(smollm, held_axis, FIRM, ids, len(drawn))
    (row,) = held.rows()
    assert 0 < row.fired < 1
    assert all(after >= before - 1e-4 for before, after in zip(row.before, row.after, strict=True))
    assert min(row.after) >= float(floors_for(FIRM, held_axis).tau[held_axis.layer]) - 1e-3
    assert row.mean == pytest.approx(sum(row.after) / len(row.after))
    assert row.z == pytest.approx(held_axis.z(sum(row.before) / len(row.before)))
    assert row.z < held_axis.z(row.mean)


def test_left_padding_changes_nothing_and_free_rows_stay_free(smollm, held_axis, prompts):
    ids, mask = prompts
    free = generate(smollm.model, ids, mask)
    with hold(smollm, held_axis, ["free", FIRM]) as held:
        mixed = generate(smollm.model, ids, mask)
    rows = held.rows()
    assert torch.equal(mixed[0], free[0])
    assert rows[0].fired == 0
    assert rows[0].before == rows[0].after
    with hold(smollm, held_axis, FIRM):
        alone = generate(smollm.model, ids[1:], mask[1:])
    assert torch.equal(mixed[1], alone[0])
    assert rows[1].fired > 0


def test_finished_rows_are_no_longer_counted(smollm, held_axis, prompts):
    ids, mask = prompts
    with hold(smollm, held_axis, "firm") as held:
        drawn = generate(smollm.model, ids, mask)
    end = int(drawn[0][4])
    first = drawn[0].tolist().index(end)
    with hold(replace_eos(smollm, end), held_axis, "firm") as held:
        generate(smollm.model, ids, mask, eos_token_id=end)
    assert len(held.rows()[0].before) == first


def replace_eos(smollm: ChatModel, end: int) -> ChatModel:
    other = replace(smollm)
    other.__dict__["eos_token_ids"] = frozenset([end])
    other.__dict__["weights_digest"] = smollm.weights_digest
    return other


@pytest.mark.parametrize(
    "options",
    [{"num_beams": 3}, {"do_sample": True, "temperature": 0.8}, {"num_return_sequences": 2, "num_beams": 2}],
    ids=["beams", "sampling", "several returned"],
)
def test_every_way_of_generating_runs_held(smollm, held_axis, prompts, options):
    ids, mask = prompts
    with hold(smollm, held_axis, ["gentle", FIRM]) as held:
        drawn = generate(smollm.model, ids, mask, **options)
    assert len(drawn) == 2 * options.get("num_return_sequences", 1)
    assert any(row.fired > 0 for row in held.rows())


def hooks_on(smollm: ChatModel) -> int:
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in (smollm.model, *smollm.layers))


def test_hooks_vanish_after_any_exception_and_entering_twice_is_an_error(smollm, held_axis):
    before = hooks_on(smollm)
    with contextlib.suppress(KeyboardInterrupt), hold(smollm, held_axis, "firm"):
        assert hooks_on(smollm) > before
        raise KeyboardInterrupt
    assert hooks_on(smollm) == before
    with hold(smollm, held_axis, "firm"):
        with pytest.raises(SettingError, match="held already"), hold(smollm, held_axis, "gentle"):
            pass
        assert hooks_on(smollm) > before, "the first hold is still in force"
    assert hooks_on(smollm) == before


def test_a_wrong_axis_model_or_spec_is_refused(smollm, held_axis):
    strange = replace(held_axis, card=held_axis.card.model_copy(update={"weights_digest": "0" * 64}))
    with pytest.raises(WrongModel, match="fitted on"):
        hold(smollm, strange, "firm")
    configured = replace(held_axis, card=held_axis.card.model_copy(update={"config_digest": "0" * 64}))
    with pytest.raises(WrongModel, match="another configuration"):
        hold(smollm.model, configured, "firm")
    failed = SelfTest(layer=20, default_mean=0.0, role_mean=1.0, passed=False)
    reversed_ = replace(held_axis, card=held_axis.card.model_copy(update={"self_test": failed}))
    with pytest.raises(ArtifactError, match="self-test"):
        hold(smollm, reversed_, "firm")
    with pytest.raises(SettingError, match="holdtrue serve"):
        hold(smollm, held_axis, "remind")
    with pytest.raises(SettingError, match="blocks 0-29"):
        hold(smollm, held_axis, HoldSpec(cap=CapSpec(fire=0.1, band=(10, 30))))


def test_more_specs_than_rows_is_an_error_and_leaves_no_hook(smollm, held_axis, prompts):
    before = hooks_on(smollm)
    ids, mask = prompts
    with pytest.raises(SettingError, match="3 hold specs for 2 rows"), hold(smollm, held_axis, ["firm"] * 3):
        generate(smollm.model, ids, mask)
    assert hooks_on(smollm) == before


def test_the_reading_before_the_cap_does_not_depend_on_the_cap_there(smollm, held_axis, prompts):
    ids = prompts[0][:1]
    only = HoldSpec(cap=CapSpec(fire=0.4, band=(held_axis.layer, held_axis.layer)))
    tokens = []
    for spec in ("free", only):
        with hold(smollm, held_axis, spec) as held:
            generate(smollm.model, ids, torch.ones_like(ids), max_new_tokens=2)
        tokens.append(held.rows()[0].before[0])
    assert tokens[0] == pytest.approx(tokens[1], abs=1e-4)


@pytest.mark.parametrize("kind", FAMILIES)
def test_blocks_of_every_family_are_held_to_the_floor(kind):
    model = family(kind)
    layers = decoder_layers(model)
    axis = tiny_axis(model, kind)
    seen = {}
    handles = []
    spec = HoldSpec(cap=CapSpec(tau=50.0, positions="all"))
    with hold(model, axis, spec), torch.no_grad():
        for at in (1, 2):
            keep = lambda _m, _a, out, at=at: seen.__setitem__(at, block_output(out).clone())  # noqa: E731
            handles.append(layers[at].register_forward_hook(keep))
        model(input_ids=torch.arange(5, 25)[None])
    for handle in handles:
        handle.remove()
    for at in (1, 2):
        assert torch.allclose(project(seen[at], axis.units[at]), torch.tensor(50.0), atol=1e-2)


def test_a_compiled_model_is_held_and_is_free_again():
    """In a process of its own: the shape checks of these tests don't go through a compiler."""
    script = Path(__file__).with_name("compiled_hold.py")
    places = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "models")]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    done = subprocess.run([sys.executable, script], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split() == ["held", "free"]


@pytest.mark.parametrize("kind", ["mock", "hf"])
def test_engines_take_a_hold_with_each_request(kind, engine, smollm, held_axis):
    any_engine = MockEngine(n_layers=30, d_model=576) if kind == "mock" else engine
    prompt = tuple(smollm.template.encode([{"role": "user", "content": "Who are you?"}], add_generation_prompt=True))
    free = GenerateRequest(prompt, 8, 0, 0.0)
    held = replace(free, floors=floors_for(HoldSpec(cap=CapSpec(tau=40.0)), held_axis))
    drawn = any_engine.generate([free, held, free], capture=True)
    layer = held_axis.layer
    low, high = (float(project(drawn[row].resid_mean[layer], held_axis.units[layer])) for row in (0, 1))
    assert high >= 40 - 1e-2 > low
    assert torch.allclose(drawn[0].resid_mean, drawn[2].resid_mean, atol=1e-3)


def test_an_engine_and_a_with_block_hold_alike(engine: HFEngine, smollm, held_axis, prompts):
    ids = prompts[0][1:2]
    with hold(smollm, held_axis, FIRM):
        drawn = generate(smollm.model, ids, torch.ones_like(ids))[0].tolist()
    request = GenerateRequest(tuple(ids[0].tolist()), N_TOKENS, 0, 0.0, floors=floors_for(FIRM, held_axis))
    tokens = list(engine.generate([request], capture=False)[0].token_ids)
    assert tokens == drawn[: len(tokens)]


@pytest.fixture
def tiny():
    model = family("llama")
    model.generation_config.eos_token_id = None
    return model, tiny_axis(model, "llama")


FLOOR = HoldSpec(cap=CapSpec(tau=3.0))
IDS = torch.arange(5, 25)[None]


@pytest.mark.parametrize(
    "options",
    [{"use_cache": False}, {"prompt_lookup_num_tokens": 4}, {"assistant_model": "itself"}, {"prefill_chunk_size": 8}],
    ids=lambda each: next(iter(each)),
)
def test_what_can_not_be_held_is_refused(tiny, options):
    model, axis = tiny
    ids = torch.tensor([[5, 6, 7] * 6])
    more = options if "assistant_model" not in options else {"assistant_model": family("llama")}
    with pytest.raises(SettingError, match=r"prompt from response"), hold(model, axis, FLOOR):
        generate(model, ids, torch.ones_like(ids), **more)


def test_a_one_token_prompt_is_a_prompt_and_readings_start_anew(tiny):
    model, axis = tiny
    with hold(model, axis, FLOOR) as held:
        for ids in (IDS, IDS[:, :1]):
            drawn = generate(model, ids, torch.ones_like(ids), max_new_tokens=6, min_new_tokens=6)
            (row,) = held.rows()
            assert drawn.shape == (1, 6)
            assert len(row.before) == 5
    assert min(row.after) >= 3 - 1e-3
    engine = HFEngine(chat_of(model))
    request = GenerateRequest((5,), 6, 0, 0.0, floors=floors_for(FLOOR, axis))
    assert list(engine.generate([request], capture=False)[0].token_ids) == drawn[0].tolist()


def chat_of(model):
    return wrap(model, make_tokenizer(["<bos>", "<eos>"], CHATML), name="tiny")


def test_a_recurrent_model_is_held():
    model = tiny_model(tiny_config("mamba2", num_heads=8, head_dim=8, state_size=8, n_groups=1, expand=2))
    axis = tiny_axis(model, "mamba2")
    with hold(model, axis, FLOOR) as held:
        generate(model, IDS, torch.ones_like(IDS), max_new_tokens=4, eos_token_id=None)
    (row,) = held.rows()
    assert len(row.after) == 3
    assert min(row.after) >= 3 - 1e-3


def test_a_forward_of_the_models_own_is_there_again(tiny):
    model, axis = tiny
    own = model.forward

    @wraps(own)
    def forward(*args, **kwargs):
        return own(*args, **kwargs)

    model.forward = forward
    request = GenerateRequest((5, 6), 2, 0, 0.0, floors=floors_for(FLOOR, axis))
    HFEngine(chat_of(model)).generate([request], capture=False)
    assert vars(model)["forward"] is forward
