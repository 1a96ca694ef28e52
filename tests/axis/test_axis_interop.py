"""Other people's formats: what is written does the same thing there, and what is read keeps its sign."""

import pickle
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from gguf import GGUFReader
from torch import Tensor

from holdtrue.axis import (
    Axis,
    import_axis,
    load_axis,
    read_axis_pt,
    read_capping_pt,
    save_axis,
    to_floors,
    write_axis_pt,
    write_control_vector,
    write_hub_folder,
)
from holdtrue.axis.interop import torch_file
from holdtrue.errors import ArtifactError, EvidenceError, HoldtrueError, SettingError, WrongModel

N_LAYERS, D_MODEL = 6, 16


def refusal(call: Any, kind: type[HoldtrueError] = ArtifactError) -> str:
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)
    return str(caught.value)


def bring_in(path: Path, **options: Any) -> Axis:
    known: dict[str, Any] = {
        "model_name": "example/tiny-model",
        "weights_digest": "a" * 64,
        "config_digest": "b" * 64,
        "template_digest": "c" * 64,
        "dtype": "float32",
        "n_layers": N_LAYERS,
        "d_model": D_MODEL,
    }
    return import_axis(path, **(known | options))


def capping_of(vectors: Tensor, caps: dict[int, Any], name: str = "layers_2:5-p0.25") -> dict[str, Any]:
    """The reference's layout, which points away from the assistant."""
    return {
        "vectors": {f"layer_{at}/contrast": {"vector": -vectors[at], "layer": at} for at in range(len(vectors))},
        "experiments": [
            {"id": "baseline", "interventions": []},
            {"id": name, "interventions": [{"vector": f"layer_{at}/contrast", "cap": cap} for at, cap in caps.items()]},
        ],
    }


def reference_cap(stream: Tensor, vector: Tensor, cap: float) -> Tensor:
    """What the reference's code does: `h - max(<h, v> - cap, 0) v`."""
    v = vector / (vector.norm() + 1e-8)
    return stream - (stream @ v - cap).clamp(min=0)[:, None] * v


@pytest.fixture
def pt(axis: Axis, tmp_path: Path) -> Path:
    path = tmp_path / "assistant_axis.pt"
    torch.save(axis.vectors.bfloat16(), path)
    return path


# Reading the reference's axis


@pytest.mark.parametrize("key", [None, "axis", "assistant_axis", "vector"])
def test_an_axis_reads_from_each_layout(axis: Axis, tmp_path: Path, key: str | None) -> None:
    path = tmp_path / "axis.pt"
    stored = torch.nn.Parameter(axis.vectors) if key == "vector" else axis.vectors
    torch.save(stored if key is None else {key: stored, "n_roles": 275}, path)
    assert torch.equal(read_axis_pt(path), axis.vectors)
    assert not read_axis_pt(path).requires_grad


def test_half_precision_reads_as_fp32(pt: Path, axis: Axis) -> None:
    assert read_axis_pt(pt).dtype == torch.float32
    assert torch.equal(read_axis_pt(pt), axis.vectors.bfloat16().float())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"weights": torch.ones(2, 3)}, "keys ['weights'], expected the axis under 'axis'"),
        ({"axis": [1.0]}, "is list, expected a tensor"),
        (torch.ones(4), "shape [4] on cpu, expected 2 dimensions"),
        (torch.ones(4, 8, dtype=torch.int64), "torch.int64"),
        (torch.ones(0, 8), "shape [0, 8]"),
        (torch.tensor([[1.0, float("nan")]]), "NaN"),
        (torch.tensor([[1.0, 0.0], [0.0, 0.0]]), "zero at block 1"),
        (torch.ones(1).expand(2**16, 2**16), "larger than what the file stores"),
        (torch.ones(2, 2).to_sparse(), "expected 2 dimensions of floating point"),
        ("text", "is str, expected a tensor"),
    ],
)
def test_what_is_no_axis_is_refused(tmp_path: Path, content: object, said: str) -> None:
    torch.save(content, tmp_path / "axis.pt")
    assert said in refusal(lambda: read_axis_pt(tmp_path / "axis.pt"))


