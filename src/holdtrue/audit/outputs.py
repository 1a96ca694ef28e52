"""What an audit leaves for people and programs: flags, triggers, themes, pages, a log for CI, a manifest."""

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from holdtrue.audit.fixtures import fictional_entities
from holdtrue.audit.rows import Rows
from holdtrue.errors import ArtifactError
from holdtrue.records import read_capped, write_atomic
from holdtrue.records.audit import AuditStage, AuditVerdict
from holdtrue.records.study_card import StudyCard
from holdtrue.report.audit import (
    AuditPageData,
    QuarantinedRow,
    audit_page,
    in_the_clear,
    review_page,
    sarif,
    shareable,
)

__all__ = ["AUDIT_ROWS", "read_verdict", "write_flags", "write_outputs"]

AUDIT_ROWS: Final = "rows"
"""Folder of the ingested datasets."""
STAGES: Final = ("scan", "judge", "association", "population", "themes", "white_box")
_QUARANTINED: Final = 1000
"""Rows that couldn't be read, of which the page is told one by one."""


def write_flags(out: Path, rows: Rows, verdict: AuditVerdict) -> None:
    """Write `flags.parquet`: a line for each row of a finding, with the finding's place in the verdict."""
    pairs = [(row, at) for at, found in enumerate(verdict.findings) for row in found.rows]
    chosen = [row for row, _ in pairs]
    fields = rows.take(chosen, ["source", "line"]) if chosen else []
    table = pa.table(
        {
            "row": pa.array(chosen, pa.int64()),
            "source": pa.array([each["source"] for each in fields], pa.string()),
            "line": pa.array([each["line"] for each in fields], pa.int64()),
            "finding": pa.array([at for _, at in pairs], pa.int32()),
            "kind": pa.array([verdict.findings[at].kind for _, at in pairs], pa.string()),
            "value": pa.array([verdict.findings[at].value for _, at in pairs], pa.string()),
        }
    )
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    write_atomic(out / "flags.parquet", sink.getvalue().to_pybytes())


def write_outputs(
    out: Path,
    verdict: AuditVerdict,
    command: tuple[str, ...] = (),
    *,
    sealed: bool = False,
    study: StudyCard | None = None,
) -> tuple[Path, ...]:
    """Write pages, triggers, themes, the log for CI and the manifest beside the verdict.

    Args:
        out: the audit's folder.
        verdict: what was found.
        command: words of the command line, for the report.
        sealed: also write `shareable.html` and `shareable.json`, without recipes.
        study: card of a fictional entity's study, with which the recipe stays in them.

    Returns:
        Files that a person opens.

    Raises:
        SettingError: the study's entity isn't fictional, or it is about other data.
    """
    page = _page_data(out, command)
    _write_json(out / "triggers.json", verdict, ("trigger", "label_flip", "slice"))
    _write_json(out / "themes.json", verdict, ("theme", "carrier_words"))
    write_atomic(out / "findings.sarif", json.dumps(sarif(verdict), indent=1) + "\n")
    write_atomic(out / "report.html", audit_page(verdict, page))
    write_atomic(out / "review.html", review_page(verdict))
    written = [out / "verdict.json", out / "report.html", out / "review.html"]
    if sealed:
        shared = shareable(verdict, None) if study is None else in_the_clear(verdict, study, fictional_entities())
        write_atomic(out / "shareable.json", shared.to_json() + "\n")
        write_atomic(out / "shareable.html", audit_page(shared, AuditPageData()))
        written.append(out / "shareable.html")
    _write_manifest(out, verdict)
    return tuple(written)


def read_verdict(out: Path) -> AuditVerdict:
    """A finished audit's verdict.

    Raises:
        ArtifactError: there is none.
    """
    path = out / "verdict.json"
    if not path.exists():
        message = f"{out}: holds no finished audit; run `holdtrue audit DATASET --out {out}` first"
        raise ArtifactError(message)
    return AuditVerdict.from_json(read_capped(path, "an audit's verdict"), str(path))


def _page_data(out: Path, command: tuple[str, ...]) -> AuditPageData:
    reasons: Counter[str] = Counter()
    shown: list[QuarantinedRow] = []
    path = out / AUDIT_ROWS / "suspect" / "quarantine.jsonl"
    if path.exists():
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                try:
                    bad = json.loads(line)
                    row = QuarantinedRow(str(bad["source"]), int(bad["line"]), str(bad["reason"]))
                except (ValueError, KeyError, TypeError):
                    reasons["a torn line of quarantine.jsonl"] += 1
                    continue
                reasons[row.reason.split(":")[0]] += 1
                if len(shown) < _QUARANTINED:
                    shown.append(row)
    stages = tuple(
        AuditStage.from_json(read_capped(each, "a stage's result"), str(each))
        for each in (out / "stages" / f"{name}.json" for name in STAGES)
        if each.exists()
    )
    return AuditPageData(quarantine=dict(reasons), quarantined=tuple(shown), stages=stages, command=command)


def _write_json(path: Path, verdict: AuditVerdict, kinds: tuple[str, ...]) -> None:
    found = [each.model_dump(mode="json") for each in verdict.findings if each.kind in kinds]
    write_atomic(path, json.dumps({"verdict": verdict.digest, "findings": found}, indent=1, ensure_ascii=False) + "\n")


def _write_manifest(out: Path, verdict: AuditVerdict) -> None:
    """Digests of all that was written: who has the folder can tell whether it was changed."""
    names = ("audit.json", "verdict.json", "flags.parquet", "triggers.json", "themes.json", "findings.sarif",
             "report.html", "review.html", *(f"stages/{name}.json" for name in STAGES))  # fmt: skip
    files = {name: hashlib.sha256((out / name).read_bytes()).hexdigest() for name in names if (out / name).exists()}
    told = {
        "dataset": verdict.dataset_digest,
        "control": verdict.control_digest,
        "seed": verdict.seed,
        "judge": verdict.judge,
        "holdtrue": verdict.holdtrue,
        "numpy": np.__version__,
        "pyarrow": pa.__version__,
        "files": files,
    }
    write_atomic(out / "manifest.json", json.dumps(told, indent=1) + "\n")
