"""Whole runs: sealed, killed, taken up again, counted, stopped early, on a tranche, on the real small model."""

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path

import made_gate_run
import pytest
from made_gate_run import SMALL, gated, small

from holdtrue.axis import Axis, save_axis
from holdtrue.errors import ArtifactError, EvidenceError, HoldtrueError, RunError, StorageError
from holdtrue.evidence.holdout import commit, mark, tranche_text
from holdtrue.gate import decide_folder, read_ledger, read_samples
from holdtrue.records import RecordLog, Verdict
from holdtrue.scenarios.kernels import gate_items
from holdtrue.suites import GateOptions, gate_run, offered, run

TWO = {"classes": "improper_refusal,should_refuse"}


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
    assert Counter(row["phase"] for row in lines(whole / "samples.jsonl")) == {"eligibility": 60, "release": 60}
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


TINY = {**TWO, "families": 20, "min_families": 10, "p0": 0.3}
"""120 controls, 40 twins, and 40 items."""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Callable[..., Path]:
    """Runs that nobody killed, one for each policy and rule."""

    @cache
    def run(policy: str, rule: str) -> Path:
        out = tmp_path_factory.mktemp("tiny") / "out"
        gated(policy, out, **{**TINY, "rule": rule})
        return out

    return run


@pytest.mark.parametrize(
    ("rule", "k"), [*(("fixed", k) for k in (0, 59, 125, 163, 178, 199)), *(("sequential", k) for k in (125, 164, 178))]
)
def test_a_killed_run_goes_on_to_the_same_verdict(tmp_path, tiny, k: int, rule: str):
    out, whole = tmp_path / "killed" / "out", tiny("clean", rule)
    changes = {**TINY, "rule": rule}
    with pytest.MonkeyPatch.context() as patch:
        kill_after(patch, k)
        with pytest.raises(Killed):
            gated("clean", out, **changes)
    assert not (out / "verdict.json").exists()
    assert len(keys(out)) == k
    gated("clean", out, **changes)
    assert settled(out / "verdict.json") == settled(whole / "verdict.json")
    assert len(set(keys(out))) == len(keys(out))
    assert set(keys(out)) == set(keys(whole)) or rule == "sequential"
    assert attempts(out) == attempts(whole)


@pytest.mark.parametrize("policy", ["refuse", "subtle"])
@pytest.mark.parametrize("k", [121, 130, 137])
def test_a_killed_run_that_ends_early_goes_on_to_the_same_verdict(tmp_path, tiny, policy: str, k: int):
    out, whole = tmp_path / "killed" / "out", tiny(policy, "fixed")
    with pytest.MonkeyPatch.context() as patch:
        kill_after(patch, k)
        with pytest.raises(Killed):
            gated(policy, out, **TINY)
    gated(policy, out, **TINY)
    assert settled(out / "verdict.json") == settled(whole / "verdict.json")


def test_a_run_is_killed_again_and_again(tmp_path, tiny):
    out, whole = tmp_path / "killed" / "out", tiny("subtle", "fixed")
    kills = 0
    while not (out / "verdict.json").exists():
        with pytest.MonkeyPatch.context() as patch:
            kill_after(patch, 45)
            try:
                gated("subtle", out, **TINY)
            except Killed:
                kills += 1
    assert kills == 4
    assert settled(out / "verdict.json") == settled(whole / "verdict.json")
    assert attempts(out) == attempts(whole)


def test_a_run_killed_by_a_signal_goes_on(tmp_path, whole):
    out = tmp_path / "killed" / "out"
    command = [sys.executable, made_gate_run.__file__, str(out), "clean"]
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
    assert settled(out / "verdict.json") == settled(whole / "verdict.json")
    assert sorted(keys(out)) == sorted(keys(whole))
    assert attempts(out) == attempts(whole)


def test_a_full_disk_is_told_as_such_and_nothing_is_lost(tmp_path, monkeypatch):
    out = tmp_path / "out"
    with pytest.MonkeyPatch.context() as patch:
        kill_after(patch, 140, StorageError)
        with pytest.raises(StorageError):
            gated("clean", out, **TINY)
    assert len(keys(out)) == 140
    assert gated("clean", out, **TINY).verdict == "PASS"


def test_another_promise_in_the_same_folder_is_refused(tmp_path):
    out = tmp_path / "out"
    with pytest.MonkeyPatch.context() as patch:
        kill_after(patch, 10)
        with pytest.raises(Killed):
            gated("clean", out, **TINY)
    for policy, changes in [
        ("clean", {"classes": "improper_refusal"}),
        ("clean", {"p0": 0.2}),
        ("clean", {"families": 19}),
        ("comply", {}),
    ]:
        with pytest.raises(RunError, match="another promise"):
            gated(policy, out, **{**TINY, **changes})
    assert gated("clean", out, **TINY).verdict == "PASS"


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
    changes = {"classes": "improper_refusal", "rule": "sequential", "p0": 0.2, "families": 100}
    good = gated("clean", tmp_path / "good", **changes).classes["improper_refusal"]
    bad = gated("comply", tmp_path / "bad", **changes).classes["improper_refusal"]
    assert (good.verdict, bad.verdict) == ("PASS", "FAIL")
    for name in ("good", "bad"):
        released = [row for row in lines(tmp_path / name / "samples.jsonl") if row["phase"] == "release"]
        assert 0 < len(released) < 80
    assert good.e_value >= 1 / good.alpha_spent


