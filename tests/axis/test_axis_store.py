"""The artifact on disk: what was saved is what loads, and nothing else loads."""

import json
import os
import pickle
import runpy
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from holdtrue.axis import Axis, load_axis, save_axis
from holdtrue.axis.store import CARD_FILE, TENSOR_FILE
from holdtrue.errors import ArtifactError, StorageError

REPOSITORY = Path(__file__).parents[2]
ATTACKS = sorted(p for p in (REPOSITORY / "attacks").glob("*.py") if p.name != "victim.py")
ON_THE_SERVER = "serve_hostile"
ON_A_BUNDLE = "tampered_bundle"


def refusal(folder: Path) -> str:
    with pytest.raises(ArtifactError) as caught:
        load_axis(folder)
    message = str(caught.value)
    assert "\n" not in message
    assert str(folder) in message
    return message


def rewrite(folder: Path, metadata: dict[str, str] | None = None, **changed: torch.Tensor | None) -> None:
    """Put other tensors in the artifact, with metadata that still fits the card."""
    path = folder / TENSOR_FILE
    tensors = {k: v for k, v in (load_file(path) | changed).items() if v is not None}
    card = json.loads((folder / CARD_FILE).read_text())
    assert card["schema"] == "holdtrue.axis/1"
    sound = {"schema": "holdtrue.axis-tensors/1", "card": digest_of(folder)}
    save_file(tensors, path, sound if metadata is None else metadata)


def digest_of(folder: Path) -> str:
    from holdtrue.records import AxisCard

    return AxisCard.from_json((folder / CARD_FILE).read_text(), "test").digest


def edit_card(folder: Path, **fields: Any) -> None:
    """Change the card and bind the tensors to it anew, as a careful forger would."""
    path = folder / CARD_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))
    rewrite(folder)


@pytest.fixture
def saved(axis: Axis, tmp_path: Path) -> Path:
    save_axis(axis, tmp_path / "artifact")
    return tmp_path / "artifact"


@pytest.mark.parametrize("name", ["", CARD_FILE, TENSOR_FILE])
def test_what_was_saved_is_what_loads(axis: Axis, saved: Path, name: str) -> None:
    loaded = load_axis(saved / name)
    assert loaded.card == axis.card
    assert loaded.card.digest == axis.card.digest
    for found, kept in (
        (loaded.vectors, axis.vectors),
        (loaded.default_mean, axis.default_mean),
        (loaded.role_means, axis.role_means),
    ):
        assert found is not None
        assert kept is not None
        assert found.dtype == torch.float32
        assert torch.equal(found, kept)
    assert sorted(p.name for p in saved.iterdir()) == [CARD_FILE, TENSOR_FILE]


def test_saving_twice_gives_the_same_bytes(axis: Axis, saved: Path, tmp_path: Path) -> None:
    for again in (tmp_path / f"again {k}" for k in range(8)):
        save_axis(load_axis(saved), again)
        for name in (CARD_FILE, TENSOR_FILE):
            assert (again / name).read_bytes() == (saved / name).read_bytes()


def test_an_axis_without_means_or_in_half_precision_is_saved_as_fp32(bare_axis: Axis, tmp_path: Path) -> None:
    save_axis(replace(bare_axis, vectors=bare_axis.vectors.bfloat16()), tmp_path)
    loaded = load_axis(tmp_path)
    assert loaded.role_means is None
    assert loaded.vectors.dtype == torch.float32


def test_a_loaded_axis_survives_the_loss_of_its_file(axis: Axis, saved: Path) -> None:
    loaded = load_axis(saved)
    (saved / TENSOR_FILE).write_bytes(b"")
    assert torch.equal(loaded.vectors, axis.vectors)


def test_a_failed_self_test_loads_and_says_so(axis: Axis, tmp_path: Path) -> None:
    assert axis.card.self_test is not None
    failed = axis.card.self_test.model_copy(update={"passed": False})
    save_axis(replace(axis, card=axis.card.model_copy(update={"self_test": failed})), tmp_path)
    loaded = load_axis(tmp_path).card.self_test
    assert loaded is not None
    assert not loaded.passed


