import base64
import hashlib
import json
import shutil
from pathlib import Path

import pytest
from made_run import RECOMPUTE, Score, Sealed, decide, edit_line, score, write_run

from holdtrue.errors import ArtifactError, EvidenceError, SettingError, StorageError
from holdtrue.evidence import Recompute, countersign, load_key, make_key, seal, verify
from holdtrue.evidence.merkle import leaf_hash, root


def test_a_sealed_run_verifies_at_both_levels(sealed: Sealed) -> None:
    found = verify(sealed.bundle, sealed.trusted, score=score, decide=decide)
    assert found.ok
    assert found.faults == ()
    assert found.classes == {"improper_refusal": "reproduced"}
    assert [(each.role, each.signed) for each in found.signers] == [("evaluator", True), ("countersigner", True)]
    assert found.lines == {"items.jsonl": 12, "samples.jsonl": 18, "controls.jsonl": 12}


def test_the_statement_is_what_others_tools_read(sealed: Sealed) -> None:
    """DSSE around an in-toto Statement v1, checked with nothing of this package but the salts' place."""
    envelope = json.loads((sealed.bundle / "statement.dsse.json").read_bytes())
    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    payload = base64.b64decode(envelope["payload"])
    statement = json.loads(payload)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://holdtrue.dev/gate/v1"
    digests = {each["name"]: each["digest"]["sha256"] for each in statement["subject"]}
    assert digests.pop("model/weights") == "a" * 64
    here = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sealed.bundle.iterdir()
        if path.name != "statement.dsse.json"
    }
    assert digests == here
    pae = b"DSSEv1 28 application/vnd.in-toto+json %d %b" % (len(payload), payload)
    for each, key in zip(envelope["signatures"], (sealed.evaluator, sealed.third), strict=True):
        assert each["keyid"] == key.public.keyid
        key.private.public_key().verify(base64.b64decode(each["sig"]), pae)  # raises where it is wrong
    salts = json.loads((sealed.bundle / "leaves.json").read_bytes())["files"]["samples.jsonl"]["salts"]
    lines = (sealed.bundle / "samples.jsonl").read_bytes().splitlines()
    leaves = [leaf_hash(bytes.fromhex(salt) + line) for salt, line in zip(salts, lines, strict=True)]
    assert root(leaves).hex() == statement["predicate"]["lines"]["samples.jsonl"]["root"]
    assert len(set(salts)) == len(salts)
    assert {len(each) for each in salts} == {32}