def test_damaged_torch_files_are_refused(pt: Path, tmp_path: Path) -> None:
    whole = pt.read_bytes()
    path = tmp_path / "cut.pt"
    for kept in range(0, len(whole), 61):
        path.write_bytes(whole[:kept])
        refusal(lambda: read_axis_pt(path))
    for at in range(0, len(whole), 61):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        with suppress(ArtifactError):  # a flipped bit in the data is data
            read_axis_pt(path)
    for junk in (b"junk", b"\x80\x04.", b"PK\x03\x04" + bytes(50), b"PK\x05\x06" + bytes(18)):
        path.write_bytes(junk)
        refusal(lambda: read_axis_pt(path))
    refusal(lambda: read_axis_pt(tmp_path / "nowhere.pt"))
    refusal(lambda: read_axis_pt(tmp_path))


def test_a_refused_pickle_names_what_it_asks_for(tmp_path: Path) -> None:
    path = tmp_path / "axis.pt"
    path.write_bytes(pickle.dumps({"axis": Path("x")}, protocol=2))
    assert "it asks for pathlib." in refusal(lambda: read_axis_pt(path))


def test_an_oversized_torch_file_is_refused_unread(pt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_file, "MAX_BYTES", 100)
    assert "too large" in refusal(lambda: read_axis_pt(pt))


# Capping configurations


def test_caps_become_floors_that_do_the_same(axis: Axis, tmp_path: Path) -> None:
    path = tmp_path / "capping_config.pt"
    torch.save(capping_of(axis.vectors, {4: -5, 2: torch.tensor(-3.5), 3: 1.25}), path)
    config = read_capping_pt(path, "layers_2:5-p0.25")
    assert config.layers == (2, 3, 4)
    assert config.experiments == ("baseline", "layers_2:5-p0.25")
    floors = to_floors(config, axis)
    assert floors == {2: 3.5, 3: -1.25, 4: 5.0}
    stream = torch.randn(200, D_MODEL, generator=torch.Generator().manual_seed(0)) * 4
    for layer, tau in floors.items():
        ours = stream + (tau - axis.project(stream, layer)).clamp(min=0)[:, None] * axis.units[layer]
        theirs = reference_cap(stream, config.vectors[config.layers.index(layer)], config.caps[layer - 2])
        assert torch.allclose(ours, theirs, atol=1e-5)
        assert not torch.equal(ours, stream)


def test_a_cap_on_the_assistants_side_is_refused(axis: Axis, tmp_path: Path) -> None:
    path = tmp_path / "capping_config.pt"
    torch.save(capping_of(-axis.vectors, {2: -1.0}), path)
    said = refusal(lambda: to_floors(read_capping_pt(path, "layers_2:5-p0.25"), axis))
    assert "push AWAY from the assistant" in said
    assert "cosine +1.00" in said


def test_a_vector_that_isnt_the_axis_is_refused(axis: Axis, tmp_path: Path) -> None:
    path = tmp_path / "capping_config.pt"
    other = torch.zeros(N_LAYERS, D_MODEL)
    other[:, 0], other[:, 1] = axis.vectors[:, 1], -axis.vectors[:, 0]
    torch.save(capping_of(other, {2: -1.0}), path)
    assert "it isn't this axis" in refusal(lambda: to_floors(read_capping_pt(path, "layers_2:5-p0.25"), axis))


def test_a_configuration_of_another_model_is_refused(axis: Axis, tmp_path: Path) -> None:
    path = tmp_path / "capping_config.pt"
    for vectors, caps in ((torch.ones(9, D_MODEL), {8: 1.0}), (torch.ones(N_LAYERS, 8), {2: 1.0})):
        torch.save(capping_of(vectors, caps), path)
        refusal(lambda: to_floors(read_capping_pt(path, "layers_2:5-p0.25"), axis), WrongModel)


def test_an_unknown_experiment_lists_the_known(axis: Axis, tmp_path: Path) -> None:
    path = tmp_path / "capping_config.pt"
    torch.save(capping_of(axis.vectors, {2: -1.0}), path)
    said = refusal(lambda: read_capping_pt(path, "layers_2:5-p0.52"), SettingError)
    assert "did you mean 'layers_2:5-p0.25'? known: baseline, layers_2:5-p0.25" in said
    assert "none was named" in refusal(lambda: read_capping_pt(path, None), SettingError)
    assert "caps nothing" in refusal(lambda: read_capping_pt(path, "baseline"))


