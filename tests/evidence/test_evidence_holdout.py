from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_run import item

from holdtrue.errors import ArtifactError, EvidenceError, RunError, SettingError
from holdtrue.evidence import (
    Commitment,
    check,
    check_item,
    commit,
    mark,
    mark_used,
    prove_item,
    read_tranche,
    read_uses,
    reveal,
    tranche_canary,
    tranche_text,
)
from holdtrue.evidence.canonical import canonical
from holdtrue.evidence.merkle import leaf_hash, root

SECRET = bytes(range(32))
ITEMS = mark([item(f"family_{at}", twin=False) for at in range(7)], SECRET)
COMMITMENT = commit(ITEMS, SECRET)
REVEALED = reveal(ITEMS, SECRET, COMMITMENT)
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def test_a_reveal_opens_its_commitment() -> None:
    assert check(COMMITMENT, REVEALED, ITEMS) == []
    assert COMMITMENT.canary == tranche_canary(SECRET) == ITEMS[3].canary
    read = Commitment.from_json(COMMITMENT.to_json(), "tranche.json")
    assert check(read, type(REVEALED).from_json(REVEALED.to_json(), "reveal.json"), ITEMS) == []


def test_the_salt_matters() -> None:
    """Whoever has the generator can make the items again, and still can't tell which tranche a root belongs to."""
    plain = root([leaf_hash(canonical({"schema": each.schema_id, **each.model_dump(mode="json")})) for each in ITEMS])
    assert COMMITMENT.root != plain.hex()
    other = bytes(reversed(SECRET))
    assert commit(mark(ITEMS, other), other).root != COMMITMENT.root
    assert len(set(REVEALED.salts)) == len(ITEMS)
    assert not any(salt in COMMITMENT.to_json() for salt in REVEALED.salts)


@given(st.integers(0, 6), st.integers(0, 6), st.sampled_from(["edit", "swap", "drop", "salt", "canary"]))
def test_any_other_items_or_salts_are_refused(at: int, to: int, act: str) -> None:
    items, salts = list(ITEMS), list(REVEALED.salts)
    match act:
        case "edit":
            items[at] = items[at].model_copy(update={"max_tokens": 95})
        case "swap":
            if at == to:
                return
            items[at], items[to] = items[to], items[at]
        case "drop":
            del items[at]
        case "salt":
            salts[at] = "0" * 32
        case _:
            items[at] = items[at].model_copy(update={"canary": ""})
    assert check(COMMITMENT, REVEALED.model_copy(update={"salts": tuple(salts)}), items)


def test_what_no_tranche_can_be_is_refused() -> None:
    with pytest.raises(SettingError, match="31 bytes"):
        commit(ITEMS, SECRET[:31])
    with pytest.raises(EvidenceError, match="commits to nothing"):
        commit([], SECRET)
    with pytest.raises(SettingError, match=r"1 items lack the tranche's canary, such as 'family_x'"):
        commit([*ITEMS, item("family_x", twin=False)], SECRET)
    with pytest.raises(EvidenceError, match="twice"):
        commit([*ITEMS, ITEMS[0]], SECRET)
    with pytest.raises(EvidenceError, match="don't open the commitment"):
        reveal(ITEMS[:-1], SECRET, COMMITMENT)
    foreign = COMMITMENT.model_copy(update={"root": "0" * 64})
    assert check(foreign, REVEALED, ITEMS)


@pytest.mark.parametrize("at", range(7))
def test_one_item_can_be_shown_by_itself(at: int) -> None:
    proof = prove_item(ITEMS, SECRET, at)
    assert check_item(COMMITMENT, proof)
    for wrong in (
        {"index": (at + 1) % 7},
        {"salt": "0" * 32},
        {"item": ITEMS[(at + 1) % 7]},
        {"path": proof.path[:-1]},
        {"path": ("zz", *proof.path[1:])},
        {"n": 8},
    ):
        assert not check_item(COMMITMENT, proof.model_copy(update=wrong))
    assert "family" not in "".join(proof.path)


def test_a_tranches_file_carries_its_canary_in_every_line() -> None:
    text = tranche_text(ITEMS)
    assert all(COMMITMENT.canary in line for line in text.splitlines())
    assert read_tranche(text, "t.jsonl", COMMITMENT) == ITEMS
    with pytest.raises(ArtifactError, match=r"t\.jsonl: 6 items under another canary than the commitment's 7"):
        read_tranche(tranche_text(ITEMS[1:]), "t.jsonl", COMMITMENT)
    with pytest.raises(ArtifactError, match="carry one canary"):
        read_tranche(tranche_text([item("a", twin=False)]), "t.jsonl")
    with pytest.raises(ArtifactError, match=r"t\.jsonl:1: not JSON"):
        read_tranche("{", "t.jsonl")


def test_a_tranche_is_used_once(tmp_path: Path) -> None:
    path = tmp_path / "tranches.jsonl"
    assert read_uses(path) == ()
    first = mark_used(path, COMMITMENT, "a" * 64, now=NOW)
    assert mark_used(path, COMMITMENT, "a" * 64) == first  # a run that was killed and goes on
    with pytest.raises(RunError, match=r"was used on 2026-11-21T00:00:00Z by aaaa.*used once"):
        mark_used(path, COMMITMENT, "b" * 64)
    other = COMMITMENT.model_copy(update={"root": "1" * 64})
    mark_used(path, other, "b" * 64, now=NOW)
    mark_used(path, COMMITMENT, REVEALED.digest, event="revealed", now=NOW)
    unused = COMMITMENT.model_copy(update={"root": "2" * 64})
    mark_used(path, unused, "c" * 64, event="revealed", now=NOW)
    with pytest.raises(RunError, match="was revealed"):
        mark_used(path, unused, "d" * 64)
    assert [each.event for each in read_uses(path)] == ["used", "used", "revealed", "revealed"]


def test_the_ledger_of_tranches_cannot_be_edited_unseen(tmp_path: Path) -> None:
    path = tmp_path / "tranches.jsonl"
    for at in range(4):
        mark_used(path, COMMITMENT.model_copy(update={"root": f"{at}" * 64}), f"{at}" * 64, now=NOW)
    lines = path.read_text().splitlines(keepends=True)
    for changed in (
        lines[1:],
        [lines[0], *lines[2:]],
        [lines[1], lines[0]],
        [lines[0].replace("2026", "2025"), *lines[1:]],
    ):
        path.write_text("".join(changed))
        with pytest.raises(ArtifactError, match="doesn't continue the line before"):
            mark_used(path, COMMITMENT, "e" * 64)
