"""`holdtrue evidence`: sealed, countersigned, redacted and verified, where no torch can be imported as well."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from holdtrue.cli.main import app

SMALL = ("--classes", "improper_refusal", "--families", "20", "--min-families", "10", "--p0", "0.2")
BLOCK = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "transformers", "inspect_ai"}:
            raise ImportError(f"{name} is kept out")
sys.meta_path.insert(0, Block())
from holdtrue.cli.main import run
run()
"""


def invoke(*words: object, code: int = 0) -> Result:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == code, done.output
    return done


def refused(*words: object) -> str:
    done = invoke(*words, code=2)
    [line] = done.stderr.strip().splitlines()
    assert line.startswith("holdtrue: ")
    return line


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that passed, two keys, and the run sealed with the first of them."""
    folder = tmp_path_factory.mktemp("evidence")
    invoke("gate", "run", "scripted/clean", *SMALL, "--out", folder / "run")
    for name in ("evaluator", "third"):
        invoke("evidence", "key", folder / name)
    invoke("evidence", "seal", folder / "run", "--key", folder / "evaluator", "--out", folder / "bundle")
    return folder


@pytest.fixture
def bundle(place: Path, tmp_path: Path) -> Path:
    """A copy, to be spoilt."""
    return Path(shutil.copytree(place / "bundle", tmp_path / "copy"))


def test_a_key_is_secret_and_its_fingerprint_is_what_verify_prints(place: Path) -> None:
    assert (place / "evaluator").stat().st_mode & 0o077 == 0
    fingerprint = invoke("evidence", "key", place / "fresh").stdout.strip()
    assert len(fingerprint) == 64
    done = invoke("evidence", "seal", place / "run", "--key", place / "fresh", "--out", place / "sealed")
    assert f"evaluator {fingerprint}: signed, self-declared" in done.stdout


def test_a_sound_bundle_verifies_with_a_key_you_trust(place: Path) -> None:
    told = invoke("evidence", "verify", place / "bundle", "--trust", place / "evaluator.pub").stdout
    assert "L0 integrity and signature: PASS" in told
    assert "L1 recomputed from the transcripts: PASS" in told
    assert "improper_refusal: reproduced" in told
    assert "a key you trust" in told
    assert "faults" not in told


def test_another_key_is_no_trust(place: Path) -> None:
    told = invoke("evidence", "verify", place / "bundle", "--trust", place / "third.pub", code=1).stdout
    assert "[key-untrusted]" in told


def test_a_verdict_of_fail_is_evidence_too(place: Path, tmp_path: Path) -> None:
    invoke("gate", "run", "scripted/comply", *SMALL, "--out", tmp_path / "run", code=1)
    invoke("evidence", "seal", tmp_path / "run", "--key", place / "evaluator", "--out", tmp_path / "bundle")
    assert "signed verdict: FAIL" in invoke("evidence", "verify", tmp_path / "bundle").stdout


def test_an_edited_sample_is_named_with_its_line(bundle: Path) -> None:
    lines = (bundle / "samples.jsonl").read_text().splitlines(keepends=True)
    lines[6] = lines[6].replace('"outcome":"pass"', '"outcome":"fail"')
    (bundle / "samples.jsonl").write_text("".join(lines))
    told = invoke("evidence", "verify", bundle, code=1).stdout
    assert "samples.jsonl:7: not what was sealed here [line-edited]" in told
    assert "L1 recomputed from the transcripts: NOT_DONE" in told


@pytest.mark.parametrize("name", ["verdict.json", "attempts.jsonl", "controls.jsonl", "index.html", "leaves.json"])
def test_a_file_that_is_gone_is_named(bundle: Path, name: str) -> None:
    (bundle / name).unlink()
    assert name in invoke("evidence", "verify", bundle, code=1).stdout


def test_a_verdict_edited_before_sealing_is_never_sealed(place: Path, tmp_path: Path) -> None:
    run = shutil.copytree(place / "run", tmp_path / "run")
    (run / "verdict.json").write_text((run / "verdict.json").read_text().replace("PASS", "FAIL"))
    refused("evidence", "seal", run, "--key", place / "evaluator", "--out", tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_what_is_withheld_leaves_it_open(place: Path, tmp_path: Path) -> None:
    done = invoke(
        "evidence",
        "redact",
        place / "bundle",
        "--family",
        "improper_refusal/bath_bomb_price",
        "--out",
        tmp_path / "public",
    )
    assert "2 lines of items.jsonl" in done.stdout
    assert "bath bomb" in (place / "bundle/samples.jsonl").read_text()
    assert "bath bomb" not in (tmp_path / "public/samples.jsonl").read_text()
    told = invoke("evidence", "verify", tmp_path / "public", "--trust", place / "evaluator.pub", code=3).stdout
    assert "L1 recomputed from the transcripts: PARTIAL" in told
    assert "[lines-withheld]" in told


def test_a_third_party_that_is_named_must_sign(place: Path, tmp_path: Path) -> None:
    both = tmp_path / "both"
    seal = ("evidence", "seal", place / "run", "--key", place / "evaluator", "--countersigner", place / "third.pub")
    invoke(*seal, "--out", both)
    assert "[signature-missing]" in invoke("evidence", "verify", both, code=1).stdout
    assert "doesn't name key" in refused("evidence", "countersign", place / "bundle", "--key", place / "third")
    invoke("evidence", "countersign", both, "--key", place / "third")
    told = invoke("evidence", "verify", both, "--trust", place / "third.pub").stdout
    assert "NOT a key you trust" in told
    assert "faults" not in told


def test_samples_are_played_again_and_a_draw_repeats(place: Path) -> None:
    nonce = "ab" * 32
    words = ("evidence", "verify", place / "bundle", "--replay", 3, "--model", "scripted/clean", "--nonce", nonce)
    first, second = invoke(*words), invoke(*words)
    assert first.stdout.count("the same to the letter\n") == 3
    assert "L2 3 of 3 replays are the same to the letter" in first.stdout
    assert first.stdout == second.stdout
    assert f"drawn with --nonce {nonce}" in first.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("verify", "nowhere"), "give the folder that `seal` wrote"),
        (("verify", "bundle", "--trust", "nowhere.pub"), "nowhere.pub"),
        (("verify", "bundle", "--trust", "evaluator"), "give the .pub file"),
        (("verify", "bundle", "--replay", "2"), "needs --model"),
        (("verify", "bundle", "--replay", "2", "--model", "scripted/bad-1"), "this is scripted/bad-1"),
        (("verify", "bundle", "--replay", "2", "--model", "scripted/clean", "--nonce", "zz"), "no hex"),
        (("key", "evaluator"), "a key is never overwritten"),
        (("seal", "run", "--key", "evaluator", "--out", "bundle"), "a bundle is never overwritten"),
        (("seal", "nowhere", "--key", "evaluator", "--out", "new"), "the folder of a finished `gate run`"),
        (("seal", "run", "--key", "nowhere", "--out", "new"), "nowhere"),
        (("seal", "run", "--key", "evaluator.pub", "--out", "new"), "evaluator.pub"),
        (("redact", "bundle", "--family", "bath_bomb_price", "--out", "new"), "write it as class/family"),
        (("redact", "bundle", "--family", "improper_refusal/bath_bomb_prize", "--out", "new"), "did you mean"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_bad_input_is_one_line(place: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str) -> None:
    monkeypatch.chdir(place)
    assert said in refused("evidence", *words)
    assert not (place / "new").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("evidence", "verify", "bundle", "--trust", "evaluator.pub"),
        ("gate", "plan"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_no_torch_is_needed(place: Path, words: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BLOCK, *words],
        cwd=place,
        env=os.environ | {"PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout


def test_the_help_says_what_the_exit_codes_are() -> None:
    told = " ".join(invoke("evidence", "verify", "--help").output.split())
    assert "Needs no torch" in told
    assert "Exits with 1 when something is wrong, and with 3 when what is withheld leaves it open" in told