def _spoilt(axis: Axis) -> list[Any]:
    def config(step: Any, row: Any = None) -> dict[str, Any]:
        good = {"vector": axis.vectors[2], "layer": 2}
        return {"vectors": {"v": good if row is None else row}, "experiments": [{"id": "x", "interventions": step}]}

    one = {"vector": "v", "cap": 1.0}
    return [
        [1, 2],
        {"vectors": {}},
        {"vectors": {}, "experiments": 3},
        {"vectors": {}, "experiments": [{"name": "x"}]},
        config([one, one]),
        config([{"vector": "w", "cap": 1.0}]),
        config([{"vector": "v", "cap": "1"}]),
        config([{"vector": "v", "cap": float("nan")}]),
        config([{"vector": "v", "cap": True}]),
        config([{"vector": "v", "cap": torch.ones(2)}]),
        config(["cap"]),
        config(7),
        config([one], {"vector": axis.vectors[2], "layer": 2.5}),
        config([one], {"vector": axis.vectors[2], "layer": -1}),
        config([one], {"vector": axis.vectors, "layer": 2}),
        config([one], {"vector": torch.zeros(4), "layer": 2}),
        config([one], {"vector": None, "layer": 2}),
        {"vectors": torch.ones(3), "experiments": [{"id": "x", "interventions": [one]}]},
    ]


@pytest.mark.parametrize("case", range(18))
def test_malformed_configurations_are_refused(axis: Axis, tmp_path: Path, case: int) -> None:
    path = tmp_path / "capping_config.pt"
    torch.save(_spoilt(axis)[case], path)
    assert str(path) in refusal(lambda: read_capping_pt(path, None))


# Importing


def test_an_import_without_measuring_says_so_loudly(pt: Path, tmp_path: Path) -> None:
    found = bring_in(pt)
    card = found.card
    assert (card.recommended_layer, card.hold_band) == (3, (4, 5))
    assert "assistant_axis.pt" in card.origin
    assert "not measured" in card.origin
    assert str(tmp_path) not in card.origin
    assert [w.split(":")[0] for w in card.warnings] == ["IMPORTED", "ORIENTATION ASSUMED"]
    assert card.roles == ()
    assert card.calibration == ()
    assert all(check.auroc is None and check.norm > 0 for check in card.layers)
    assert card.floors is None
    with pytest.raises(EvidenceError):
        found.tau_for(0.05)
    save_axis(found, tmp_path / "out")
    assert load_axis(tmp_path / "out").card == card


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_the_measured_orientation_wins(axis: Axis, pt: Path, side: float) -> None:
    seen: list[Tensor] = []

    def default_vs_role(units: Tensor) -> Tensor:
        seen.append(units)
        return side * torch.full((N_LAYERS,), 2.5)

    found = bring_in(pt, default_vs_role=default_vs_role)
    assert torch.equal(found.vectors, side * axis.vectors.bfloat16().float())
    assert torch.allclose(seen[0].norm(dim=1), torch.ones(N_LAYERS))
    assert ("negated" in found.card.origin) == (side < 0)
    assert "2.5 above role responses at block 3" in found.card.origin
    assert [w.split(":")[0] for w in found.card.warnings] == ["IMPORTED"]


def test_blocks_that_disagree_are_warned_of(pt: Path) -> None:
    found = bring_in(pt, default_vs_role=lambda _: torch.tensor([-1.0, 1, 1, 1, 1, -1]))
    assert any(w.startswith("ORIENTATION MIXED: at 2 of 6 blocks (0, 5)") for w in found.card.warnings)


@pytest.mark.parametrize("gap", [0.0, float("nan")])
def test_no_orientation_no_axis(pt: Path, gap: float) -> None:
    refusal(lambda: bring_in(pt, default_vs_role=lambda _: torch.full((N_LAYERS,), gap)), EvidenceError)


@pytest.mark.parametrize("shape", [{"n_layers": 7}, {"d_model": 8}])
def test_another_models_axis_is_refused(pt: Path, shape: dict[str, int]) -> None:
    assert "is for 6 blocks of width 16" in refusal(lambda: bring_in(pt, **shape), WrongModel)