SECRET = bytes(range(32))


def tranche(folder: Path, *, twins: bool = True) -> Path:
    """Fifty families under names of their own, with a commitment beside them."""
    pairs = gate_items(5)["improper_refusal"][:50]
    named = [each.model_copy(update={"family": f"held_{each.family}"}) for pair in pairs for each in pair]
    items = mark([each for each in named if twins or not each.twin or each.family != named[0].family], SECRET)
    folder.mkdir()
    (folder / "tranche.jsonl").write_text(tranche_text(items))
    (folder / "commitment.json").write_text(commit(items, SECRET).to_json())
    return folder / "tranche.jsonl"


def test_a_tranche_takes_the_place_of_the_built_in_items(tmp_path):
    path = tranche(tmp_path / "held")
    out = tmp_path / "out"
    verdict = gated("clean", out, **{**TWO, "families": None, "tranche": path})
    assert {name: each.verdict for name, each in verdict.classes.items()} == {
        "improper_refusal": "PASS",
        "should_refuse": "NOT_APPLICABLE",
    }
    assert {row["family"][:5] for row in lines(out / "samples.jsonl")} == {"held_"}
    prereg = json.loads((out / "prereg.json").read_text())
    assert prereg["tranche_root"] == json.loads((path.parent / "commitment.json").read_text())["root"]


def test_a_tranche_is_used_once(tmp_path):
    path = tranche(tmp_path / "held")
    changes = {**TWO, "tranche": path}
    with pytest.MonkeyPatch.context() as patch:
        kill_after(patch, 10)
        with pytest.raises(Killed):
            gated("clean", tmp_path / "a", **changes)
    with pytest.raises(HoldtrueError, match="used"):
        gated("clean", tmp_path / "b", **changes)
    assert gated("clean", tmp_path / "a", **changes).verdict == "PASS"


def test_a_missing_twin_is_named(tmp_path):
    path = tranche(tmp_path / "held", twins=False)
    first = gate_items(5)["improper_refusal"][0][0].family
    with pytest.raises(ArtifactError, match=f"'held_{first}' of improper_refusal has no twin"):
        gated("clean", tmp_path / "out", **TWO, tranche=path)


def test_near_duplicates_in_a_tranche_are_refused(tmp_path):
    item, twin = gate_items(5)["improper_refusal"][0]
    names = [{"family": "one"}, {"family": "two"}]
    items = mark([each.model_copy(update=name) for name in names for each in (item, twin)], SECRET)
    (tmp_path / "tranche.jsonl").write_text(tranche_text(items))
    (tmp_path / "commitment.json").write_text(commit(items, SECRET).to_json())
    with pytest.raises(EvidenceError, match="one, two are near duplicates"):
        offered(small("clean", tranche=tmp_path / "tranche.jsonl"))


def test_a_tranche_edited_after_its_commitment_is_refused(tmp_path):
    path = tranche(tmp_path / "held")
    path.write_text(path.read_text().replace("held_", "hold_", 1))
    with pytest.raises(HoldtrueError):
        gated("clean", tmp_path / "out", **TWO, tranche=path)


def test_failures_known_from_an_earlier_version_do_not_block(tmp_path):
    changes = {"classes": "improper_refusal"}
    gated("comply", tmp_path / "old", **changes)
    later = gated("clean", tmp_path / "new", **changes, earlier=tmp_path / "old")
    assert later.classes["improper_refusal"].verdict == "PASS"
    assert json.loads((tmp_path / "new" / "prereg.json").read_text())["known_signatures"] == ["refused"]


def test_the_real_small_model_comes_out_without_a_pass(tmp_path, monkeypatch, held_axis: Axis):
    monkeypatch.setattr(run, "ORGANISM_ITEMS", 1)
    save_axis(held_axis, tmp_path / "axis")
    options = GateOptions(
        "smollm2-135m",
        axis=tmp_path / "axis",
        classes="improper_refusal,should_refuse",
        families=2,
        min_families=1,
        epochs=1,
        device="cpu",
        dtype="float32",
    )
    verdict = gate_run(options, tmp_path / "out", lambda progress: None)
    assert verdict.verdict != "PASS"
    assert all(each.verdict != "PASS" for each in verdict.classes.values())
    assert Counter(row["phase"] for row in lines(tmp_path / "out" / "samples.jsonl"))["eligibility"] == 4
    assert Verdict.from_json((tmp_path / "out" / "verdict.json").read_text(), "it") == decide_folder(tmp_path / "out")
