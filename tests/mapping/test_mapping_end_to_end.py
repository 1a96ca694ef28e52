"""The main job on the real small model, through the command line, at smoke size."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_models import CHATML, GEMMA, write_gguf
from typer.testing import CliRunner

import holdtrue as ht
from holdtrue.axis import load_axis, save_axis
from holdtrue.cli.main import app
from holdtrue.engines import MockEngine
from holdtrue.errors import EvidenceError
from holdtrue.mapping import fit
from holdtrue.models import ChatModel
from holdtrue.personas import demo_conversation
from holdtrue.records import Rollout
from holdtrue.rollouts import PRESETS, Rollouts, preset
from holdtrue.watch import drift_rule

runner = CliRunner()

PLANNED = 6 * 3 + 6 * 3
"""Six roles and six default prompts, three questions each."""


def invoke(*words: object, code: int = 0):
    done = runner.invoke(app, [str(word) for word in words])
    assert done.exit_code == code, f"exit {done.exit_code}: {done.output}\n{done.exception!r}"
    return done


@pytest.fixture(autouse=True, scope="module")
def _smaller():
    """Half the smallest preset's design, and shorter answers: nothing here asks how good an axis it makes."""
    size = replace(preset("smoke"), n_roles=6, n_questions=3, max_new_tokens=8, benign_tokens=8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, "smoke", size)
        yield


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fitted")
    done = runner.invoke(app, ["axis", "fit", "smollm2-135m", "--out", str(folder), "--preset", "smoke"])
    assert done.exit_code in {0, 3}, done.output
    return folder


