"""A stage's result is used again only where it rests on the same things."""

from pathlib import Path

from holdtrue.audit.stages import StageFolder
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