def test_missing_parts_are_named(saved: Path, tmp_path: Path) -> None:
    assert "doesn't exist" in refusal(tmp_path / "nowhere")
    (tmp_path / "axis.pt").write_bytes(b"x")
    assert "holdtrue axis import" in refusal(tmp_path / "axis.pt")
    (saved / CARD_FILE).unlink()
    assert "no axis.json here" in refusal(saved)
    assert "resumes with the same --out" in refusal(saved)
    (saved / TENSOR_FILE).unlink()
    assert "no axis.safetensors and no axis.json" in refusal(saved)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "truncated"),
        (b"\x10\0\0\0\0\0\0\0", "truncated"),
        (pickle.dumps({"axis": [1.0] * 50}, protocol=4), "a pickle"),
        (b"PK\x03\x04" + bytes(60), "a zip archive"),
        ((2**40).to_bytes(8, "little") + b"{" + bytes(40), "limit 1048576"),
        (b"GGUF" + bytes(60), "first bytes b'GGUF'"),
        ((60).to_bytes(8, "little") + b"{" + b"x" * 70, "truncated or damaged"),
    ],
)
def test_what_is_no_safetensors_file_is_refused(saved: Path, content: bytes, said: str) -> None:
    (saved / TENSOR_FILE).write_bytes(content)
    assert said in refusal(saved)


def test_a_header_whose_length_looks_like_a_pickle_still_loads(axis: Axis, tmp_path: Path) -> None:
    # 0x280 = 640 little-endian starts with b"\x80\x02", a pickle's first bytes.
    save_axis(axis, tmp_path)
    path = tmp_path / TENSOR_FILE
    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    assert length <= 640
    path.write_bytes((640).to_bytes(8, "little") + raw[8 : 8 + length] + b" " * (640 - length) + raw[8 + length :])
    assert path.read_bytes()[:2] == b"\x80\x02"
    assert torch.equal(load_axis(tmp_path).vectors, axis.vectors)


def test_an_oversized_file_is_refused_unread(saved: Path) -> None:
    with (saved / TENSOR_FILE).open("r+b") as file:
        file.truncate(65 * 2**30)  # sparse
    assert "too large" in refusal(saved)


def test_every_truncation_is_refused(saved: Path) -> None:
    path = saved / TENSOR_FILE
    whole = path.read_bytes()
    for kept in range(0, len(whole), 97):
        path.write_bytes(whole[:kept])
        refusal(saved)
    path.write_bytes(whole + b"\0")
    refusal(saved)


def test_tensors_that_dont_fit_the_card_are_refused(axis: Axis, saved: Path) -> None:
    cases: list[tuple[dict[str, torch.Tensor | None], str]] = [
        ({"axis": axis.vectors.half()}, "is F16, expected F32"),
        ({"axis": axis.vectors[:, :-1].contiguous()}, "has shape [6, 15], expected [6, 16]"),
        ({"role_means": torch.zeros(4, 6, 16)}, "has shape [4, 6, 16], expected [5, 6, 16]"),
        ({"extra": torch.zeros(2)}, "unknown tensor 'extra'"),
        ({"axis": None}, "no tensor 'axis'"),
        ({"role_means": None}, "no tensor 'role_means'"),
        ({"axis": axis.vectors * torch.tensor([[1.0]] * 5 + [[0.0]])}, "zero at block 5"),
        ({"default_mean": torch.full((6, 16), float("inf"))}, "96 values that are NaN or infinite"),
        ({"axis": -axis.vectors}, "wrong sign at block 0 (6 of 6 blocks)"),
        ({"axis": axis.vectors * torch.tensor([[1.0]] * 3 + [[-1.0]] + [[1.0]] * 2)}, "wrong sign at block 3 (1 of 6"),
    ]
    whole = (saved / TENSOR_FILE).read_bytes()
    for changed, said in cases:
        rewrite(saved, **changed)
        assert said in refusal(saved)
        (saved / TENSOR_FILE).write_bytes(whole)
    load_axis(saved)


def test_card_and_tensors_of_different_fits_are_refused(another_fit: Axis, saved: Path, tmp_path: Path) -> None:
    save_axis(another_fit, tmp_path / "other")
    for name in (CARD_FILE, TENSOR_FILE):
        mine = (saved / name).read_bytes()
        (saved / name).write_bytes((tmp_path / "other" / name).read_bytes())
        assert "different fits" in refusal(saved)
        (saved / name).write_bytes(mine)
    rewrite(saved, metadata={})
    assert "tensor schema is None" in refusal(saved)