def test_a_capping_configuration_brings_floors_and_band(axis: Axis, pt: Path, tmp_path: Path) -> None:
    beside = tmp_path / "capping_config.pt"
    torch.save(capping_of(axis.vectors, {1: -2.0, 2: -3.0, 3: -4.0}), beside)
    found = bring_in(pt, capping=beside, experiment="layers_2:5-p0.25")
    assert found.card.floors == {1: 2.0, 2: 3.0, 3: 4.0}
    assert (found.card.hold_band, found.card.recommended_layer) == ((1, 3), 2)
    save_axis(found, tmp_path / "out")
    assert load_axis(tmp_path / "out").card.floors == found.card.floors
    # A reversed axis that was turned round still fits the configuration; one taken on trust is refused.
    torch.save(-axis.vectors, pt)
    turned = bring_in(
        pt, capping=beside, experiment="layers_2:5-p0.25", default_vs_role=lambda _: torch.full((N_LAYERS,), -1.0)
    )
    assert turned.card.floors == found.card.floors
    assert "AWAY" in refusal(lambda: bring_in(pt, capping=beside, experiment="layers_2:5-p0.25"))


def test_floors_of_a_nearby_direction_are_called_approximate(axis: Axis, pt: Path, tmp_path: Path) -> None:
    beside = tmp_path / "capping_config.pt"
    tilted = axis.vectors + 0.6 * axis.vectors.norm(dim=1, keepdim=True) * torch.eye(D_MODEL)[:N_LAYERS]
    torch.save(capping_of(tilted, {2: -3.0}), beside)
    found = bring_in(pt, capping=beside, experiment="layers_2:5-p0.25")
    assert found.card.warnings[-1].startswith("FLOORS APPROXIMATE")


def test_a_configuration_alone_is_an_axis_only_if_it_covers_every_block(axis: Axis, tmp_path: Path) -> None:
    path = tmp_path / "capping_config.pt"
    torch.save(capping_of(axis.vectors, dict.fromkeys(range(2, 5), -1.0)), path)
    assert "give the axis file" in refusal(lambda: bring_in(path, experiment="layers_2:5-p0.25"))
    refusal(lambda: bring_in(path, capping=path, experiment="layers_2:5-p0.25"), SettingError)
    torch.save(capping_of(axis.vectors, dict.fromkeys(range(N_LAYERS), -1.0)), path)
    found = bring_in(path, experiment="layers_2:5-p0.25")
    assert torch.equal(found.vectors, axis.vectors)
    assert found.card.floors == dict.fromkeys(range(N_LAYERS), 1.0)


# Writing the reference's layout


def test_an_exported_hold_reads_back_as_itself(axis: Axis, tmp_path: Path) -> None:
    path = tmp_path / "assistant_axis.pt"
    beside = tmp_path / "assistant_axis-capping_config.pt"
    assert write_axis_pt(axis, path) == (path, beside)
    assert torch.equal(read_axis_pt(path), axis.vectors)
    config = read_capping_pt(beside)
    assert config.experiment == "layers_2:5-fire0.05"
    assert to_floors(config, axis) == {layer: axis.tau_for(0.05, layer) for layer in (2, 3, 4)}
    assert all(float(v @ axis.units[at]) < 0 for at, v in zip(config.layers, config.vectors, strict=True))
    imported = bring_in(path, capping=beside)
    assert imported.card.floors == {layer: axis.tau_for(0.05, layer) for layer in (2, 3, 4)}


def test_an_uncalibrated_axis_exports_alone(bare_axis: Axis, tmp_path: Path) -> None:
    assert write_axis_pt(bare_axis, tmp_path / "axis.pt") == (tmp_path / "axis.pt",)


# llama.cpp


