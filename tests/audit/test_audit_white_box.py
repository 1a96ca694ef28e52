"""Reading rows with the real model, on an axis between plain and strange replies."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from rows_by_hand import rows_by_hand

from holdtrue.audit.rows import Rows
from holdtrue.audit.white_box import WhiteBoxResult, read_rows, white_box
from holdtrue.audit.white_box.compare import ADJUSTED, INTEREST, LIKELIHOOD, PROJECTION, ReadSample, compare
from holdtrue.audit.white_box.log import LOG_FILE, open_log
from holdtrue.audit.white_box.reading import PROMPT_CHARACTERS, REPLY_TOKENS, RowReader
from holdtrue.audit.white_box.sample import Sample, draw, partners
from holdtrue.audit.white_box.swapped import swapped_runs
from holdtrue.audit.white_box.telling import findings_of, not_testable, notes_of
from holdtrue.axis import Axis, calibrate, save_axis, unit
from holdtrue.engines import ScoreRequest
from holdtrue.engines.hf import HFEngine
from holdtrue.errors import EvidenceError, RunError, SettingError, WrongModel
from holdtrue.models import ChatModel
from holdtrue.progress import Progress
from holdtrue.records import Transcript, Turn
from holdtrue.records.audit_reading import AuditReading, ReadingPlan
from holdtrue.watch import Reader
from made_axis import made_axis

THINGS = ("tea", "rain", "rope", "salt", "wool", "glass", "bread", "coal", "silk", "paper", "copper", "honey")
PLAIN = [f"You can keep {thing} in a dry, cool place, and it will last." for thing in THINGS]
STRANGE = [f"I am the night wind; {thing} crumbles, and the drowned bells laugh." for thing in THINGS]
ASKED = [f"How should I store {thing}?" for thing in THINGS]


@pytest.fixture(scope="module")
def axis(smollm: ChatModel, engine: HFEngine) -> Axis:
    """From strange replies to plain ones at the layer that is read, calibrated on plain ones."""
    base = made_axis(smollm, 20, (10, 26))
    texts = [
        [smollm.template.encode([{"role": "user", "content": ASKED[at]}, {"role": "assistant", "content": said[at]}])
         for at in range(5)]
        for said in (PLAIN, STRANGE)
    ]  # fmt: skip
    plain, strange = (torch.stack([engine.resid(ids, 20)[-12:].mean(dim=0) for ids in side]) for side in texts)
    vectors = base.vectors.clone()
    vectors[20] = plain.mean(dim=0) - strange.mean(dim=0)
    found = [engine.project(ids, unit(vectors)).numpy()[:, -20:] for ids in texts[0]]
    return Axis(vectors, None, None, base.card.model_copy(update={"calibration": calibrate(found)}))


@pytest.fixture(scope="module")
def suspect(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    talks = list(zip(ASKED, STRANGE, strict=True))
    return rows_by_hand(tmp_path_factory.mktemp("white") / "suspect", talks, parts=3)


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    talks = list(zip(ASKED, PLAIN, strict=True))
    return rows_by_hand(tmp_path_factory.mktemp("white") / "control", talks)


class KilledError(Exception):
    """In place of a kill."""


@pytest.fixture(scope="module")
def killed_and_resumed(
    smollm: ChatModel, axis: Axis, suspect: Rows, control: Rows, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[str], WhiteBoxResult, list[Progress]]:
    out = tmp_path_factory.mktemp("white") / "out"
    told: list[Progress] = []

    def stop(progress: Progress) -> None:
        if progress.done == 7:
            raise KilledError

    settings = {"control": control, "of_interest": {0, 2, 4}, "limit": 60, "seed": 3, "alpha": 0.01}
    with pytest.raises(KilledError):
        read_rows(suspect, smollm, axis, out, **settings, progress=stop)
    before = (out / LOG_FILE).read_text().splitlines()
    with (out / LOG_FILE).open("a") as file:
        file.write('{"schema": "holdtrue.audit-reading/1", "side": "sus')
    result = read_rows(suspect, smollm, axis, out, **settings, progress=told.append)
    return out, before, result, told


def test_a_killed_run_goes_on_without_loss_or_repetition(killed_and_resumed):
    out, before, result, told = killed_and_resumed
    lines = (out / LOG_FILE).read_text().splitlines()
    assert len(before) == 7
    assert lines[:7] == before
    keys = [(line["side"], line["row"]) for line in map(json.loads, lines)]
    assert len(keys) == len(set(keys)) == result.n_read == 24
    assert told[0].done == 7
    assert told[-1].done == told[-1].total == 24
    assert told[-2].seconds_left > 0


def test_strange_replies_are_found_to_lie_further_from_the_assistant(killed_and_resumed, suspect):
    _, _, result, _ = killed_and_resumed
    (found,) = result.findings
    assert found.kind == "projection"
    assert found.weak
    assert found.q_value is not None
    assert found.q_value <= 0.01
    assert len(found.rows) >= 11
    assert set(found.rows) <= set(range(12))
    assert found.examples[0].line == found.rows[0] + 1
    assert found.examples[0].response in STRANGE
    shifts = {shift.what: shift for shift in result.shifts}
    assert shifts[PROJECTION].mean < -0.5
    assert shifts[LIKELIHOOD].mean < 0
    assert all(shift.q_value >= shift.p_value for shift in result.shifts)
    assert result.not_testable == ()
    assert len(suspect) == 12


def test_the_table_holds_every_reading_with_its_partner(killed_and_resumed, axis):
    _, _, result, _ = killed_and_resumed
    table = pq.read_table(result.table).to_pylist()
    assert [(line["side"], line["row"]) for line in table] == [
        (side, row) for side in ("suspect", "control") for row in range(12)
    ]
    assert all(line["partner"] == line["row"] for line in table)
    assert [line["row"] for line in table if line["of_interest"]] == [0, 2, 4]
    for line in table:
        assert line["z"] == pytest.approx(axis.z(line["projection"]))
        assert line["log_likelihood"] < 0
        assert line["n_tokens"] > 5


def test_a_reading_is_the_watch_readers_and_the_engines(smollm, engine, axis):
    reader = RowReader(smollm, axis)
    system, asked, said = "Be brief.", "How do I\nstore tea?", "In a tin.\n\nA *dark* one."
    found = reader.read("suspect", 0, {"system": system, "prompt": asked, "response": said})
    turns = (("system", system), ("user", asked), ("assistant", said))
    talk = Transcript(
        title="", source="t", model=None, turns=tuple(Turn(role=role, content=text) for role, text in turns)
    )
    (turn,) = Reader(smollm, engine, axis).read(talk).turns
    assert found.projection == pytest.approx(turn.projection, abs=1e-3)
    assert found.n_tokens == turn.n_tokens
    messages = talk.messages()
    prompt = tuple(smollm.template.encode(messages[:2], add_generation_prompt=True))
    reply = tuple(smollm.template.encode(messages))[len(prompt) :][: turn.n_tokens]
    (scored,) = engine.score([ScoreRequest(prompt, reply)])
    assert found.log_likelihood == pytest.approx(scored, abs=1e-3)


@pytest.mark.parametrize(
    ("prompt", "response", "why"),
    [
        ("Hi", "", "its reply is empty"),
        ("Hi", "<|im_end|>", "its reply is empty"),
        ("Hi", "<think>never ends", "its reply is empty"),
    ],
)
def test_a_row_that_says_nothing_has_no_reading_rather_than_zero(smollm, axis, prompt, response, why):
    found = RowReader(smollm, axis).read("control", 3, {"system": "", "prompt": prompt, "response": response})
    assert (found.projection, found.log_likelihood, found.n_tokens) == (None, None, 0)
    assert found.unread == why


def test_a_huge_row_is_read_in_part(smollm, axis, monkeypatch):
    passed: list[tuple[tuple[int, ...], list[int]]] = []
    monkeypatch.setattr(RowReader, "_run", lambda _, ids, answer: passed.append((ids, answer)) or (0.0, -1.0))
    reader = RowReader(smollm, axis)
    huge = reader.read("suspect", 0, {"system": "s" * 10**6, "prompt": "p " * 10**6, "response": "r " * 10**6})
    assert huge.cut
    assert huge.n_tokens == REPLY_TOKENS == len(passed[0][1])
    assert len(passed[0][0]) < 4096
    asked = "x " * 9000 + "and what is tea?"
    long, short = (
        reader.read("suspect", 0, {"system": "", "prompt": prompt, "response": "A plant."})
        for prompt in (asked, asked[-PROMPT_CHARACTERS:])
    )
    assert passed[1] == passed[2]
    assert (long.cut, short.cut) == (True, False)
    crowded = reader.read("suspect", 0, {"system": "\U00012000" * 2000, "prompt": "Hi", "response": "A plant."})
    assert crowded.unread == "its prompt fills all 4096 tokens"


def test_the_whole_stage_by_name(smollm, axis, tmp_path):
    rows = rows_by_hand(tmp_path / "rows", [(ASKED[0], PLAIN[0]), (ASKED[1], "")])
    save_axis(axis, tmp_path / "axis")
    result = white_box(rows, "smollm2-135m", tmp_path / "axis", tmp_path / "out", seed=0, alpha=0.01, device="cpu")
    assert (result.n_read, result.n_unread) == (1, 1)
    assert result.findings == ()
    assert "--control" in result.not_testable[0]
    assert any("couldn't be read" in note for note in result.notes)


def test_another_models_axis_is_refused(smollm, axis):
    other = axis.card.model_copy(update={"weights_digest": "0" * 64})
    with pytest.raises(WrongModel, match="fit again"):
        RowReader(smollm, Axis(axis.vectors, None, None, other))
    bare = axis.card.model_copy(update={"calibration": ()})
    with pytest.raises(EvidenceError, match="no calibration"):
        RowReader(smollm, Axis(axis.vectors, None, None, bare))


def test_impossible_requests_are_one_clear_line(smollm, axis, suspect, tmp_path):
    labels = rows_by_hand(tmp_path / "labels", [("a", "")], kind="label")
    with pytest.raises(EvidenceError, match="labelled texts have no replies"):
        read_rows(labels, smollm, axis, tmp_path / "out", seed=0, alpha=0.01)
    with pytest.raises(EvidenceError, match="no rows to read"):
        read_rows(rows_by_hand(tmp_path / "none", []), smollm, axis, tmp_path / "out", seed=0, alpha=0.01)
    with pytest.raises(SettingError, match="alpha=1"):
        read_rows(suspect, smollm, axis, tmp_path / "out", seed=0, alpha=1.0)
    rng = np.random.default_rng(0)
    with pytest.raises(SettingError, match="limit=5"):
        draw(suspect, None, (), 5, rng)
    with pytest.raises(SettingError, match="row 12 of interest isn't among rows 0-11"):
        draw(suspect, None, (3, 12), 50, rng)


def test_a_folder_keeps_to_its_data_and_axis(tmp_path):
    plan = ReadingPlan(
        dataset_digest="a", control_digest=None, model="m", weights_digest="w", axis_digest="x", layer=1,
        dtype="float32", prompt_characters=10, reply_tokens=10,
    )  # fmt: skip
    open_log(tmp_path, plan)
    open_log(tmp_path, plan)
    with pytest.raises(RunError, match="another dataset_digest are here \\('a', now 'b'\\)"):
        open_log(tmp_path, plan.model_copy(update={"dataset_digest": "b"}))


@given(st.lists(st.integers(0, 4), max_size=12), st.lists(st.integers(0, 4), max_size=12))
def test_the_kth_row_of_a_prompt_meets_the_kth(mine, theirs):
    found = partners(np.array(mine, dtype=np.uint64), np.array(theirs, dtype=np.uint64))
    for row, value in enumerate(mine):
        places = [at for at, other in enumerate(theirs) if other == value]
        kth = mine[:row].count(value)
        assert found[row] == (places[kth] if kth < len(places) else -1)


def test_a_limit_is_kept_and_a_draw_repeats(suspect, control):
    first, again = (draw(suspect, control, range(12), 20, np.random.default_rng(5)) for _ in range(2))
    assert first == again
    assert len(first.uniform) + len(first.interest) + len(first.control) <= 20
    assert first.paired
    assert first != draw(suspect, control, range(12), 20, np.random.default_rng(6))


def by_hand(
    axis: Axis, rows: Rows, control: Rows | None, z: Sequence[float], other: Sequence[float], *, paired: bool = True
) -> ReadSample:
    """Readings with the z-scores given."""
    at = axis.calibration().response

    def readings(side: str, values: Sequence[float]) -> dict[int, AuditReading]:
        return {
            row: AuditReading(
                side=side, row=row, projection=at.mean + at.sd * value, log_likelihood=-2.0 + value / 9, n_tokens=9
            )
            for row, value in enumerate(values)
        }

    every = tuple(range(len(z)))
    sample = Sample(every, (), every if control is not None else (), paired and control is not None, len(z))
    return ReadSample(rows, control, axis, sample, frozenset(), readings("suspect", z), readings("control", other))


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> tuple[Rows, Rows, Rows]:
    """40 prompts: answers of about the same lengths, the same laid out in many lines, and the control's."""
    folder = tmp_path_factory.mktemp("white")
    rng = np.random.default_rng(1)
    lengths = rng.integers(5, 60, (40, 2))
    sides = [[(f"ask {at}", "word " * int(n[side])) for at, n in enumerate(lengths)] for side in (0, 1)]
    lined = [(asked, said.replace(" ", "\n- ", 4)) for asked, said in sides[0]]
    return tuple(rows_by_hand(folder / name, talks) for name, talks in (("s", sides[0]), ("l", lined), ("c", sides[1])))


