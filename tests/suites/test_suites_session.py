"""Whole runs: sealed, killed, taken up again, counted, stopped early, on a tranche, on the real small model."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import made_run
import pytest
from made_run import SMALL, gated, small

from holdtrue.axis import Axis, save_axis
from holdtrue.errors import ArtifactError, EvidenceError, RunError, StorageError
from holdtrue.evidence import commit_tranche
from holdtrue.gate import decide_folder, read_ledger, read_samples
from holdtrue.records import RecordLog, Verdict
from holdtrue.scenarios.kernels import gate_items
from holdtrue.suites import GateOptions, gate_run, offered

TWO = {"classes": "improper_refusal,should_refuse"}


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "out"
    gated("clean", out, **TWO)
    return out


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def keys(out: Path) -> list[tuple]:
    return [sample.key for sample in read_samples(out)]


def attempts(out: Path) -> list[tuple[str, dict]]:
    path = out.parent / "attempts.jsonl"
    return [(entry.event, entry.attempts) for entry in read_ledger(path.read_bytes(), str(path))]


def settled(verdict: Path) -> dict:
    """A verdict without the digest of its promise, which has the time in it."""
    return {name: value for name, value in json.loads(verdict.read_text()).items() if name != "prereg"}


def test_a_folder_has_all_that_a_sceptic_needs(whole):
    names = {path.name for path in whole.iterdir()}
    assert {
        *("prereg.json", "items.jsonl", "eligible.json", "samples.jsonl", "controls.jsonl"),
        *("verdict.json", "attempts.jsonl"),
    } <= names
    assert (decide_folder(whole).to_json() + "\n") == (whole / "verdict.json").read_text()
    assert len(lines(whole / "items.jsonl")) == 2 * 2 * SMALL["families"]
    assert Counter(row["phase"] for row in lines(whole / "samples.jsonl")) == {"eligibility": 80, "release": 80}
    assert [event for event, _ in attempts(whole)] == ["sealed", "eligible", "decided"]


def test_a_decided_folder_is_refused(whole):
    before = (whole / "verdict.json").read_bytes()
    with pytest.raises(RunError, match="is decided"):
        gated("clean", whole, **TWO)
    assert (whole / "verdict.json").read_bytes() == before


class Killed(BaseException):
    """As sudden as a signal: nothing of the run catches it."""


def kill_after(monkeypatch, k: int, error: type[BaseException] = Killed) -> None:
    append, done = RecordLog.append, []

    def counted(self, record) -> None:
        if len(done) == k:
            raise error
        done.append(record)
        append(self, record)

    monkeypatch.setattr(RecordLog, "append", counted)


@pytest.mark.parametrize("rule", ["fixed", "sequential"])
@pytest.mark.parametrize("k", [0, 1, 119, 250, 330, 355, 399])
def test_a_killed_run_goes_on_to_the_same_verdict(tmp_path, k: int, rule: str):
    out = tmp_path / "killed" / "out"
    changes = {**TWO, "rule": rule, "p0": 0.2}
    with pytest.MonkeyPatch.context() as patch:
        kill_after(patch, k)
        try:
            gated("clean", out, **changes)
        except Killed:
            pass
        else:
            assert rule == "sequential", k
            assert k > 300
            return
    assert not (out / "verdict.json").exists()
    assert len(keys(out)) == k
    gated("clean", out, **changes)
    whole = tmp_path / "whole" / "out"
    gated("clean", whole, **changes)
    assert settled(out / "verdict.json") == settled(whole / "verdict.json")
    assert len(set(keys(out))) == len(keys(out))
    assert set(keys(out)) == set(keys(whole)) or rule == "sequential"
    assert attempts(out) == attempts(whole)


@pytest.mark.parametrize("policy", ["refuse", "subtle"])
@pytest.mark.parametrize("k", [241, 250, 254])
def test_a_killed_run_that_ends_early_goes_on_to_the_same_verdict(tmp_path, policy: str, k: int):
    out, whole = tmp_path / "killed" / "out", tmp_path / "whole" / "out"
    with pytest.MonkeyPatch.context() as patch:
        kill_after(patch, k)
        with pytest.raises(Killed):
            gated(policy, out, **TWO)
    gated(policy, out, **TWO)
    gated(policy, whole, **TWO)
    assert settled(out / "verdict.json") == settled(whole / "verdict.json")


def test_a_run_is_killed_again_and_again(tmp_path):
    out, whole = tmp_path / "killed" / "out", tmp_path / "whole" / "out"
    kills = 0
    while not (out / "verdict.json").exists():
        with pytest.MonkeyPatch.context() as patch:
            kill_after(patch, 67)
            try:
                gated("subtle", out, **TWO)
            except Killed:
                kills += 1
    gated("subtle", whole, **TWO)
    assert kills == 5
    assert settled(out / "verdict.json") == settled(whole / "verdict.json")
    assert attempts(out) == attempts(whole)


def test_a_run_killed_by_a_signal_goes_on(tmp_path):
    out, whole = tmp_path / "killed" / "out", tmp_path / "whole" / "out"
    command = [sys.executable, made_run.__file__, str(out), "clean"]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and running.poll() is None:
        if (out / "controls.jsonl").exists() and (out / "controls.jsonl").read_bytes().count(b"\n") > 40:
            break
        time.sleep(0.005)
    running.send_signal(signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL, running.stderr.read().decode()
    assert not (out / "verdict.json").exists()
    # As if the kill had torn the last line.
    with (out / "controls.jsonl").open("ab") as file:
        file.write(b'{"schema": "holdtrue.gate-sam')
    gated("clean", out, **TWO)
    gated("clean", whole, **TWO)
    assert settled(out / "verdict.json") == settled(whole / "verdict.json")
    assert sorted(keys(out)) == sorted(keys(whole))
    assert attempts(out) == attempts(whole)


def test_a_full_disk_is_told_as_such_and_nothing_is_lost(tmp_path, monkeypatch):
    out = tmp_path / "out"
    with pytest.MonkeyPatch.context() as patch:
        kill_after(patch, 300, StorageError)
        with pytest.raises(StorageError):
            gated("clean", out, **TWO)
    assert len(keys(out)) == 300
    assert gated("clean", out, **TWO).verdict == "PASS"


def test_another_promise_in_the_same_folder_is_refused(tmp_path):
    out = tmp_path / "out"
    with pytest.MonkeyPatch.context() as patch:
        kill_after(patch, 10)
        with pytest.raises(Killed):
            gated("clean", out, **TWO)
    for policy, changes in [
        ("clean", {"classes": "improper_refusal"}),
        ("clean", {**TWO, "p0": 0.2}),
        ("clean", {**TWO, "seed": 1}),
        ("clean", {**TWO, "families": 39}),
        ("clean", {**TWO, "rule": "sequential"}),
        ("comply", TWO),
    ]:
        with pytest.raises(RunError, match="another promise"):
            gated(policy, out, **changes)
    assert gated("clean", out, **TWO).verdict == "PASS"


def test_attempts_count_up_over_folders_of_one_ledger(tmp_path):
    ledger = tmp_path / "ledger.jsonl"
    changes = {"classes": "improper_refusal", "ledger": ledger, "name": "mine", "families": 30}
    alphas = []
    for at in range(3):
        with pytest.MonkeyPatch.context() as patch:
            kill_after(patch, 1000 if at != 1 else 5)  # the second is aborted, and counts
            try:
                verdict = gated("clean", tmp_path / str(at), **changes)
            except Killed:
                continue
        found = verdict.classes["improper_refusal"]
        alphas.append((found.attempt, found.alpha_spent))
    assert alphas == [(1, 0.025), (3, 0.00625)]
    other = gated("clean", tmp_path / "other", **{**changes, "name": "another"})
    assert other.classes["improper_refusal"].attempt == 1
    aborted = gated("clean", tmp_path / "1", **changes)
    assert aborted.classes["improper_refusal"].attempt == 2


def test_the_sequential_rule_stops_early(tmp_path):
    changes = {"classes": "improper_refusal", "rule": "sequential", "p0": 0.1, "families": 200}
    good = gated("clean", tmp_path / "good", **changes).classes["improper_refusal"]
    bad = gated("comply", tmp_path / "bad", **changes).classes["improper_refusal"]
    assert (good.verdict, bad.verdict) == ("PASS", "FAIL")
    for name in ("good", "bad"):
        released = [row for row in lines(tmp_path / name / "samples.jsonl") if row["phase"] == "release"]
        assert 0 < len(released) < 150
    assert good.e_value >= 1 / good.alpha_spent


def tranche(folder: Path, pairs, *, twins: bool = True) -> Path:
    folder.mkdir(parents=True)
    items = [each for pair in pairs for each in (pair if twins else pair[:1])]
    committed = commit_tranche(items, seed="ab" * 16)
    return committed_files(folder, items, committed)


def committed_files(folder: Path, items, committed) -> Path:
    path = folder / "tranche.jsonl"
    path.write_text("".join(item.to_json(indent=None) + "\n" for item in items))
    (folder / "commitment.json").write_text(committed.to_json())
    return path
