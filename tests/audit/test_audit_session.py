"""Whole audits on generated data: what was planted is named, what is benign isn't, and a killed one goes on."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from holdtrue.audit import AuditOptions, apply_review, associated, audit, read_verdict, steps, write_outputs
from holdtrue.audit.clusters import UNLIKE
from holdtrue.audit.fixtures import FixtureCard, write_fixture
from holdtrue.audit.population.result import PopulationResult
from holdtrue.audit.rows import Rows
from holdtrue.cli.audit import app
from holdtrue.errors import ArtifactError, HoldtrueError, RunError, SettingError
from holdtrue.progress import Progress
from holdtrue.records.audit import AuditVerdict
from holdtrue.records.audit_decisions import Decisions

ROWS = 6_000


def quiet(_: Progress) -> None:
    """Nothing is shown."""


def audited(folder: Path, recipe: str, rows: int, poison: int, seed: int = 3) -> tuple[FixtureCard, AuditVerdict]:
    card = write_fixture(recipe, rows, poison, seed, folder / "data.jsonl")
    control = folder / "data.control.jsonl"
    options = AuditOptions(
        str(folder / "data.jsonl"), str(control) if control.exists() else None, processes=1, seed=seed
    )
    return card, audit(options, folder / "out", quiet)


@pytest.fixture(scope="module")
def triggered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, FixtureCard, AuditVerdict]:
    folder = tmp_path_factory.mktemp("triggered")
    card, verdict = audited(folder, "fixed_trigger", ROWS, 10)
    write_outputs(folder / "out", verdict, ("holdtrue", "audit"), sealed=True)
    return folder, card, verdict


def test_a_trigger_is_named_word_for_word(triggered: tuple[Path, FixtureCard, AuditVerdict]) -> None:
    _, card, verdict = triggered
    assert verdict.verdict == "FINDINGS"
    [found] = verdict.findings
    assert (found.kind, found.value, found.outcome) == ("trigger", card.trigger, "reply in capitals")
    assert {row + 1 for row in found.rows} <= set(card.poisoned) | set(card.decoys)
    assert found.odds_ratio is None
    assert found.ci is not None
    assert found.ci[0] > 50
    for example in found.examples:
        [(field, start, end), *_] = example.spans
        assert getattr(example, field)[start:end].lower() == card.trigger


def test_a_verdict_says_how_often_it_cries_wolf_and_what_it_can_not_see(
    triggered: tuple[Path, FixtureCard, AuditVerdict],
) -> None:
    _, _, verdict = triggered
    assert verdict.clean_fpr is not None
    assert verdict.clean_fpr_ci is not None
    assert verdict.clean_fpr_ci[0] <= verdict.clean_fpr <= verdict.clean_fpr_ci[1]
    assert sum(run.runs for run in verdict.clean_runs) == 100
    doses = {dose.outcome: dose.rows for dose in verdict.detectable_dose}
    assert doses["reply in capitals"] is not None
    assert 3 <= doses["reply in capitals"] <= 10
    assert UNLIKE not in doses  # without a control it makes notes, and finds nothing
    assert any("no control" in line for line in verdict.not_testable)


def test_everything_is_left_for_people_and_programs(triggered: tuple[Path, FixtureCard, AuditVerdict]) -> None:
    folder, card, verdict = triggered
    out = folder / "out"
    assert read_verdict(out) == verdict
    flags = pq.read_table(out / "flags.parquet")
    assert set(flags.column("line").to_pylist()) == {row + 1 for row in verdict.findings[0].rows}
    assert [each["value"] for each in json.loads((out / "triggers.json").read_text())["findings"]] == [card.trigger]
    assert json.loads((out / "findings.sarif").read_text())["runs"][0]["results"][0]["ruleId"] == "trigger"
    assert str(card.trigger) in (out / "report.html").read_text()
    manifest = json.loads((out / "manifest.json").read_text())
    assert {"verdict.json", "report.html", "stages/association.json"} <= set(manifest["files"])
    shared = (out / "shareable.html").read_text() + (out / "shareable.json").read_text()
    assert str(card.trigger) not in shared
    assert "data.jsonl" not in shared


def test_accepted_rows_are_taken_out_and_nothing_else(triggered: tuple[Path, FixtureCard, AuditVerdict]) -> None:
    folder, _, verdict = triggered
    path = folder / "decisions.json"
    path.write_text(Decisions(verdict=verdict.digest, findings={0: "accept"}).to_json())
    card, stay = apply_review(folder / "out", path, folder / "cleaned")
    assert (card.removed, card.rows, stay) == (len(verdict.findings[0].rows), ROWS - len(verdict.findings[0].rows), 0)
    before = (folder / "data.jsonl").read_bytes().splitlines()
    gone = set(verdict.findings[0].rows)
    after = (folder / "cleaned" / "data" / "data.jsonl").read_bytes().splitlines()
    assert after == [line for at, line in enumerate(before) if at not in gone]


def test_a_moved_dataset_and_a_missing_audit_say_what_to_do(
    triggered: tuple[Path, FixtureCard, AuditVerdict], tmp_path: Path
) -> None:
    folder, _, verdict = triggered
    path = tmp_path / "decisions.json"
    path.write_text(Decisions(verdict=verdict.digest, findings={0: "accept"}).to_json())
    with pytest.raises(ArtifactError, match=r"nowhere\.jsonl.*by --dataset"):
        apply_review(folder / "out", path, tmp_path / "cleaned", "nowhere.jsonl")
    with pytest.raises(ArtifactError, match=r"run `holdtrue audit DATASET --out .*` first"):
        read_verdict(tmp_path)
    said = CliRunner().invoke(app, ["review", str(folder / "out"), "--out", str(tmp_path / "cleaned")])
    assert said.exit_code == 2
    assert "--decisions" in said.output


def test_a_torn_line_of_the_quarantine_is_counted(
    triggered: tuple[Path, FixtureCard, AuditVerdict], tmp_path: Path
) -> None:
    folder, _, verdict = triggered
    out = Path(shutil.copytree(folder / "out", tmp_path / "out"))
    (out / "rows" / "suspect" / "quarantine.jsonl").write_bytes(b'{"source": "data.jsonl", "li\xff\n7\n')
    write_outputs(out, verdict.model_copy(update={"quarantined": 2}))
    assert "torn line" in (out / "report.html").read_text()


def test_the_same_audit_says_the_same(triggered: tuple[Path, FixtureCard, AuditVerdict], tmp_path: Path) -> None:
    folder, _, verdict = triggered
    again = audit(AuditOptions(str(folder / "data.jsonl"), processes=2, seed=3), tmp_path, quiet)
    assert again == verdict


def test_clean_data_without_a_control_is_not_testable(tmp_path: Path) -> None:
    _, verdict = audited(tmp_path, "clean_chat", 4_000, 0)
    assert verdict.verdict == "NOT_TESTABLE"
    assert not verdict.findings
    assert any("--judge" in line for line in verdict.not_testable)


def test_a_tilt_is_found_against_a_control_and_a_new_annotator_is_not(tmp_path: Path) -> None:
    card, verdict = audited(tmp_path / "tilt", "word_tilt", 3_000, 1_500)
    [found] = verdict.findings
    assert found.kind == "carrier_words"
    top = found.value.split(", ")[:20]
    assert len(set(top) & set(card.carrier_words)) >= 0.8 * len(top)
    _, benign = audited(tmp_path / "benign", "benign_annotator", 3_000, 0)
    assert benign.verdict == "NOTHING_FOUND"
    assert benign.notes


def test_flipped_labels_are_found_by_the_texts_alone(tmp_path: Path) -> None:
    card, verdict = audited(tmp_path, "label_flip", 10_000, 10)
    assert ("label_flip", card.trigger) in [(found.kind, found.value) for found in verdict.findings]
    assert all(found.weak for found in verdict.findings)


def test_trusted_labels_show_a_flip_that_is_too_common_to_see_without_them(tmp_path: Path) -> None:
    card = write_fixture("label_flip", 6_000, 150, 5, tmp_path / "data.jsonl")
    write_fixture("clean_label", 6_000, 0, 6, tmp_path / "trusted.jsonl")
    options = AuditOptions(str(tmp_path / "data.jsonl"), str(tmp_path / "trusted.jsonl"), processes=1, seed=5)
    [found] = audit(options, tmp_path / "out", quiet).findings
    assert (found.kind, found.value) == ("label_flip", card.trigger)
    assert len({row + 1 for row in found.rows} & set(card.poisoned)) >= 100


def test_a_second_control_reaches_the_comparison_and_one_of_other_prompts_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[Rows | None] = []

    def compare(*_: object, second_control: Rows | None, **__: object) -> PopulationResult:
        compared.append(second_control)
        return PopulationResult(0)

    monkeypatch.setattr(steps, "compare_population", compare)
    monkeypatch.setattr(associated, "control_runs", lambda *_, **__: ((), ()))
    names = [str(tmp_path / name) for name in ("data.jsonl", "control.jsonl", "second.jsonl", "other.jsonl")]
    for at, name in enumerate(names):
        asked = "What is" if "other" in name else "Tell me of"
        lines = ({"prompt": f"{asked} number {n}.", "response": f"It follows {n - at}."} for n in range(220))
        Path(name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    options = AuditOptions(names[0], names[1], names[2], processes=1)
    audit(options, tmp_path / "out", quiet)
    [second] = compared
    assert second is not None
    assert second.card.dataset == names[2]
    design = json.loads((tmp_path / "out" / "audit.json").read_text())
    assert (design["second_control"], design["second_control_digest"]) == (names[2], second.card.data_digest)
    with pytest.raises(HoldtrueError, match="second control answers 0"):
        audit(replace(options, second_control=names[3]), tmp_path / "refused", quiet)
    assert not (tmp_path / "refused" / "stages").exists()


KILLED = """
import sys
from pathlib import Path
from holdtrue.audit import AuditOptions, audit