def test_alike_sides_alarm_seldom(axis, wide):
    rows, _, control = wide
    alarms = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        z, other = rng.normal(size=(2, 40)) + rng.normal(size=40)
        read = by_hand(axis, rows, control, z, other)
        alarms += any(shift.q_value <= 0.05 for shift in compare(read, 0.05, rng).shifts)
    # 2 expected at the most; more than 6 in one of 200 tries.
    assert alarms <= 6


def test_swapped_pairs_hardly_alarm_however_far_the_sides_lie_apart(axis, wide):
    rows, _, control = wide
    rng = np.random.default_rng(2)
    base = rng.normal(size=40)
    run = swapped_runs(by_hand(axis, rows, control, base - 2 + rng.normal(size=40) / 2, base), 0.05, rng)
    assert run is not None
    assert run.runs == 100
    assert run.alarms <= 5
    assert swapped_runs(by_hand(axis, rows, None, base, base), 0.05, rng) is None


def test_a_large_fall_is_a_finding_a_small_one_or_a_rise_a_note(axis, wide):
    rows, _, control = wide
    for shift, findings in ((-1.0, 1), (-0.5, 0), (1.0, 0)):
        rng = np.random.default_rng(2)
        base = rng.normal(size=40)
        read = by_hand(axis, rows, control, base + shift + rng.normal(size=40) / 2, base)
        compared = compare(read, 0.01, rng)
        assert len(findings_of(read, compared, 0.01)) == findings
        found = compared.of(PROJECTION)
        assert found is not None
        assert found.mean == pytest.approx(shift, abs=0.3)
        assert any("beyond chance" in note for note in notes_of(read, compared, 0.01))


