"""Incremental reading against whole passes: chunks, crops, sessions, long texts, other architectures."""

import random
import threading

import pytest
import torch
from tiny_models import CHATML, make_tokenizer, tiny_config, tiny_model
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from holdtrue.engines.hf import HFEngine
from holdtrue.engines.hf.grouped_attention import grouped_attention, grouped_attention_forward
from holdtrue.engines.hf.reader import Abandoned, IncrementalReader, ReaderPool
from holdtrue.errors import SettingError
from holdtrue.models import ChatModel, wrap

LAYER = 20


def units_of(chat: ChatModel) -> torch.Tensor:
    drawn = torch.randn(chat.n_layers, chat.d_model, generator=torch.Generator().manual_seed(1))
    return torch.nn.functional.normalize(drawn, dim=1)


def assert_same(found: torch.Tensor, whole: torch.Tensor) -> None:
    # The first token's stream is a thousand times longer than the others', and so is its rounding.
    assert torch.allclose(found, whole, atol=1e-3, rtol=1e-5)


def tiny(kind: str, n_layers: int, **more: object) -> ChatModel:
    tokenizer = make_tokenizer(["<|im_start|>", "<|im_end|>"], CHATML)
    return wrap(tiny_model(tiny_config(kind, n_layers=n_layers, **more)), tokenizer, name=kind)


@pytest.fixture(scope="module")
def units(smollm: ChatModel) -> torch.Tensor:
    return units_of(smollm)


@pytest.fixture(scope="module")
def ids(smollm: ChatModel) -> list[int]:
    talk = [
        {"role": "user", "content": "Tell me of the sea, and of those who sail it."},
        {"role": "assistant", "content": "The sea is wide. Who sails it learns to wait, and to mend. " * 8},
    ]
    return smollm.template.encode(talk)


@pytest.fixture(scope="module")
def whole(engine: HFEngine, ids: list[int], units: torch.Tensor) -> torch.Tensor:
    return engine.project(ids, units)[LAYER]


@pytest.mark.parametrize("seed", range(3))
def test_any_chunking_reads_as_the_whole(smollm, units, ids, whole, seed):
    reader, rng, end, n_fed = IncrementalReader(smollm, LAYER, units[LAYER]), random.Random(seed), 0, 0
    while end < len(ids):
        new = min(rng.randint(1, 60), len(ids) - end)
        end += new
        readout = reader.read(ids[:end])
        assert readout.n_new == readout.n_fed == new
        n_fed += readout.n_fed
        assert_same(readout.values, whole[:end])
    assert n_fed == len(ids)


def test_chunks_within_one_reading_change_nothing(smollm, units, ids, whole, monkeypatch):
    monkeypatch.setattr("holdtrue.engines.hf.reader.CHUNK_TOKENS", 7)
    assert_same(IncrementalReader(smollm, LAYER, units[LAYER]).read(ids).values, whole)


def test_another_continuation_is_read_from_where_they_part(smollm, engine, units, ids):
    reader = IncrementalReader(smollm, LAYER, units[LAYER])
    reader.read(ids)
    other = ids[:50] + ids[20:60]
    readout = reader.read(other)
    assert (readout.n_fed, readout.n_new) == (40, 40)
    assert_same(readout.values, engine.project(other, units)[LAYER])
    assert reader.read(ids[:30]).n_fed == 0
    again = reader.read(ids)
    assert again.n_fed == len(ids) - 30
    assert_same(again.values, engine.project(ids, units)[LAYER])


def test_blocks_above_the_read_layer_never_run_and_no_hook_stays(smollm, units, ids):
    ran: list[int] = []
    handles = [layer.register_forward_hook(lambda *_, at=at: ran.append(at)) for at, layer in enumerate(smollm.layers)]
    try:
        IncrementalReader(smollm, 4, units[4]).read(ids[:20])
    finally:
        for handle in handles:
            handle.remove()
    assert ran == [0, 1, 2, 3, 4]
    assert not any(layer._forward_hooks for layer in smollm.layers)


