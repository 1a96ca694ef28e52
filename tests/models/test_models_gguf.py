import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_models import CHATML, GEMMA, write_gguf

from holdtrue.errors import ArtifactError, ModelError, NoChatTemplate
from holdtrue.models import ChatModel, load, read_passes
from holdtrue.models.digests import file_sha256

IDS = torch.tensor([[3, 10, 20, 30, 40, 50, 60, 70]])


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        return model(IDS).logits


def cached(cache: Path, gguf: Path) -> Path:
    return cache / "models" / file_sha256(gguf)[:16]


@pytest.mark.parametrize(
    ("arch", "template", "more"),
    [
        ("llama", CHATML, {}),
        ("qwen2", CHATML, {}),
        ("qwen3", CHATML, {"head_dim": 8}),
        ("gemma3", GEMMA, {"head_dim": 8, "n_layers": 7, "sliding_window": 4, "query_pre_attn_scalar": 8}),
    ],
)
def test_a_gguf_computes_what_the_model_it_was_made_of_computes(
    tmp_path: Path, arch: str, template: str, more: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tiny.gguf"
    original = write_gguf(path, arch, template, **more)
    chat = load(path, device="cpu")
    assert capfd.readouterr().err == ""
    assert torch.allclose(logits(chat.model), logits(original), atol=1e-5)
    assert (chat.n_layers, chat.d_model, chat.max_positions) == (original.config.num_hidden_layers, 32, 256)
    assert chat.name == "tiny"
    assert chat.weights_digest == file_sha256(path)
    ids = chat.template.encode([{"role": "user", "content": "hello"}], add_generation_prompt=True)
    assert ids.count(chat.tokenizer.bos_token_id) == (1 if arch == "gemma3" else 2)  # ChatML's BOS opens each turn
    out = chat.model.generate(torch.tensor([ids]), max_new_tokens=4, do_sample=False, pad_token_id=chat.pad_token_id)
    assert out.shape[1] > len(ids)
    (read,) = read_passes(chat.template, [{"role": role, "content": "he"} for role in ("user", "assistant")] * 2)
    said = [[chat.tokenizer.decode(read.token_ids[at]) for at in turn.answer] for turn in read.turns]
    assert said == [["he"], ["he"]]
    assert not any(weight.requires_grad for weight in chat.model.parameters())
    assert not chat.model.training


def test_the_turn_terminator_counts_as_an_end_even_if_the_file_names_another(tmp_path: Path) -> None:
    write_gguf(tmp_path / "g.gguf", "gemma3", GEMMA, head_dim=8)
    chat = load(tmp_path / "g.gguf", device="cpu")
    assert chat.eos_token_ids == {1, chat.tokenizer.convert_tokens_to_ids("<end_of_turn>")}


@pytest.mark.parametrize(
    ("arch", "meta", "rope"),
    [
        ("qwen2", {"rope.scaling.type": "linear", "rope.scaling.factor": 8.0}, {"rope_type": "linear", "factor": 8.0}),
        ("gemma3", {"rope.scaling.type": "linear", "rope.scaling.factor": 8.0}, {"rope_type": "linear", "factor": 8.0}),
    ],
)
def test_rotary_scaling_survives(tmp_path: Path, arch: str, meta: dict[str, Any], rope: dict[str, Any]) -> None:
    template, more = (GEMMA, {"head_dim": 8}) if arch == "gemma3" else (CHATML, {})
    write_gguf(tmp_path / "r.gguf", arch, template, meta={f"{arch}.{k}": v for k, v in meta.items()}, **more)
    found = load(tmp_path / "r.gguf", device="cpu").model.config.rope_parameters
    found = found.get("full_attention", found)
    assert rope.items() <= found.items()


def test_llama_3_rotary_factors_are_recognised_and_others_refused(tmp_path: Path) -> None:
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    scaled = {
        "rope_type": "llama3",
        "rope_theta": 500000.0,
        "factor": 32.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    }
    path = tmp_path / "l.gguf"
    shape: dict[str, Any] = {"head_dim": 32, "rope_parameters": scaled}
    plain = 500000.0 ** (-np.arange(0, 32, 2) / 32)
    original = write_gguf(path, "llama", **shape)
    frequencies, _ = ROPE_INIT_FUNCTIONS["llama3"](original.config, torch.device("cpu"))
    factors = (plain / frequencies.double().numpy()).astype(np.float32)
    write_gguf(path, "llama", tensors={"rope_freqs.weight": factors}, **shape)
    chat = load(path, device="cpu")
    assert chat.model.config.rope_parameters == scaled
    assert torch.allclose(logits(chat.model), logits(original), atol=1e-5)
    write_gguf(path, "llama", tensors={"rope_freqs.weight": factors * 1.5}, **shape)
    with pytest.raises(ModelError, match="fit no known scaling"):
        load(path, device="cpu")


def test_longrope_is_refused_not_dropped(tmp_path: Path) -> None:
    write_gguf(tmp_path / "p.gguf", "qwen2", meta={"qwen2.rope.scaling.type": "longrope"})
    with pytest.raises(ModelError, match=r"longrope.*load the safetensors folder"):
        load(tmp_path / "p.gguf", device="cpu")


def test_no_chat_template_says_how_to_give_one(tmp_path: Path) -> None:
    path = tmp_path / "base.gguf"
    write_gguf(path, "qwen2", template=None)
    with pytest.raises(NoChatTemplate, match=r"base has no chat template.*--template FILE"):
        load(path, device="cpu")
    given = tmp_path / "chatml.jinja"
    given.write_text(CHATML)
    as_json = tmp_path / "chatml.json"
    as_json.write_text(json.dumps({"chat_template": CHATML}))
    first, second = (load(path, device="cpu", template=file) for file in (given, as_json))
    assert first.template.text == second.template.text == CHATML
    assert first.template.digest == second.template.digest


def test_a_file_that_is_no_gguf_or_only_part_of_one_is_one_line(tmp_path: Path) -> None:
    whole = tmp_path / "whole.gguf"
    write_gguf(whole, "qwen2")
    data = whole.read_bytes()
    for name, part in {
        "empty": b"",
        "text": b"hello world",
        "head": data[:20],
        "keys": data[:900],
        "cut": data[:-500],
    }.items():
        path = tmp_path / f"{name}.gguf"
        path.write_bytes(part)
        with pytest.raises(ArtifactError, match=f"{name}.gguf.*download it again") as caught:
            load(path, device="cpu")
        assert "\n" not in str(caught.value)
    assert not list((tmp_path / "cache" / "models").glob(".*partial"))


def test_a_missing_tensor_is_an_error_not_random_weights(tmp_path: Path) -> None:
    write_gguf(tmp_path / "holes.gguf", "qwen2", leave_out="blk.1.ffn_up.weight")
    with pytest.raises(ArtifactError, match=r"lacks 1 weights, such as 'model\.layers\.1\.mlp\.up_proj\.weight'"):
        load(tmp_path / "holes.gguf", device="cpu")


def test_an_unknown_architecture_is_named(tmp_path: Path) -> None:
    path = tmp_path / "odd.gguf"
    write_gguf(path, "qwen2", named_arch="rwkv7")
    with pytest.raises(ModelError, match=r"'rwkv7'.*can't be rebuilt by transformers"):
        load(path, device="cpu")


def test_a_damaged_cache_is_made_again(tmp_path: Path, own_cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "tiny.gguf"
    original = write_gguf(path, "qwen2")
    load(path, device="cpu")
    weights = cached(own_cache, path) / "model.safetensors"
    good = weights.read_bytes()
    flipped = bytearray(good)
    flipped[-5] ^= 1
    for damage in (good[:-100], bytes(flipped)):
        weights.write_bytes(damage)
        with caplog.at_level(logging.WARNING, "holdtrue"):
            assert torch.allclose(logits(load(path, device="cpu").model), logits(original), atol=1e-5)
        assert "unpacking them again" in caplog.text
        caplog.clear()
        assert weights.read_bytes() == good
    (cached(own_cache, path) / "holdtrue-manifest.json").write_text("{")
    load(path, device="cpu")
    assert json.loads((cached(own_cache, path) / "holdtrue-manifest.json").read_text())["schema"] == 1


def test_a_touched_cache_is_hashed_and_kept(tmp_path: Path, own_cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "tiny.gguf"
    write_gguf(path, "qwen2")
    load(path, device="cpu")
    weights = cached(own_cache, path) / "model.safetensors"
    before = weights.stat().st_ino
    os.utime(weights, (1, 1))
    load(path, device="cpu")
    assert weights.stat().st_ino == before
    assert caplog.text == ""


def test_what_a_killed_process_left_is_cleared(tmp_path: Path, own_cache: Path) -> None:
    path = tmp_path / "tiny.gguf"
    write_gguf(path, "qwen2")
    left = own_cache / "models" / f".{file_sha256(path)[:16]}.partial"
    left.mkdir(parents=True)
    (left / "model.safetensors").write_bytes(b"half")
    load(path, device="cpu")
    assert not left.exists()


def test_two_processes_share_one_cache(tmp_path: Path, own_cache: Path) -> None:
    path = tmp_path / "tiny.gguf"
    write_gguf(path, "qwen2")
    program = (
        "import sys; from holdtrue.models import load; c = load(sys.argv[1], device='cpu');"
        "print(c.weights_digest, sum(p.double().sum().item() for p in c.model.parameters()))"
    )
    command = [sys.executable, "-c", program, str(path)]
    # Threads oversubscribed twice over would make this the slowest test by far.
    env = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    started = [
        subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    ends = [process.communicate(timeout=120) for process in started]
    assert [process.returncode for process in started] == [0, 0], ends
    assert ends[0] == ends[1]
    assert ends[0][1] == ""
    assert [entry.name for entry in (own_cache / "models").iterdir() if entry.is_dir()] == [file_sha256(path)[:16]]


def test_the_bundled_model_answers(smollm: ChatModel) -> None:
    assert (smollm.name, smollm.n_layers, smollm.d_model, smollm.max_positions) == ("smollm2-135m", 30, 576, 8192)
    assert smollm.weights_digest == "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
    assert smollm.dtype == torch.float32
    assert smollm.device == torch.device("cpu")
    assert smollm.eos_token_ids == {2}
    assert smollm.template.supports_system
    ids = smollm.template.encode([{"role": "user", "content": "What is the capital of France?"}], True)
    out = smollm.model.generate(torch.tensor([ids]), max_new_tokens=10, do_sample=False)
    assert "Paris" in smollm.tokenizer.decode(out[0, len(ids) :])