def test_a_crash_between_the_two_files_is_noticed(
    another_fit: Axis, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from holdtrue.axis import store

    def dies_at_the_card(path: Path, data: str | bytes) -> None:
        if path.name == CARD_FILE:
            raise KeyboardInterrupt
        path.write_bytes(data if isinstance(data, bytes) else data.encode())

    monkeypatch.setattr(store, "write_atomic", dies_at_the_card)
    with pytest.raises(KeyboardInterrupt):
        save_axis(another_fit, saved)
    assert "different fits" in refusal(saved)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"recommended_layer": 6}, "'recommended_layer' is 6, expected 0-5"),
        ({"recommended_layer": -1}, "'recommended_layer' is -1"),
        ({"hold_band": [4, 2]}, "'hold_band' is 4-2"),
        ({"layers": []}, "'layers' holds 0"),
        ({"floors": {"9": 1.0}}, "'floors' names block 9"),
        ({"n_layers": 10**12}, "'layers' holds 6"),
        ({"n_layers": 0}, "field 'n_layers'"),
        ({"d_model": 8}, "has shape [6, 16], expected [6, 8]"),
        ({"roles": []}, "has shape [5, 6, 16], expected [0, 6, 16]"),
        ({"orientation": "assistant-negative"}, "field 'orientation'"),
        ({"seconds": float("nan")}, "field 'seconds'"),
    ],
)
def test_a_card_that_contradicts_itself_is_refused(saved: Path, fields: dict[str, Any], said: str) -> None:
    path = saved / CARD_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))
    with suppress(ArtifactError):  # some aren't even a card any more
        rewrite(saved)
    assert said in refusal(saved)


def test_a_calibration_that_is_no_distribution_is_refused(saved: Path) -> None:
    calibration = json.loads((saved / CARD_FILE).read_text())["calibration"]
    calibration[2]["token"]["values"].reverse()
    edit_card(saved, calibration=calibration)
    assert "'calibration' of block 2" in refusal(saved)
    edit_card(saved, calibration=calibration[:2])
    assert "'calibration' holds 2 layers" in refusal(saved)


def test_hostile_cards_are_refused(saved: Path) -> None:
    path = saved / CARD_FILE
    sound = path.read_text()
    for content, said in (
        (b"\xff\xfe", "not UTF-8"),
        (b"[" * 100_000, "not JSON"),
        (b"{}", "schema is None"),
        (sound.replace("holdtrue.axis/1", "holdtrue.axis/9").encode(), "schema is 'holdtrue.axis/9'"),
        (sound.replace("example/tiny-model", r"\ud800").encode(), "half a surrogate pair"),
    ):
        path.write_bytes(content)
        assert said in refusal(saved)


def test_what_couldnt_be_loaded_isnt_written(axis: Axis, tmp_path: Path) -> None:
    for broken in (
        replace(axis, vectors=-axis.vectors),
        replace(axis, card=axis.card.model_copy(update={"d_model": 8})),
        replace(axis, role_means=None),
        replace(axis, card=axis.card.model_copy(update={"hold_band": (2, 99)})),
    ):
        with pytest.raises(ArtifactError):
            save_axis(broken, tmp_path / "never")
    assert not (tmp_path / "never").exists()


def test_a_full_disk_leaves_what_was_there(
    axis: Axis, another_fit: Axis, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        save_axis(another_fit, saved)
    monkeypatch.undo()
    assert load_axis(saved).card == axis.card
    assert len(list(saved.iterdir())) == 2


@pytest.mark.parametrize(
    "program", [p for p in ATTACKS if p.stem not in (ON_THE_SERVER, ON_A_BUNDLE)], ids=lambda p: p.stem
)
def test_attacks_are_refused(
    program: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(program.parent))
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(program), run_name="__main__")
    shown = capsys.readouterr()
    assert (ended.value.code, shown.err) == (0, "")
    assert shown.out.startswith("refused: ")
    assert shown.out.count("\n") == 1


def test_attacks_on_the_server_are_refused_or_survived() -> None:
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "src")}
    command = [sys.executable, str(REPOSITORY / "attacks" / f"{ON_THE_SERVER}.py")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    kinds = [line.partition(": ")[0] for line in done.stdout.splitlines()]
    assert len(kinds) == 11
    assert set(kinds) == {"refused", "survived"}


def test_the_attacks_would_notice_an_unpickling_loader(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trusting = torch.load
    monkeypatch.setattr(torch, "load", lambda f, **kw: trusting(f, **(kw | {"weights_only": False})))
    monkeypatch.syspath_prepend(str(REPOSITORY / "attacks"))
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(REPOSITORY / "attacks" / "pickle_bomb.py"), run_name="__main__")
    assert ended.value.code == 1
    assert not capsys.readouterr().out


def test_an_attack_runs_as_a_program() -> None:
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "src")}
    command = [sys.executable, str(REPOSITORY / "attacks" / "pickle_bomb.py")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stdout[:9]) == (0, "refused: ")


def test_the_readme_of_the_attacks_names_each_program() -> None:
    text = (REPOSITORY / "attacks" / "README.md").read_text(encoding="utf-8")
    assert [p.name for p in ATTACKS if f"`{p.name}`" not in text] == []