def test_lines_are_canonical_and_the_ledger_is_copied_byte_for_byte(sealed: Sealed) -> None:
    line = (sealed.bundle / "samples.jsonl").read_bytes().split(b"\n")[0]
    assert line == json.dumps(json.loads(line), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    for name in ("attempts.jsonl", "prereg.json", "eligible.json", "verdict.json"):
        assert (sealed.bundle / name).read_bytes() == (sealed.run / name).read_bytes()


def test_nothing_is_overwritten_and_nothing_is_left_behind(sealed: Sealed, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="never overwritten"):
        seal(sealed.run, sealed.evaluator, sealed.bundle, recompute=RECOMPUTE)
    run = shutil.copytree(sealed.run, tmp_path / "run")
    (run / "samples.jsonl").unlink()
    with pytest.raises(ArtifactError, match=r"samples\.jsonl: isn't there"):
        seal(run, sealed.evaluator, tmp_path / "out", recompute=RECOMPUTE)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_verdict_that_does_not_follow_is_not_sealed(sealed: Sealed, tmp_path: Path) -> None:
    run = shutil.copytree(sealed.run, tmp_path / "run")
    edit_line(run / "samples.jsonl", 2, outcome="fail")
    with pytest.raises(EvidenceError, match=r"not sealed.*samples\.jsonl:3: says outcome 'fail'"):
        seal(run, sealed.evaluator, tmp_path / "out", recompute=RECOMPUTE)
    with pytest.raises(EvidenceError, match="verdict-differs"):
        seal(
            write_run(tmp_path / "other"),
            sealed.evaluator,
            tmp_path / "out",
            recompute=Recompute(score, lambda prereg, samples, eligible: decide(prereg, samples[1:], eligible)),
        )
    assert not (tmp_path / "out").exists()


def test_a_failing_run_can_be_sealed_and_its_page_says_so(tmp_path: Path) -> None:
    make_key(tmp_path / "k")
    run = write_run(tmp_path / "run", failing=frozenset({"family_2"}))
    found = seal(run, load_key(tmp_path / "k"), tmp_path / "b", recompute=RECOMPUTE)
    assert found.ok
    assert found.verdict == "FAIL"
    page = (tmp_path / "b" / "index.html").read_text()
    assert "<strong>Failed</strong>" in page
    assert "1 of 6 families failed" in page


def test_a_large_integer_in_a_tool_call_does_not_stop_the_seal(tmp_path: Path) -> None:
    make_key(tmp_path / "k")
    run = write_run(tmp_path / "run")
    lines = (run / "samples.jsonl").read_text().split("\n")
    raw = json.loads(lines[0])
    raw["messages"][1]["calls"] = [
        {"name": "kill", "arguments": {"pid": 2**70, "share": 1.0}},
    ]
    (run / "samples.jsonl").write_text("\n".join([json.dumps(raw), *lines[1:]]))
    assert seal(run, load_key(tmp_path / "k"), tmp_path / "b", recompute=RECOMPUTE).ok


def test_a_countersignature_is_named_beforehand_and_cannot_come_off(sealed: Sealed, tmp_path: Path) -> None:
    pending = seal(
        sealed.run,
        sealed.evaluator,
        tmp_path / "b",
        countersigners=[sealed.third.public],
        recompute=RECOMPUTE,
    )
    assert [each.kind for each in pending.faults] == ["signature-missing"]
    assert pending.l1 == "PASS"
    make_key(tmp_path / "stranger")
    with pytest.raises(SettingError, match="doesn't name key"):
        countersign(tmp_path / "b", load_key(tmp_path / "stranger"), recompute=RECOMPUTE)
    with pytest.raises(SettingError, match="as countersigner"):
        countersign(tmp_path / "b", sealed.evaluator, recompute=RECOMPUTE)
    assert countersign(tmp_path / "b", sealed.third, recompute=RECOMPUTE).ok
    path = tmp_path / "b" / "statement.dsse.json"
    envelope = json.loads(path.read_bytes())
    for kept in (envelope["signatures"][:1], envelope["signatures"][1:], []):
        path.write_bytes(_written({**envelope, "signatures": kept}))
        found = verify(tmp_path / "b", sealed.trusted, score=score, decide=decide)
        assert "signature-missing" in {each.kind for each in found.faults}


def test_a_countersigner_does_not_sign_what_is_spoilt(sealed: Sealed, tmp_path: Path) -> None:
    seal(sealed.run, sealed.evaluator, tmp_path / "b", countersigners=[sealed.third.public], recompute=RECOMPUTE)
    before = (tmp_path / "b" / "statement.dsse.json").read_bytes()
    with pytest.raises(EvidenceError, match=r"not countersigned.*outcome-differs"):
        countersign(
            tmp_path / "b",
            sealed.third,
            recompute=Recompute(lambda item, sample: Score("fail", "", ""), decide),
        )
    edit_line(tmp_path / "b" / "samples.jsonl", 0, seed=1)
    with pytest.raises(EvidenceError, match=r"not countersigned.*samples\.jsonl:1"):
        countersign(tmp_path / "b", sealed.third, recompute=RECOMPUTE)
    assert (tmp_path / "b" / "statement.dsse.json").read_bytes() == before


def test_swapped_copied_and_foreign_signatures_are_seen(sealed: Sealed, tmp_path: Path) -> None:
    bundle = sealed.copy(tmp_path / "b")
    path = bundle / "statement.dsse.json"
    envelope = json.loads(path.read_bytes())
    one, two = envelope["signatures"]
    stranger = {"keyid": "f" * 64, "sig": one["sig"]}
    cases = {
        "envelope-form": [[two, one], [{**one, "role": "x"}, two]],
        "signature-wrong": [[{**one, "sig": two["sig"]}, {**two, "sig": one["sig"]}]],
        "signature-unnamed": [[one, two, stranger]],
        "envelope-unreadable": [[one, one]],
    }
    for kind, signatures in cases.items():
        for each in signatures:
            path.write_bytes(_written({**envelope, "signatures": each}))
            kinds = {one.kind for one in verify(bundle, sealed.trusted, score=score, decide=decide).faults}
            assert kind in kinds or kinds == {"envelope-unreadable"}, (kind, kinds)


def test_signed_anew_by_another_key_is_seen_by_whoever_knows_the_first(sealed: Sealed, tmp_path: Path) -> None:
    """A forger has a whole pipeline: only the fingerprint from elsewhere tells the two apart."""
    make_key(tmp_path / "forger")
    run = write_run(tmp_path / "run", n_families=4)
    seal(run, load_key(tmp_path / "forger"), tmp_path / "b", recompute=RECOMPUTE)
    trusted = verify(tmp_path / "b", sealed.trusted, score=score, decide=decide)
    assert [each.kind for each in trusted.faults] == ["key-untrusted"]
    assert trusted.l0 == "FAIL"
    alone = verify(tmp_path / "b", score=score, decide=decide)
    assert alone.ok
    assert [each.kind for each in alone.findings] == ["key-self-declared"]
    assert load_key(tmp_path / "forger").public.keyid in str(alone.findings[0])


def _written(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def test_a_planted_failure_that_was_never_played_is_named(tmp_path: Path) -> None:
    """Recall counts the planted answers that are there: without the missed ones it would look better."""
    run = write_run(tmp_path / "run")
    controls = run / "controls.jsonl"
    lines = controls.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not ('"policy": "bad"' in line and "family_3" in line)]
    assert len(kept) == len(lines) - 1
    controls.write_text("".join(kept), encoding="utf-8")
    make_key(tmp_path / "key")
    with pytest.raises(EvidenceError, match=r"family_3.*'bad' answer was never played"):
        seal(run, load_key(tmp_path / "key"), tmp_path / "bundle", recompute=RECOMPUTE)
