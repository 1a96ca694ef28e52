import json
import subprocess
import sys
from pathlib import Path

import pytest
from inspect_ai._util.error import PrerequisiteError
from inspect_ai.model import get_model

from holdtrue.axis import Axis
from holdtrue.errors import SettingError
from holdtrue.hold import PRESETS
from holdtrue.records import HoldSpec
from holdtrue.stress.provider.arguments import HeldArguments, read_arguments
from holdtrue.stress.provider.naming import full_name, split_name
from made_axis import made_axis


def test_arguments_have_defaults() -> None:
    assert read_arguments({"axis": "runs/a", "template": None}) == HeldArguments(axis="runs/a", hold="gentle")
    assert read_arguments({"axis": "a", "max_rows": 4, "hold": "firm"}).max_rows == 4


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, ["-M axis=DIR", "missing"]),
        ({"axis": "a", "hlod": "firm"}, ["hlod", "did you mean 'hold'"]),
        ({"axis": Path("a")}, ["axis", "text", "Path", "runs/demo"]),
        ({"axis": "a", "hold": PRESETS["firm"]}, ["hold", "HoldSpec", "gentle"]),
        ({"axis": "a", "hold": 0.5}, ["float"]),
        ({"axis": "a", "hold": ""}, ["empty"]),
        ({"axis": "a", "max_rows": True}, ["max_rows", "True", "1 to 256"]),
        ({"axis": "a", "max_rows": 0}, ["1 to 256"]),
        ({"axis": "a", "max_rows": "8"}, ["'8'"]),
    ],
)
def test_what_a_log_cannot_keep_is_refused(given: dict, says: list[str]) -> None:
    with pytest.raises(SettingError) as refused:
        read_arguments(given)
    assert "\n" not in str(refused.value)
    assert all(word in str(refused.value) for word in says)


def test_names_carry_both_digests(held_axis: Axis, smollm) -> None:
    name = full_name("smollm2-135m", held_axis, PRESETS["remind+gentle"])
    axis, hold = held_axis.card.digest[:8], PRESETS["remind+gentle"].digest[:8]
    assert name == f"smollm2-135m@axis-{axis}+remind+gentle-{hold}"
    names = {full_name("m", held_axis, spec) for spec in PRESETS.values()}
    names.add(full_name("m", made_axis(smollm, 20, (10, 24), seed=9), PRESETS["gentle"]))
    assert len(names) == len(PRESETS) + 1


@pytest.mark.parametrize("spec", ["smollm2-135m", "/a folder/model.gguf", "owner/name", "odd@axis-12+x"])
@pytest.mark.parametrize("hold", ["gentle", "remind+gentle", "mine, and/or yours @axis-1", "..", "été"])
def test_full_names_lead_back_to_the_model(spec: str, hold: str, held_axis: Axis) -> None:
    held = HoldSpec(name=hold)
    name = full_name(spec, held_axis, held)
    assert split_name(name) == (spec, name)
    assert split_name(spec) == (spec, None)
    # Inspect splits lists of models at commas, and makes folders of the name's parts.
    assert "," not in name.removeprefix(spec)
    assert "/" not in name.removeprefix(spec)
    assert full_name(spec, held_axis, held, pinned=name) == name


def test_a_pinned_name_must_come_out_again(held_axis: Axis) -> None:
    name = full_name("m", held_axis, PRESETS["gentle"])
    with pytest.raises(SettingError, match=r"\+firm-.*but .*\+gentle-"):
        full_name("m", held_axis, PRESETS["firm"], pinned=name)


def test_wrong_things_are_refused_in_one_line(axis_folder: str, smollm, tmp_path) -> None:
    from holdtrue.axis import save_axis

    other = made_axis(smollm, 20, (10, 24), seed=7)
    alien = other.card.model_copy(update={"weights_digest": "0" * 64, "model": "another"})
    save_axis(Axis(other.vectors, None, None, alien), tmp_path / "alien")
    (tmp_path / "bad.json").write_text(json.dumps({"schema": "holdtrue.hold/1", "cap": 3}))
    for args, says in (
        ({"axis": str(tmp_path / "nowhere")}, "doesn't exist"),
        ({"axis": str(tmp_path / "alien")}, "fitted on another"),
        ({"axis": axis_folder, "hold": "gentel"}, "did you mean 'gentle'"),
        ({"axis": axis_folder, "hold": str(tmp_path / "bad.json")}, "field 'cap'"),
        ({"axis": axis_folder, "device": "abacus"}, "abacus"),
        ({"axis": axis_folder, "rows": 3}, "rows"),
        ({}, "-M axis=DIR"),
    ):
        with pytest.raises(PrerequisiteError) as refused:
            get_model("holdtrue/smollm2-135m", memoize=False, **args)
        assert str(refused.value).startswith("holdtrue: ")
        assert "\n" not in str(refused.value)
        assert says in str(refused.value)


def test_inspect_starts_without_torch() -> None:
    # Every `inspect` command loads what the entry point names.
    code = "import sys, holdtrue.stress.provider.registry; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