TURNS = 4


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The first turns of a built-in conversation; nothing here needs the later ones."""
    folder = tmp_path_factory.mktemp("talks")

    def cut(name: str) -> Path:
        found = json.loads(demo_conversation(name).read_text())
        file = folder / f"{name}.json"
        file.write_text(json.dumps({**found, "messages": found["messages"][: 2 * TURNS]}))
        return file

    return cut


def test_fit_leaves_artifact_log_report_and_no_working_files(fitted):
    names = {path.name for path in fitted.iterdir()}
    assert {"axis.json", "axis.safetensors", "rollouts.jsonl", "run.json", "report.html", "overview.png"} <= names
    assert "means" not in names


def test_show_json_has_what_scripts_rely_on(fitted):
    card = json.loads(invoke("axis", "show", fitted, "--json").stdout)
    assert (card["model"], card["n_layers"], card["d_model"]) == ("smollm2-135m", 30, 576)
    assert {"recommended_layer", "hold_band", "layers", "default_rank", "n_rollouts", "n_tokens", "seconds"} <= set(
        card
    )
    assert {"layer", "auroc", "d_prime", "split_half", "split_half_ci", "pc1_share", "cos_pc1"} <= set(
        card["layers"][0]
    )
    assert len(card["layers"]) == 30
    assert card["n_rollouts"] == card["n_planned"] == PLANNED
    assert isinstance(card["warnings"], list)


def test_a_finished_fit_is_loaded_not_repeated(fitted, smollm):
    before = (fitted / "rollouts.jsonl").stat().st_mtime_ns
    axis = fit(smollm, fitted, preset="smoke", report=lambda progress: pytest.fail("it drew again"))
    assert axis.card == ht.load_axis(fitted).card
    assert (fitted / "rollouts.jsonl").stat().st_mtime_ns == before


def test_another_design_in_the_same_folder_is_refused_by_name(fitted):
    done = invoke("axis", "fit", "smollm2-135m", "--out", fitted, "--preset", "smoke", "--seed", 5, code=2)
    assert "design.seed=0" in done.output
    assert done.output.count("\n") == 1


def block_outputs(smollm: ChatModel, token_ids: list[int]) -> torch.Tensor:
    """Plain transformers: one full forward, what each decoder block returned."""
    outputs: list[torch.Tensor] = []
    handles = [layer.register_forward_hook(lambda _m, _i, out: outputs.append(out[0])) for layer in smollm.layers]
    with torch.no_grad():
        smollm.model(torch.tensor([token_ids]))
    for handle in handles:
        handle.remove()
    return torch.stack(outputs).float()


def test_the_axis_can_be_recomputed_from_the_token_ids_alone(fitted, smollm):
    sums: dict[str, torch.Tensor] = {}
    counts: dict[str, int] = {}
    for line in (fitted / "rollouts.jsonl").read_text().splitlines():
        row = json.loads(line)
        if not row["accepted"]:
            continue
        prompt, response = row["prompt_token_ids"], row["response_token_ids"]
        mean = block_outputs(smollm, prompt + response)[:, len(prompt) :].mean(dim=1)
        sums[row["role"]] = sums.get(row["role"], torch.zeros_like(mean)) + mean
        counts[row["role"]] = counts.get(row["role"], 0) + 1
    means = {role: total / counts[role] for role, total in sums.items()}
    default = means.pop("default")
    expected = default - torch.stack(list(means.values())).mean(dim=0)
    cosine = torch.cosine_similarity(ht.load_axis(fitted).vectors, expected, dim=1)
    assert cosine.min() >= 0.9999


def test_tau_for_touches_the_share_it_names(fitted):
    axis = ht.load_axis(fitted)
    assert axis.tau_for(0.01) < axis.tau_for(0.05) < axis.tau_for(0.5)
    assert axis.z(axis.calibration().response.mean) == pytest.approx(0)


def test_the_card_keeps_benign_turns_talk_by_talk_and_the_alarm_is_tuned_on_them(fitted, talk):
    card = ht.load_axis(fitted).card
    assert [len(turns) for turns in card.benign_turns] == [4] * 4
    spoken = [z for turns in card.benign_turns for z in turns if z is not None]
    assert len(spoken) == card.calibration[card.recommended_layer].response.n
    assert np.mean(spoken) == pytest.approx(0, abs=1e-5)
    assert np.std(spoken, ddof=1) == pytest.approx(1, abs=1e-5)
    rule = drift_rule(card)
    assert rule.rate.per_1000 <= 5
    done = invoke("watch", fitted, talk("steady"), "--json")
    assert json.loads(done.stdout)[0]["rule"] == rule.text


def test_watch_compares_pairs(fitted, talk):
    steady, drift = talk("steady"), talk("drift")
    text = invoke("watch", fitted, steady, drift, drift, steady, "--compare").stdout
    assert "1 of 2 pairs in the expected order" in text
    assert "random directions" in text
    assert "weak evidence" in text
    found = json.loads(invoke("watch", fitted, steady, drift, "--compare", "--json").stdout)
    assert found["n"] == 1
    assert 0 <= found["random"] <= 1


def test_comparing_takes_pairs_and_writes_no_page(fitted, tmp_path):
    steady = demo_conversation("steady")
    assert "an odd number" in invoke("watch", fitted, steady, "--compare", code=2).stderr
    page = tmp_path / "a.html"
    assert "give one of the two" in invoke("watch", fitted, steady, steady, "--compare", "--out", page, code=2).stderr
    assert not page.exists()


def test_watch_reads_files_and_writes_page_picture_and_json(fitted, talk, tmp_path):
    page = tmp_path / "talk.html"
    done = invoke("watch", fitted, talk("drift"), talk("steady"), "--json", "--out", page)
    readings = json.loads(done.stdout)
    assert [len(reading["turns"]) for reading in readings] == [TURNS, TURNS]
    assert all(len(turn["by_layer"]) == 30 for turn in readings[0]["turns"])
    assert page.read_text().lower().startswith("<!doctype html>")
    assert (tmp_path / "talk-drift.png").read_bytes().startswith(b"\x89PNG")


def test_an_axis_of_noise_is_read_but_not_believed(fitted, talk, tmp_path):
    axis = load_axis(fitted)
    noise = [check.model_copy(update={"split_half": 0.0, "split_half_ci": (-0.1, 0.1)}) for check in axis.card.layers]
    card = axis.card.model_copy(update={"layers": tuple(noise), "warnings": ("NO AXIS FOUND: noise.",)})
    save_axis(replace(axis, card=card), tmp_path / "noise")
    done = invoke("watch", tmp_path / "noise", talk("steady"), code=3)
    assert "!! NO AXIS FOUND" in done.stderr


def test_a_place_that_cannot_be_written_is_refused_before_reading(fitted, tmp_path):
    done = invoke("watch", fitted, demo_conversation("steady"), "--out", tmp_path, code=2)
    assert "name a file" in done.stderr
    assert not done.stdout


@pytest.mark.parametrize("format_", ["gguf", "assistant-axis", "hub"])
def test_every_export_is_written(fitted, tmp_path, format_):
    out = tmp_path / ("folder" if format_ == "hub" else f"axis.{'gguf' if format_ == 'gguf' else 'pt'}")
    invoke("axis", "export", fitted, "--format", format_, "--out", out)
    assert out.exists()


def test_an_exported_axis_comes_back_with_its_orientation_found(fitted, tmp_path):
    exported = tmp_path / "axis.pt"
    original = ht.load_axis(fitted)
    torch.save(-original.vectors, exported)
    invoke("axis", "import", exported, "--model", "smollm2-135m", "--out", tmp_path / "back")
    back = ht.load_axis(tmp_path / "back")
    cosine = torch.cosine_similarity(back.vectors, original.vectors, dim=1)
    assert cosine[back.layer] == pytest.approx(1, abs=1e-5), "a negated axis must be turned round again"
    assert back.card.calibration
    assert len(back.card.benign_turns) == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("axis", "fit", "smolm2-135m", "--out", "OUT"), "smollm2-135m"),
        (("axis", "show", "nowhere"), "nowhere"),
        (("axis", "fit", "smollm2-135m", "--out", "OUT", "--roles", "none.json"), "none.json"),
        (("axis", "fit", "smollm2-135m", "--out", "OUT", "--adherence", "vibes"), "judge:MODEL"),
        (("axis", "fit", "smollm2-135m", "--out", "OUT", "--dtype", "int3"), "float32"),
        (("watch", "FITTED", "nothing.json"), "nothing.json"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(words, said, fitted, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    filled = [{"OUT": "out", "FITTED": str(fitted)}.get(word, word) for word in words]
    done = invoke(*filled, code=2)
    assert said in done.output
    assert len(done.output.strip().splitlines()) == 1


def test_a_busy_folder_is_refused(fitted, tmp_path, smollm):
    from filelock import FileLock

    (tmp_path / "run").mkdir()
    with FileLock(tmp_path / "run" / ".lock"):
        done = runner.invoke(app, ["axis", "fit", "smollm2-135m", "--out", str(tmp_path / "run"), "--preset", "smoke"])
    assert done.exit_code == 2
    assert "another run is going on" in done.output


def test_records_and_rollouts_show_themselves_in_a_notebook(fitted, smollm, talk):
    axis = ht.load_axis(fitted)
    (read,) = ht.read(smollm, axis, talk("steady"))
    for shown, by in ((axis, "<img"), (read, "<img"), (Rollouts(fitted), "<table")):
        assert by in shown._repr_html_()
    assert len(Rollouts(fitted)) == PLANNED
    assert all(isinstance(rollout, Rollout) for rollout in Rollouts(fitted))


STARTER = """
import os, sys, torch
torch.set_num_threads(1)
from dataclasses import replace
from pathlib import Path
from holdtrue.engines.hf import HFEngine
from holdtrue.mapping.fit import encoder
from holdtrue.models import load
from holdtrue.personas import load_personas
from holdtrue.rollouts import NoCheck, build_plan, preset, run_plan
model = load("smollm2-135m", device="cpu", dtype="float32")
size = replace(preset("smoke"), batch_size=2, max_new_tokens=6)
plan = build_plan(load_personas().subset(6, 2, 0), size, encoder(model), 0)
for line in sys.stdin:
    folder = Path(line.strip())
    pid = os.fork()
    if pid == 0:
        result = run_plan(HFEngine(model), plan, size, NoCheck(), folder, seed=0, report=lambda p: None)
        torch.save(result.cells.sums, folder / "sums.pt")
        os._exit(0)
    print(pid, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""
"""Runs in the folders it is told, each in a process of its own: to fork is quicker than to load the model again."""


def test_a_run_killed_over_and_over_ends_equal_to_an_unbroken_one(tmp_path):
    started = time.monotonic()
    for side in ("whole", "killed"):
        (tmp_path / side).mkdir()
    words = [sys.executable, "-c", STARTER]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as starter:

        def begin(side: str) -> int:
            print(tmp_path / side, file=starter.stdin, flush=True)
            return int(starter.stdout.readline())

        def ended() -> int:
            return int(starter.stdout.readline())

        begin("whole")
        began = time.monotonic()
        assert ended() == 0
        length = time.monotonic() - began
        rng = random.Random(int(np.frombuffer(b"holdtrue", dtype=np.uint64)[0]))
        kills = 0
        while kills < 3:
            pid = begin("killed")
            time.sleep(rng.uniform(0, length / 5))
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            if ended() == 0:
                break  # it was quicker than the kills: what is left of them has nothing to kill
            kills += 1
        assert kills >= 2
        begin("killed")
        assert ended() == 0
        starter.stdin.close()
    logs = [(tmp_path / side / "rollouts.jsonl").read_bytes() for side in ("whole", "killed")]
    assert logs[0] == logs[1]
    sums = [torch.load(tmp_path / side / "sums.pt", weights_only=True) for side in ("whole", "killed")]
    assert torch.equal(*sums)
    assert time.monotonic() - started < 600


@pytest.mark.parametrize(("arch", "template"), [("qwen2", CHATML), ("gemma3", GEMMA)])
def test_other_architectures_in_gguf_are_mapped_and_random_weights_have_no_axis(tmp_path, arch, template):
    """A tiny random network, as llama.cpp's converter would write it: it loads, runs, and is told it has no axis."""
    more = {"head_dim": 8} if arch == "gemma3" else {}
    write_gguf(tmp_path / "tiny.gguf", arch, template, max_position_embeddings=2048, **more)
    words = [
        "axis",
        "fit",
        tmp_path / "tiny.gguf",
        "--out",
        tmp_path / "run",
        "--preset",
        "smoke",
        "--adherence",
        "none",
    ]
    done = runner.invoke(app, [str(word) for word in words])
    assert done.exit_code == 3, done.output
    card = ht.load_axis(tmp_path / "run").card
    assert (card.n_layers, card.d_model) == (3, 32)
    assert any("NO AXIS" in warning for warning in card.warnings), card.warnings
    assert "NO AXIS" in done.output


def test_prompts_longer_than_the_context_are_refused_before_anything_runs(tmp_path):
    write_gguf(tmp_path / "tiny.gguf", "qwen2", CHATML)
    words = ("axis", "fit", tmp_path / "tiny.gguf", "--out", tmp_path / "run", "--preset", "smoke")
    assert "takes at most 256 tokens" in invoke(*words, code=2).output


def test_a_model_that_never_speaks_is_mapped_as_far_as_it_goes(tmp_path, smollm):
    """Calibration without talk is a warning, not a lost run."""
    size = replace(preset("smoke"), benign_prompts=2, benign_tokens=4, max_new_tokens=4)
    axis = fit(smollm, tmp_path, preset=size, adherence="none", engine=MockEngine(n_layers=30, d_model=576))
    assert any(warning.startswith("NOT CALIBRATED") for warning in axis.card.warnings)
    assert not axis.found
    with pytest.raises(EvidenceError, match="has no calibration"):
        axis.tau_for(0.05)
