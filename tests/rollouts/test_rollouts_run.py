"""A run that is interrupted anywhere ends like one that never was."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from holdtrue.engines import GenerateRequest, MockEngine
from holdtrue.errors import RunError, StorageError
from holdtrue.personas import load_personas
from holdtrue.records import Rollout
from holdtrue.rollouts import NoCheck, Pmi, Progress, RolloutLog, build_plan, preset, run_plan

MARKER = 10**6
SIZE = replace(preset("smoke"), batch_size=7, n_roles=8, n_questions=8)
PERSONAS = load_personas().subset(8, 8, seed=0)


def encode(system: str | None, text: str) -> tuple[int, ...]:
    plain = {default.text for default in PERSONAS.defaults}
    return ((MARKER,) if system in plain else ()) + tuple(f"{system}|{text}".encode())


PLAN = build_plan(PERSONAS, SIZE, encode, seed=0)


class Killed(BaseException):
    """Stands for SIGKILL: nothing may catch it and tidy up."""


class Dying:
    """An engine that dies before its nth batch."""

    def __init__(self, batches: int, inner: MockEngine) -> None:
        self.left, self.inner = batches, inner
        self.n_layers, self.d_model = inner.n_layers, inner.d_model

    def generate(self, requests: list[GenerateRequest], *, capture: bool):
        if not self.left:
            raise Killed
        self.left -= 1
        return self.inner.generate(requests, capture=capture)

    def score(self, requests):
        return self.inner.score(requests)

    def project(self, token_ids, units):
        return self.inner.project(token_ids, units)

    def resid(self, token_ids, layer):
        return self.inner.resid(token_ids, layer)


def run(engine, folder: Path, *, size=SIZE, plan=PLAN, adherence=None, report=lambda p: None):
    return run_plan(engine, plan, size, adherence or NoCheck(), folder, seed=0, report=report)


def test_an_interrupted_run_equals_an_unbroken_one(tmp_path):
    whole = run(MockEngine(), tmp_path / "whole")
    engine, broken = MockEngine(), tmp_path / "broken"
    (tmp_path / "broken").mkdir()
    for batches in (0, 1, 3, 2, 1, 4):
        with pytest.raises(Killed):
            run(Dying(batches, engine), broken)
    resumed = run(engine, broken)
    assert torch.equal(resumed.cells.sums, whole.cells.sums)
    assert torch.equal(resumed.cells.reserve, whole.cells.reserve)
    assert (resumed.accepted, resumed.n_tokens) == (whole.accepted, whole.n_tokens)
    log = [(tmp_path / side / "rollouts.jsonl").read_bytes() for side in ("whole", "broken")]
    assert log[0] == log[1]
    assert engine.generated == PLAN.n_rollouts, "something finished was drawn again"


def test_a_torn_line_is_cut_off_and_drawn_again(tmp_path):
    whole = run(MockEngine(), tmp_path / "whole")
    with pytest.raises(Killed):
        run(Dying(4, MockEngine()), tmp_path / "torn")
    log = tmp_path / "torn" / "rollouts.jsonl"
    log.write_bytes(log.read_bytes()[:-200])
    resumed = run(MockEngine(), tmp_path / "torn")
    assert torch.equal(resumed.cells.sums, whole.cells.sums)
    assert sorted(log.read_bytes().splitlines()) == sorted(
        (tmp_path / "whole" / "rollouts.jsonl").read_bytes().splitlines()
    )


def test_lines_lost_after_their_means_were_stored_are_written_once(tmp_path):
    whole = run(MockEngine(), tmp_path / "a")
    log = tmp_path / "a" / "rollouts.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:-3]))
    again = run(MockEngine(), tmp_path / "a")
    assert log.read_bytes() == b"".join(lines)
    assert torch.equal(again.cells.sums, whole.cells.sums)
    assert again.cells.counts.sum() == whole.cells.counts.sum()


def test_checkpoints_bound_the_working_files(tmp_path):
    small = replace(SIZE, batch_size=2)
    plan = build_plan(PERSONAS, small, encode, seed=0)
    files = []
    run(
        MockEngine(),
        tmp_path,
        size=small,
        plan=plan,
        report=lambda p: files.append(len(list((tmp_path / "means").iterdir()))),
    )
    assert len(files) > 40
    assert max(files) <= 17
    assert len(list((tmp_path / "means").glob("batch-*"))) < 16


def test_every_line_is_a_record_and_pmi_is_on_role_lines_only(tmp_path):
    engine = MockEngine()
    run(engine, tmp_path, adherence=Pmi(engine, PLAN.default_prompts))
    rollouts = [Rollout.from_json(line, "log") for line in (tmp_path / "rollouts.jsonl").read_text().splitlines()]
    assert len(rollouts) == PLAN.n_rollouts
    for rollout in rollouts:
        assert (rollout.adherence is None) == (rollout.role == "default")
        assert rollout.accepted == (rollout.role == "default" or rollout.adherence >= Pmi.least)
    assert {rollout.accepted for rollout in rollouts} == {True, False}


def test_rejected_rollouts_stay_out_of_the_sums(tmp_path):
    engine = MockEngine()
    result = run(engine, tmp_path, adherence=Pmi(engine, PLAN.default_prompts))
    assert result.cells.counts.sum() == sum(result.accepted.values()) < PLAN.n_rollouts


def test_a_clear_axis_stops_sampling_early_and_prints_the_share_saved(tmp_path):
    size = replace(SIZE, target_reliability=0.8)
    engine = MockEngine(marker=MARKER, pull=8.0, noise=0.3)
    told: list[Progress] = []
    result = run(engine, tmp_path, size=size, report=told.append)
    assert result.n_rollouts < PLAN.n_rollouts
    assert "50% of the design saved" in told[-1].note


def test_stopping_early_is_the_same_after_an_interruption(tmp_path):
    size = replace(SIZE, target_reliability=0.8)
    engine = MockEngine(marker=MARKER, pull=8.0, noise=0.3)
    whole = run(engine, tmp_path / "whole", size=size)
    with pytest.raises(Killed):
        run(Dying(3, engine), tmp_path / "broken", size=size)
    resumed = run(engine, tmp_path / "broken", size=size)
    assert torch.equal(resumed.cells.sums, whole.cells.sums)
    assert run(engine, tmp_path / "broken", size=size).n_rollouts == whole.n_rollouts


def test_noise_is_never_reliable_enough_to_stop(tmp_path):
    size = replace(SIZE, target_reliability=0.8)
    assert run(MockEngine(), tmp_path, size=size).n_rollouts == PLAN.n_rollouts


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda lines: [lines[0], b"{}\n", *lines[1:]], "line 2.*schema"),
        (lambda lines: [*lines, lines[0]], "there twice"),
        (lambda lines: [lines[0], b"\xff\xfe\n", *lines[1:]], "line 2"),
    ],
)
def test_a_damaged_log_is_refused_by_line(tmp_path, spoil, said):
    run(MockEngine(), tmp_path)
    log = tmp_path / "rollouts.jsonl"
    log.write_bytes(b"".join(spoil(log.read_bytes().splitlines(keepends=True))))
    with pytest.raises(RunError, match=said):
        run(MockEngine(), tmp_path)


def test_damaged_means_are_refused(tmp_path):
    run(MockEngine(), tmp_path)
    stored = sorted((tmp_path / "means").iterdir())[0]
    stored.write_bytes(stored.read_bytes()[:50])
    with pytest.raises(RunError, match="damaged"):
        run(MockEngine(), tmp_path)


def test_a_full_disk_loses_nothing(tmp_path, monkeypatch):
    log = RolloutLog(tmp_path / "rollouts.jsonl")
    lines = []
    run(MockEngine(), tmp_path / "source")
    rollouts = [Rollout.from_json(line, "x") for line in (tmp_path / "source/rollouts.jsonl").read_text().splitlines()]
    log.append(rollouts[:5])
    lines = log.path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageError, match=r"No space left on device.*5 finished rollouts are safe"):
        log.append(rollouts[5:8])
    assert log.path.read_bytes().startswith(lines)


def test_responses_that_say_nothing_count_for_nothing(tmp_path):
    silent = replace(SIZE, max_new_tokens=0)
    result = run(MockEngine(), tmp_path, size=silent)
    assert result.n_rollouts == PLAN.n_rollouts
    assert sum(result.accepted.values()) == 0


def test_memory_does_not_grow_with_the_number_of_rollouts(tmp_path):
    """Twelve times the questions, the same sums; the reserve of single rollouts stays under its bound."""
    sizes = []
    for n_questions in (8, 96):
        personas = load_personas().subset(30, n_questions, seed=0)
        size = replace(SIZE, n_questions=n_questions, batch_size=64)
        plan = build_plan(personas, size, encode, seed=0)
        cells = run(MockEngine(), tmp_path / str(n_questions), size=size, plan=plan).cells
        sizes.append(cells.sums.nbytes)
        assert len(cells.reserve) <= 1024 + n_questions * (len(personas.defaults) + 4)
    assert sizes[0] == sizes[1]
