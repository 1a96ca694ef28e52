"""Records refuse what they don't know, and every past version stays readable."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdtrue.errors import ArtifactError, StorageError
from holdtrue.records import (
    AttemptEntry,
    AxisCard,
    Eligible,
    GateItem,
    GateSample,
    HoldSpec,
    Prereg,
    Reading,
    Rollout,
    StressDesign,
    Trial,
    Turn,
    Verdict,
    canonical_json,
    check_writable,
    read_capped,
    write_atomic,
)
from holdtrue.records.audit import AuditVerdict
from holdtrue.records.audit_decisions import Decisions

GOLDEN = Path(__file__).parents[1] / "golden"
KINDS = {
    "attempt": AttemptEntry,
    "audit": AuditVerdict,
    "axis": AxisCard,
    "decisions": Decisions,
    "design": StressDesign,
    "eligible": Eligible,
    "hold": HoldSpec,
    "item": GateItem,
    "prereg": Prereg,
    "reading": Reading,
    "rollout": Rollout,
    "sample": GateSample,
    "trial": Trial,
    "verdict": Verdict,
}
ROLLOUT = Rollout(
    id="moth/p0/q001",
    role="moth",
    prompt_id="p0",
    question_id="q001",
    prompt_token_ids=(1, 2),
    response_token_ids=(3,),
    text="light",
    seed=7,
    adherence=0.5,
    accepted=True,
)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_every_past_version_stays_readable_and_writes_the_same(path):
    """A golden file is never edited: a new version of a record brings a new file."""
    kind = KINDS[path.stem.split("-")[0]]
    record = kind.from_json(path.read_text(), path.name)
    assert json.loads(record.to_json()) == json.loads(path.read_text())


def test_there_is_a_golden_file_of_every_kind():
    assert {path.stem.split("-")[0] for path in GOLDEN.glob("*.json")} == set(KINDS)


def test_a_record_comes_back_equal_with_the_same_digest():
    again = Rollout.from_json(ROLLOUT.to_json(), "x")
    assert again == ROLLOUT
    assert again.digest == ROLLOUT.digest
    assert again.digest != ROLLOUT.model_copy(update={"seed": 8}).digest


def test_a_record_is_frozen():
    with pytest.raises(ValueError, match="frozen"):
        ROLLOUT.seed = 8


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": "holdtrue.rollout/9"}, "expected 'holdtrue.rollout/1'"),
        ({"surprise": 1}, "field 'surprise'"),
        ({"seed": "many"}, "field 'seed'"),
        ({"adherence": float("inf")}, "field 'adherence'"),
    ],
)
def test_what_does_not_fit_is_refused_by_field(change, said):
    raw = {**json.loads(ROLLOUT.to_json()), **change}
    with pytest.raises(ArtifactError, match=said):
        Rollout.from_json(json.dumps(raw), "file.json")


@pytest.mark.parametrize("text", ["", "[]", "nul", "[" * 100_000, "3"])
def test_what_is_no_record_is_refused_with_the_files_name(text):
    with pytest.raises(ArtifactError, match=r"file\.json"):
        Rollout.from_json(text, "file.json")


@given(st.dictionaries(st.text(), st.one_of(st.integers(), st.text(), st.none()), max_size=6))
def test_canonical_json_does_not_depend_on_order(value):
    assert canonical_json(value) == canonical_json(dict(reversed(list(value.items()))))


def test_an_oversized_file_is_not_read(tmp_path):
    path = tmp_path / "big.json"
    path.write_text("x" * 100)
    with pytest.raises(ArtifactError, match="100 bytes is too large for a card"):
        read_capped(path, "a card", limit=99)


def test_a_failed_write_leaves_what_was_there_and_nothing_beside_it(tmp_path, monkeypatch):
    path = tmp_path / "card.json"
    write_atomic(path, "old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageError, match="No space left on device"):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["card.json"]


@pytest.mark.parametrize(
    ("make", "mend"),
    [
        (lambda folder: folder, "name a file"),
        (lambda folder: folder / "file" / "below", "choose another folder"),
        (lambda folder: folder / ("n" * 300), "shorter name"),
    ],
)
def test_a_place_that_cannot_be_written_is_found_out_beforehand(tmp_path, make, mend):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=mend):
        check_writable(make(tmp_path))


def test_half_a_surrogate_pair_is_refused_with_the_files_name():
    text = Turn(role="user", content="x").to_json().replace('"x"', '"\\ud800"')
    with pytest.raises(ArtifactError, match=r"odd\.json: half a surrogate pair"):
        Turn.from_json(text, "odd.json")
