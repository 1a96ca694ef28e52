import json
from pathlib import Path

import pytest
from made_run import CLASS, RECOMPUTE, Sealed, decide, score, write_run

from holdtrue.errors import EvidenceError, SettingError, StorageError
from holdtrue.evidence import load_key, make_key, redact, seal, verify
from holdtrue.evidence.merkle import leaf_hash


@pytest.fixture
def redacted(sealed: Sealed, tmp_path: Path) -> Path:
    assert redact(sealed.bundle, [f"{CLASS}/family_1"], tmp_path / "r") == {
        "items.jsonl": 2,
        "samples.jsonl": 3,
        "controls.jsonl": 2,
        "attempts.jsonl": 0,
    }
    return tmp_path / "r"


def test_withheld_lines_stay_as_digests_under_the_same_signatures(sealed: Sealed, redacted: Path) -> None:
    found = verify(redacted, sealed.trusted, score=score, decide=decide)
    assert (found.l0, found.l1, found.ok) == ("PASS", "PARTIAL", False)
    assert found.faults == ()
    assert found.withheld == {"items.jsonl": 2, "samples.jsonl": 3, "controls.jsonl": 2}
    assert found.classes == {CLASS: "not reproducible: lines are withheld"}
    assert "3 of 18 lines are withheld" in found.as_text()
    lines = (redacted / "samples.jsonl").read_text().splitlines()
    assert sum(set(json.loads(line)) == {"withheld"} for line in lines) == 3


def test_nothing_of_the_withheld_is_left_to_guess_from(sealed: Sealed, redacted: Path) -> None:
    everything = b"".join(path.read_bytes() for path in redacted.iterdir())
    line = (sealed.bundle / "samples.jsonl").read_bytes().splitlines()[3]
    assert b'"family_1"' in line
    assert b"note of family_1" not in everything
    old = json.loads((sealed.bundle / "leaves.json").read_bytes())["files"]["samples.jsonl"]
    new = json.loads((redacted / "leaves.json").read_bytes())["files"]["samples.jsonl"]
    assert new["leaves"] == old["leaves"]
    assert new["salts"][3] is None
    assert old["salts"][3].encode() not in everything
    assert leaf_hash(line).hex() not in everything.decode()  # an unsalted digest could be tried out


def test_a_redacted_bundle_is_as_tight_as_a_whole_one(sealed: Sealed, redacted: Path) -> None:
    for name in ("samples.jsonl", "leaves.json", "items.jsonl", "index.html", "attempts.jsonl", "statement.dsse.json"):
        old = (redacted / name).read_bytes()
        for at in range(0, len(old), max(1, len(old) // 25)):
            (redacted / name).write_bytes(old[:at] + bytes([old[at] ^ 1]) + old[at + 1 :])
            found = verify(redacted, sealed.trusted, score=score, decide=decide)
            assert found.l0 == "FAIL", (name, at)
        for changed in (old + b" ", old + b"\n", old[:-1]):
            (redacted / name).write_bytes(changed)
            assert verify(redacted, sealed.trusted, score=score, decide=decide).l0 == "FAIL", name
        (redacted / name).write_bytes(old)
    lines = (redacted / "samples.jsonl").read_bytes().splitlines(keepends=True)
    hidden = [at for at, line in enumerate(lines) if line.startswith(b'{"withheld"')]
    one, two = hidden[:2]
    for changed_lines in (
        lines[:one] + lines[one + 1 :],
        [*lines[:one], lines[two], *lines[one + 1 : two], lines[one], *lines[two + 1 :]],
        [*lines, lines[one]],
    ):
        (redacted / "samples.jsonl").write_bytes(b"".join(changed_lines))
        found = verify(redacted, sealed.trusted, score=score, decide=decide)
        assert any(each.where.startswith("samples.jsonl:") for each in found.faults)


def test_a_failing_family_cannot_be_hidden_behind_a_pass(tmp_path: Path) -> None:
    make_key(tmp_path / "k")
    run = write_run(tmp_path / "run", failing=frozenset({"family_3"}))
    seal(run, load_key(tmp_path / "k"), tmp_path / "b", recompute=RECOMPUTE)
    redact(tmp_path / "b", [f"{CLASS}/family_3"], tmp_path / "r")
    found = verify(tmp_path / "r", score=score, decide=decide)
    assert found.verdict == "FAIL"
    assert found.l1 == "PARTIAL"
    assert found.classes[CLASS] != "reproduced"


def test_redaction_can_go_on_and_refuses_what_it_must(sealed: Sealed, redacted: Path, tmp_path: Path) -> None:
    assert redact(redacted, [f"{CLASS}/family_2"], tmp_path / "r2")["samples.jsonl"] == 6
    assert verify(tmp_path / "r2", sealed.trusted, score=score, decide=decide).l0 == "PASS"
    with pytest.raises(SettingError, match=r"family 'family_2' isn't in .*class/family: known: "):
        redact(sealed.bundle, ["family_2"], tmp_path / "r3")
    with pytest.raises(StorageError, match="there already"):
        redact(sealed.bundle, [f"{CLASS}/family_2"], tmp_path / "r2")
    (redacted / "verdict.json").write_text("{}")
    with pytest.raises(EvidenceError, match="not redacted"):
        redact(redacted, [f"{CLASS}/family_4"], tmp_path / "r3")
    assert not (tmp_path / "r3").exists()
