"""A person's decisions about the findings, carried out: the dataset without what was taken for poison."""

from pathlib import Path

from holdtrue.audit.cleaning import CleanedCard, export_cleaned
from holdtrue.audit.ingest.sources import find_sources
from holdtrue.audit.outputs import AUDIT_ROWS, read_verdict
from holdtrue.audit.rows import Rows
from holdtrue.errors import ArtifactError
from holdtrue.records import write_atomic
from holdtrue.records.audit import AuditVerdict
from holdtrue.records.audit_decisions import read_decisions, rows_to_remove, unnamed_rows
from holdtrue.report.audit import review_page

__all__ = ["apply_review", "write_review"]


def write_review(folder: Path, verdict: AuditVerdict) -> Path:
    """Write the review page of an audit again, and say where it is."""
    path = folder / "review.html"
    write_atomic(path, review_page(verdict))
    return path


def apply_review(folder: Path, decisions: Path, out: Path, dataset: str | None = None) -> tuple[CleanedCard, int]:
    """Export the cleaned dataset and the removed rows.

    Args:
        folder: a finished audit.
        decisions: what the review page wrote.
        out: folder for both.
        dataset: where the dataset lies now; where it lay then if not said.

    Returns:
        What was written, and how many rows of accepted findings stay because the verdict doesn't name them.

    Raises:
        ArtifactError: no verdict, decisions about another one, or a dataset that has changed.
    """
    verdict = read_verdict(folder)
    decided = read_decisions(decisions)
    remove = rows_to_remove(verdict, decided)
    named = [frozenset(found.rows) for found in verdict.findings]
    reasons = {row: [at for at, rows_of in enumerate(named) if row in rows_of] for row in remove}
    rows = Rows(folder / AUDIT_ROWS / "suspect")
    try:
        find_sources(dataset or verdict.dataset)
    except ArtifactError as error:
        message = f"{error}; if the dataset was moved, name its place by --dataset"
        raise ArtifactError(message) from None
    card = export_cleaned(rows, dataset or verdict.dataset, remove, out, reasons=reasons)
    return card, unnamed_rows(verdict, decided)