@pytest.mark.parametrize("n_new", [1, 2, 7])
@pytest.mark.parametrize("n_kv", [1, 2, 6])
@pytest.mark.parametrize("masked", [False, True])
def test_grouped_attention_is_torchs(n_new, n_kv, masked):
    draw = torch.Generator().manual_seed(0)
    query = torch.randn(1, 6, n_new, 8, generator=draw)
    key, value = (torch.randn(1, n_kv, 20, 8, generator=draw) for _ in "kv")
    module = torch.nn.Module()
    module.num_key_value_groups = 6 // n_kv
    mask = torch.arange(20)[None, None, None] <= torch.arange(20 - n_new, 20)[None, None, :, None] if masked else None
    found, _ = grouped_attention_forward(module, query, key, value, mask, scaling=0.3)
    expected, _ = sdpa_attention_forward(module, query, key, value, mask, scaling=0.3)
    assert torch.allclose(found, expected, atol=1e-6)


def test_the_model_is_left_as_it_was(smollm, units, ids, monkeypatch):
    config = smollm.model.config
    seen = set()
    handle = smollm.layers[0].register_forward_pre_hook(lambda *_: seen.add(config._attn_implementation))
    try:
        IncrementalReader(smollm, 4, units[4]).read(ids[:20])
        with grouped_attention(smollm.model), grouped_attention(smollm.model):
            pass
    finally:
        handle.remove()
    assert seen == {"holdtrue_grouped"}
    assert config._attn_implementation == "sdpa"
    monkeypatch.setattr(config, "_attn_implementation", "eager")
    with grouped_attention(smollm.model):
        assert config._attn_implementation == "eager"


def test_an_error_inside_the_model_is_not_swallowed_and_costs_only_the_session(smollm, units, ids, whole):
    pool = ReaderPool(smollm, LAYER, units)
    pool.read("a", ids[:10])
    handle = smollm.layers[3].register_forward_pre_hook(lambda *_: (_ for _ in ()).throw(RuntimeError("no memory")))
    try:
        with pytest.raises(RuntimeError, match="no memory"):
            pool.read("a", ids)
    finally:
        handle.remove()
    assert not smollm.layers[LAYER]._forward_hooks
    assert_same(pool.read("a", ids).values, whole)


@pytest.mark.parametrize(
    ("kind", "n_layers", "layer", "more"),
    [
        ("gemma3_text", 7, 5, {"sliding_window": 16}),
        ("gemma2", 4, 2, {"sliding_window": 16}),
        ("mistral", 4, 2, {"sliding_window": 16}),
        ("lfm2", 4, 2, {"layer_types": ["conv", "full_attention", "conv", "full_attention"]}),
        ("gpt_neox", 3, 1, {}),
    ],
)
def test_windows_and_recurrent_blocks_read_as_the_whole(kind, n_layers, layer, more):
    chat = tiny(kind, n_layers, **more)
    units, engine = units_of(chat), HFEngine(chat)
    reader = IncrementalReader(chat, layer, units[layer])
    rng = random.Random(0)
    ids = [rng.randrange(5, 250) for _ in range(120)]
    for sequence in (ids[:30], ids[:31], ids[:90], ids, ids[:60] + ids[:20], ids[:40], ids):
        readout = reader.read(sequence)
        assert torch.allclose(readout.values, engine.project(sequence, units)[layer], atol=1e-4)


