"""A stage's result is used again only where it rests on the same things."""

import json
from pathlib import Path

import pytest
from made_rows import made_rows

from holdtrue.audit import AuditOptions
from holdtrue.audit.session import _design
from holdtrue.audit.stages import StageFolder
from holdtrue.errors import RunError
from holdtrue.records.audit import AuditDesign, AuditStage

DESIGN = AuditDesign(
    dataset="data.jsonl", dataset_digest="d", kind="chat", purpose="assistant", seed=0, alpha=0.01, holdtrue="0"
)


def worked(out: Path, budget: str, judged: str) -> list[str]:
    """Stages that weren't taken from their files."""
    done: list[str] = []

    def work(name: str, note: str) -> AuditStage:
        done.append(name)
        return AuditStage(name=name, design="", notes=(note,), seconds=len(done))

    folder = StageFolder(out, DESIGN)
    folder.stage("scan", lambda: work("scan", ""))
    folder.stage("judge", lambda: work("judge", judged), budget)
    folder.stage("association", lambda: work("association", ""))
    return done


def test_another_budget_works_out_the_judge_and_all_that_follows_from_new_answers(tmp_path: Path) -> None:
    assert worked(tmp_path, "1", "cut short") == ["scan", "judge", "association"]
    assert worked(tmp_path, "1", "cut short") == []
    assert worked(tmp_path, "2", "cut short") == ["judge"]
    assert worked(tmp_path, "3", "whole") == ["judge", "association"]
    assert worked(tmp_path, "3", "whole") == []


def test_a_design_says_on_what_the_model_was_to_run_if_one_reads(tmp_path: Path) -> None:
    rows = made_rows(tmp_path / "rows", ["hello"] * 3, parts=1)
    options = AuditOptions("d", model="m", axis=Path("a"), device="cuda:1", dtype="bfloat16")
    read, unread = (
        _design(each, rows, None, None, axis) for each, axis in ((options, "digest"), (AuditOptions("d"), None))
    )
    assert (read.device, read.dtype, unread.device, unread.dtype) == ("cuda:1", "bfloat16", None, None)
    StageFolder(tmp_path / "out", read)
    with pytest.raises(RunError, match=r"another audit \(dtype differs\)"):
        StageFolder(tmp_path / "out", read.model_copy(update={"dtype": "float32"}))


def test_a_design_from_before_devices_were_told_still_reads(tmp_path: Path) -> None:
    old = {name: value for name, value in json.loads(DESIGN.to_json()).items() if name not in {"device", "dtype"}}
    (tmp_path / "audit.json").write_text(json.dumps(old))
    StageFolder(tmp_path, DESIGN)
