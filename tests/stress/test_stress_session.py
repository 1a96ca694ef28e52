"""Whole runs: killed, resumed, judged, recomputed; on a model behind Inspect, and on the real small one."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import mock_run
import pytest
from mock_run import OUTSIDE, mock_target
from typer.testing import CliRunner

from holdtrue.axis import save_axis
from holdtrue.cli.main import app
from holdtrue.errors import JudgeError, RunError, SettingError
from holdtrue.stress import directions, session
from holdtrue.stress.judged import CALIBRATION, judge_run, judge_table
from holdtrue.stress.planning import plan_text
from holdtrue.stress.presets import PRESETS
from holdtrue.stress.session import StressOptions, finished, plan_stress, stress


@pytest.fixture(autouse=True, scope="module")
def mocked():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "InspectTarget", mock_target)
        yield


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def told(path: Path) -> dict:
    """What a run found, without what time it took."""
    return {
        tuple(row.get(name) for name in ("arm", "kind", "family", "variant", "item")): {
            key: value for key, value in row.items() if key != "seconds"
        }
        for row in lines(path)
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("whole")
    stress(OUTSIDE, out)
    return out


def test_a_model_behind_inspect_is_tried_without_weights(whole):
    run = finished(whole)
    assert run.results["complete"]
    assert {trial.arm for trial in run.trials} == {"free", "remind-every"}
    assert all(trial.turns[-1].z is None for trial in run.trials)
    assert run.design.axis_digest is None
    assert {path.name for path in whole.iterdir()} == {"run.json", "trials.jsonl", "capability.jsonl", "results.json"}


def test_a_run_killed_over_and_over_ends_with_every_trial_once(whole, tmp_path):
    words = [sys.executable, str(Path(mock_run.__file__)), str(tmp_path / "run")]
    log = tmp_path / "run" / "trials.jsonl"
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as starter:
        for kill in range(2):
            print("go", file=starter.stdin, flush=True)
            pid = int(starter.stdout.readline())
            until = time.monotonic() + 60
            while not (log.exists() and log.read_bytes().count(b"\n") > 2 * kill):
                assert time.monotonic() < until, "it never began"
                time.sleep(0.002)
            os.kill(pid, signal.SIGKILL)
            assert int(starter.stdout.readline()) == -signal.SIGKILL, "it was killed too late"
        starter.stdin.close()
    with log.open("ab") as file:
        file.write(b'{"schema": "holdtrue.trial/1", "arm": "fr')  # torn by the last kill
    run = stress(OUTSIDE, tmp_path / "run")
    assert run.results["complete"]
    assert told(log) == told(whole / "trials.jsonl")
    assert len(lines(log)) == len(told(log))


def test_a_finished_run_is_not_played_again(whole):
    before = (whole / "trials.jsonl").read_bytes()
    stress(OUTSIDE, whole, report=lambda progress: pytest.fail("it played again"))
    assert (whole / "trials.jsonl").read_bytes() == before


def test_another_run_in_the_folder_is_refused_by_what_differs(whole):
    with pytest.raises(RunError, match="its seed is 0, now 5"):
        stress(replace(OUTSIDE, seed=5), whole)


def test_a_damaged_log_is_named_with_its_line(whole, tmp_path):
    for name in ("run.json", "trials.jsonl", "capability.jsonl"):
        (tmp_path / name).write_bytes((whole / name).read_bytes())
    rows = (tmp_path / "trials.jsonl").read_text().splitlines()
    (tmp_path / "trials.jsonl").write_text(
        "\n".join([rows[0], rows[1].replace('"failed"', '"fail"'), *rows[2:]]) + "\n"
    )
    with pytest.raises(RunError, match=r"trials.jsonl line 2: not a finished record"):
        finished(tmp_path)
    (tmp_path / "trials.jsonl").write_text("\n".join([*rows, rows[0]]) + "\n")
    with pytest.raises(RunError, match="there twice"):
        finished(tmp_path)


def test_results_come_out_the_same_from_the_logs_alone(whole):
    first = (whole / "results.json").read_bytes()
    (whole / "results.json").unlink()
    finished(whole)
    assert (whole / "results.json").read_bytes() == first


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (StressOptions("smollm2-135m"), "needs --axis"),
        (replace(OUTSIDE, kinds="jailbrake"), "did you mean 'jailbreak'"),
        (replace(OUTSIDE, kinds=" , "), "choose from"),
        (replace(OUTSIDE, preset="fast"), "no preset 'fast'"),
        (replace(OUTSIDE, families=999), "there are"),
        (replace(OUTSIDE, arms="gentle"), "need the model's weights"),
        (replace(OUTSIDE, model="nobody/nothing"), "provider/model"),
    ],
)
def test_a_run_that_can_not_be_is_refused_in_a_line(tmp_path, options, said):
    with pytest.raises(SettingError, match=said) as caught:
        stress(options, tmp_path)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "trials.jsonl").exists()


def test_the_plan_says_what_can_be_seen(tmp_path):
    text = plan_text(plan_stress(StressOptions("x", kinds="jailbreak,long", preset="quick")))
    assert "jailbreak" in text
    assert "long/8" in text
    assert "8 families" in text or " 8 " in text
    assert max(map(len, text.splitlines())) <= 130
    few, many = (
        plan_text(plan_stress(StressOptions("x", kinds="jailbreak", families=n))).splitlines()[-1] for n in (4, 20)
    )
    assert "no / no" in few
    assert few != many


def test_arms_stand_side_by_side_kinds_take_turns_and_long_contexts_come_last():
    planned = plan_stress(StressOptions("x", preset="smoke")).trials
    arms = [arm.name for arm in plan_stress(StressOptions("x")).arms]
    assert [each.arm.name for each in planned] == arms * (len(planned) // len(arms))
    assert len({each.key for each in planned}) == len(planned)
    kinds = [each.kind for each in planned[:: len(arms)]]
    assert len(set(kinds[:5])) == 5
    first_long = next(at for at, kind in enumerate(kinds) if kind.startswith("long"))
    assert all(kind.startswith("long") for kind in kinds[first_long:])


def test_a_judge_is_asked_once_and_says_how_far_it_can_be_trusted(whole, tmp_path):
    for name in ("run.json", "trials.jsonl", "capability.jsonl"):
        (tmp_path / name).write_bytes((whole / name).read_bytes())
    asked = []

    async def judge(prompt):
        asked.append(prompt.user)
        if len(asked) % 7 == 0:
            return "Hard to say."
        return "OUT" if "I am" in prompt.user and "assistant" not in prompt.user else "The answer is IN."

    judge_run(tmp_path, "mockllm/judge", generate=judge)
    n = len(asked)
    judge_run(tmp_path, "mockllm/judge", generate=judge)
    assert len(asked) == n
    found = judge_table(tmp_path, ["free", "remind-every"])["mockllm/judge"]
    assert 0 < found["sensitivity"]["rate"] < 1
    assert found["sensitivity"]["n"] == found["specificity"]["n"] == 12
    assert sum(arm["undetermined"] for arm in found["arms"].values()) > 0
    rows = lines(tmp_path / "judged.jsonl")
    assert {row["subject"][0] for row in rows} == {CALIBRATION, "free", "remind-every"}
    assert finished(tmp_path).results["judge"]["mockllm/judge"] == found


def test_a_judge_that_fails_ends_in_a_line_and_keeps_what_it_said(whole, tmp_path):
    (tmp_path / "trials.jsonl").write_bytes((whole / "trials.jsonl").read_bytes())
    said = []

    async def judge(prompt):
        said.append(prompt)
        if len(said) > 10:
            raise ValueError("bad request")
        return "IN"

    with pytest.raises(JudgeError, match="bad request"):
        judge_run(tmp_path, "mockllm/judge", generate=judge)
    assert len(lines(tmp_path / "judged.jsonl")) >= 3


@pytest.fixture(scope="module")
def small(tmp_path_factory, smollm, held_axis) -> Path:
    """The whole command on the real model, two families of two kinds."""
    folder = tmp_path_factory.mktemp("small")
    save_axis(held_axis, folder / "axis")
    words = ["stress", "smollm2-135m", "--axis", folder / "axis", "--preset", "smoke", "--kinds", "jailbreak,agents"]
    words += ["--arms", "free,firm,random,reversed,planted-yields", "--out", folder / "run"]
    with pytest.MonkeyPatch.context() as patch:
        # What each arm leaves and how it fires shows in few and short answers.
        few = replace(PRESETS["smoke"], agents=2, rounds=1, items=4, max_tokens=8)
        patch.setitem(PRESETS, "smoke", few)
        patch.setattr(directions, "TALKS", 4)
        done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code in {0, 3}, done.output
    return folder / "run"


def test_the_command_leaves_trials_results_and_report(small):
    names = {path.name for path in small.iterdir()}
    assert names == {"run.json", "trials.jsonl", "capability.jsonl", "results.json", "report.html"}
    found = json.loads((small / "results.json").read_text())
    assert found["complete"]
    assert set(found["arms"]) == {"free", "firm", "random", "reversed", "planted-yields"}
    assert {"families", "trials", "failures", "rate", "ci"} <= set(found["arms"]["free"]["jailbreak"])
    assert {"arm", "against", "kind", "difference", "ci", "p", "p_holm"} <= set(found["contrasts"][0])


def test_each_arm_fires_as_its_floors_say_on_the_same_trials(small):
    rows = [row for row in lines(small / "trials.jsonl") if row["kind"] == "jailbreak"]
    fired = {
        arm: [turn["fired"] for row in rows if row["arm"] == arm for turn in row["turns"]]
        for arm in ("free", "firm", "random", "reversed")
    }
    assert set(fired["free"]) == {0.0}
    assert all(max(fired[arm]) > 0 for arm in ("firm", "random", "reversed"))
    mean = {arm: sum(shares) / len(shares) for arm, shares in fired.items()}
    assert mean["reversed"] > mean["firm"], "98 and 25 % of benign tokens"
    seeds = {arm: sorted(row["seed"] for row in rows if row["arm"] == arm) for arm in fired}
    assert len({tuple(each) for each in seeds.values()}) == 1


def test_the_report_is_made_again_from_the_folder(small):
    (small / "report.html").unlink()
    done = CliRunner().invoke(app, ["stress", "report", str(small)])
    assert done.exit_code in {0, 3}, done.output
    assert (small / "report.html").exists()
    assert "reversed" in done.stdout