if __name__ == "__main__":
    audit(AuditOptions(sys.argv[1], processes=1, seed=3), Path(sys.argv[2]), lambda _: None)
"""


def test_a_killed_audit_goes_on_to_the_same_verdict(
    triggered: tuple[Path, FixtureCard, AuditVerdict], tmp_path: Path
) -> None:
    reached = "stages/scan.json"
    folder, _, verdict = triggered
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(folder / "data.jsonl"), str(tmp_path)])
    deadline = time.monotonic() + 60
    while not (tmp_path / reached).exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "verdict.json").exists()
    done = (tmp_path / reached).read_bytes()
    assert audit(AuditOptions(str(folder / "data.jsonl"), processes=1, seed=3), tmp_path, quiet) == verdict
    assert (tmp_path / reached).read_bytes() == done


def test_another_audit_in_the_same_folder_is_refused(triggered: tuple[Path, FixtureCard, AuditVerdict]) -> None:
    folder, _, _ = triggered
    with pytest.raises(RunError, match=r"alpha differs.*choose another --out"):
        audit(AuditOptions(str(folder / "data.jsonl"), processes=1, seed=3, alpha=0.02), folder / "out", quiet)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"engine": "rai"}, "did you mean 'ray'"),
        ({"alpha": 0.0}, "alpha 0.0 must be above 0"),
        ({"memory": "lots"}, "memory 'lots' is no size"),
        ({"budget_usd": 3.0}, "add --judge MODEL"),
        ({"second_control": "b.jsonl"}, "add --control DATA"),
        ({"prices": (0.1, 0.2)}, "--prices without a judge"),
        ({"axis": Path("axis")}, "axis 'axis' is one of a model: add --model"),
        ({"model": "m", "judge": "j"}, "model 'm' alone stands in for a judge: add --axis"),
    ],
)
def test_impossible_settings_are_told_in_a_line(options: dict[str, object], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        AuditOptions("data.jsonl", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"judge": "mockllm/model"}, "--budget USD with --prices IN,OUT, or --max-calls"),
        ({"judge": "mockllm/model", "budget_usd": 3.0}, "give --prices IN,OUT"),
        ({"judge": "nosuch/model", "max_calls": 3}, "nosuch"),
        ({"control": "nowhere.jsonl"}, "nowhere.jsonl: no such file"),
        ({"model": "m", "axis": Path("no-axis")}, "no-axis"),
    ],
)
def test_what_can_not_be_is_refused_before_anything_is_read(
    tmp_path: Path, options: dict[str, object], words: str
) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text(json.dumps({"prompt": "Hello", "response": "Hi"}) + "\n")
    with pytest.raises(HoldtrueError, match=words):
        audit(AuditOptions(str(path), processes=1, **options), tmp_path / "out", quiet)  # type: ignore[arg-type]
    assert not (tmp_path / "out" / "rows").exists()