def test_beyond_the_context_the_beginning_and_what_came_last_are_read(smollm, engine, units, ids, whole):
    reader = IncrementalReader(smollm, LAYER, units[LAYER], max_tokens=64)
    assert reader.read(ids[:64]).n_cut == 0
    grown = reader.read(ids[:65])
    assert (grown.n_cut, grown.n_new) == (16, 1)
    assert_same(grown.values[:64], whole[:64])  # as first read, with all before them
    shown = ids[:16] + ids[32:65]
    assert_same(grown.values[64:], engine.project(shown, units)[LAYER][-1:])
    assert reader.read(ids[:80]).n_fed == 15  # the cut stays where it is for a while
    assert reader.read(ids[:81]).n_cut == 32
    assert len(reader) <= 64
    cold = IncrementalReader(smollm, LAYER, units[LAYER], max_tokens=64).read(ids[:100])
    assert cold.n_cut == 48
    assert int(cold.values.isnan().sum()) == 48
    assert cold.values[16:64].isnan().all()


def test_what_a_cut_left_unread_is_read_when_it_is_shown(smollm, units, ids, whole):
    reader = IncrementalReader(smollm, LAYER, units[LAYER], max_tokens=64)
    reader.read(ids[:100])
    assert_same(reader.read(ids[:60]).values, whole[:60])


def test_an_abandoned_reading_keeps_what_it_read(smollm, units, ids, whole, monkeypatch):
    monkeypatch.setattr("holdtrue.engines.hf.reader.CHUNK_TOKENS", 16)
    reader, asked = IncrementalReader(smollm, LAYER, units[LAYER]), iter([True, True, False])
    with pytest.raises(Abandoned):
        reader.read(ids, lambda: next(asked))
    readout = reader.read(ids)
    assert readout.n_fed == len(ids) - 32
    assert_same(readout.values, whole)


def test_sessions_keep_apart_and_threads_take_turns(smollm, engine, units, ids):
    pool = ReaderPool(smollm, LAYER, units)
    texts = {name: ids[: 10 + 5 * at] + ids[at : at + 40] for at, name in enumerate("abcd")}
    found: dict[str, torch.Tensor] = {}

    def read(name: str) -> None:
        for end in range(7, len(texts[name]) + 7, 7):
            found[name] = pool.read(name, texts[name][:end]).values

    threads = [threading.Thread(target=read, args=(name,)) for name in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, text in texts.items():
        assert_same(found[name], engine.project(text, units)[LAYER])


def test_the_same_model_may_run_elsewhere_meanwhile(smollm, units, ids, whole):
    pool, stop, seen = ReaderPool(smollm, LAYER, units), threading.Event(), []

    @torch.inference_mode()
    def run() -> torch.Tensor:
        return smollm.model.base_model(input_ids=torch.tensor([ids[:40]]), use_cache=False).last_hidden_state

    def elsewhere() -> None:
        while not stop.is_set():
            seen.append(run())

    thread = threading.Thread(target=elsewhere)
    thread.start()
    for end in range(5, 60, 5):
        assert_same(pool.read("a", ids[:end]).values, whole[:end])
    stop.set()
    thread.join()
    assert seen
    for one in seen:
        assert torch.allclose(one, run(), atol=1e-3, rtol=1e-4)


def test_the_least_recently_used_session_goes_first(smollm, units, ids):
    by_count = ReaderPool(smollm, LAYER, units, max_sessions=2)
    for session in ("a", "b", "a", "c"):
        by_count.read(session, ids[:8])
    assert len(by_count) == 2
    assert by_count.read("a", ids[:8]).n_fed == 0
    assert by_count.read("b", ids[:8]).n_fed == 8
    by_tokens = ReaderPool(smollm, LAYER, units, max_tokens=50)
    by_tokens.read("a", ids[:30])
    by_tokens.read("b", ids[:30])
    assert len(by_tokens) == 1
    by_tokens.read("b", ids[:60])  # alone it may be longer
    assert len(by_tokens) == 1
    by_tokens.forget("b")
    assert len(by_tokens) == 0


def test_a_layer_that_is_not_there_is_refused(smollm, units):
    with pytest.raises(SettingError, match="blocks 0-29"):
        IncrementalReader(smollm, 30, units[0])