def _read_gguf(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    reader = GGUFReader(path)
    fields = {key: field.contents() for key, field in reader.fields.items()}
    return fields, {tensor.name: torch.tensor(tensor.data) for tensor in reader.tensors}


def test_a_control_vector_moves_by_one_benign_deviation(axis: Axis, tmp_path: Path) -> None:
    path = tmp_path / "axis.gguf"
    write_control_vector(axis, path, model_arch="llama")
    fields, tensors = _read_gguf(path)
    assert fields["general.architecture"] == "controlvector"
    assert fields["controlvector.model_hint"] == "llama"
    assert fields["controlvector.layer_count"] == 5
    assert fields["holdtrue.kind"] == "constant steering, not a cap"
    assert "Constant steering, not a cap" in fields["general.description"]
    assert "no direction.0" in fields["holdtrue.placement"]
    assert fields["holdtrue.hook_point"] == "resid_post"
    assert fields["holdtrue.axis_digest"] == axis.card.digest
    assert fields["holdtrue.warnings"] == axis.card.warnings[0]
    assert sorted(tensors) == [f"direction.{k}" for k in range(1, 6)]
    for block in range(1, 6):
        vector = tensors[f"direction.{block}"]
        assert vector.dtype == torch.float32
        assert torch.equal(vector, axis.units[block] * axis.card.calibration[block].token.sd)


def test_an_uncalibrated_control_vector_is_the_raw_axis(bare_axis: Axis, tmp_path: Path) -> None:
    write_control_vector(bare_axis, tmp_path / "axis.gguf")
    fields, tensors = _read_gguf(tmp_path / "axis.gguf")
    assert "raw axis" in fields["holdtrue.scale"]
    assert torch.equal(tensors["direction.3"], bare_axis.vectors[3])


def test_a_model_of_one_block_has_no_control_vector(axis: Axis, tmp_path: Path) -> None:
    one = Axis(axis.vectors[:1], None, None, axis.card)
    refusal(lambda: write_control_vector(one, tmp_path / "axis.gguf"), SettingError)
    refusal(lambda: write_control_vector(axis, tmp_path / "axis.gguf", model_arch=" "), SettingError)
    assert list(tmp_path.iterdir()) == []


# The hub


def test_a_hub_folder_holds_the_artifact_and_its_figures(axis: Axis, tmp_path: Path) -> None:
    write_hub_folder(axis, tmp_path / "hub")
    assert load_axis(tmp_path / "hub").card == axis.card
    text = (tmp_path / "hub" / "README.md").read_text(encoding="utf-8")
    front = text.split("---\n")[1]
    assert "license: other" in front
    assert 'base_model: "example/tiny-model"' in front
    for tag in ("assistant-axis", "activation-steering", "holdtrue"):
        assert f"- {tag}\n" in front
    for shown in ("0.93 [0.9, 0.96]", "0.62 [0.41, 0.78]", "58 of 60", axis.card.warnings[0], "holdtrue watch FOLDER"):
        assert shown in text


def test_what_wasnt_measured_is_said(bare_axis: Axis, tmp_path: Path) -> None:
    unknown = bare_axis.card.layers[3].model_copy(update={"auroc": None, "auroc_ci": None})
    layers = (*bare_axis.card.layers[:3], unknown, *bare_axis.card.layers[4:])
    write_hub_folder(replace(bare_axis, card=bare_axis.card.model_copy(update={"layers": layers})), tmp_path)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "| Held-out AUROC, centred by question | not measured |" in text
    assert "| Floor that touches 5 % of benign tokens | not measured |" in text


def test_hostile_names_stay_text(axis: Axis, tmp_path: Path) -> None:
    evil = "a`](javascript:x)<script>|\n---\nlicense: mit\n# Owned {layer} \u202e\x1b[31m"
    card = axis.card.model_copy(
        update={"model": f"/home/someone/{evil}", "origin": evil, "reason": evil, "warnings": (f"```\n{evil}",)}
    )
    write_hub_folder(replace(axis, card=card), tmp_path)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "base_model" not in text
    assert "/home/someone" not in text
    assert not re.search("[\x1b\u202e]", text)
    assert "\n# Owned" not in text
    assert text.count("license:") == 1 + text.count(" license: mit")
    assert "{layer}" in text  # not taken for a field of the template
    # In a code span or block, longer than any run of ticks inside.
    for line in (line for line in text.splitlines() if "script" in line and not line.startswith("```")):
        assert re.search(r"`` a`]\(javascript", line), line
    assert "````text" in text