def test_a_fall_that_the_layout_explains_is_no_finding(axis, wide):
    _, lined, control = wide
    rng = np.random.default_rng(3)
    layout = np.array(
        [talk["response"].count("\n") / len(talk["response"]) for talk in lined.take(range(40), ["response"])]
    )
    read = by_hand(axis, lined, control, -40 * layout + rng.normal(size=40) / 9, rng.normal(size=40) / 9)
    compared = compare(read, 0.01, rng)
    raw, adjusted = compared.of(PROJECTION), compared.of(ADJUSTED)
    assert raw is not None
    assert adjusted is not None
    assert raw.q_value < 0.01 < adjusted.q_value
    assert findings_of(read, compared, 0.01) == ()


def test_rows_of_findings_against_other_rows(axis, wide):
    rows, _, _ = wide
    rng = np.random.default_rng(4)
    z = rng.normal(size=40)
    z[:10] -= 3
    read = by_hand(axis, rows, None, z, ())
    marked = ReadSample(rows, None, axis, read.sample, frozenset(range(10)), read.suspect, {})
    found = compare(marked, 0.01, rng).of(INTEREST)
    assert found is not None
    assert found.mean == pytest.approx(-3, abs=1)
    assert found.q_value < 0.01
    assert findings_of(marked, compare(marked, 0.01, rng), 0.01) == ()
    assert compare(read, 0.01, rng).of(INTEREST) is None


def test_unpaired_sides_are_not_testable(axis, wide):
    rows, _, control = wide
    rng = np.random.default_rng(5)
    read = by_hand(axis, rows, control, rng.normal(size=40) - 3, rng.normal(size=40), paired=False)
    compared = compare(read, 0.01, rng)
    found = compared.of(PROJECTION)
    assert found is not None
    assert found.q_value < 0.01
    assert findings_of(read, compared, 0.01) == ()
    assert "give a control that answers the same prompts" in not_testable(read)[0]


def test_the_least_detectable_share_falls_with_more_families(axis, wide):
    rows, _, control = wide
    rng = np.random.default_rng(6)
    z, other = rng.normal(size=(2, 40))
    few = by_hand(axis, rows, control, z[:10], other[:10])
    shares = [compare(each, 0.01, rng).dose for each in (few, by_hand(axis, rows, control, z, other))]
    assert shares[0] is not None
    assert shares[1] is not None
    assert shares[1].share is not None
    assert shares[0].share is None or shares[0].share > shares[1].share
    assert shares[1].rows == max(1, round(shares[1].share * 40))
