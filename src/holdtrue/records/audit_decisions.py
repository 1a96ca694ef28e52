"""What a person decided about an audit's findings, and which rows go by it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal, TypeAlias

from pydantic import Field

from holdtrue.errors import ArtifactError
from holdtrue.records.audit import AuditVerdict, FindingKind
from holdtrue.records.base import Record, read_capped

__all__ = ["WHOLE_DATASET", "Choice", "Decisions", "read_decisions", "rows_to_remove", "unnamed_rows"]

Choice: TypeAlias = Literal["accept", "reject"]
"""Accept: it is poison, and goes. Reject: it isn't, and stays."""

Number: TypeAlias = Annotated[int, Field(ge=0)]

WHOLE_DATASET: Final[frozenset[FindingKind]] = frozenset({"carrier_words", "projection"})
"""Kinds that hold of the dataset as a whole. Single rows can't be told apart there (at 1 % false alarms, 2 to 8 % of
the poison is found), so that accepting such a finding removes no row: leave the dataset out, or decide row by row."""


class Decisions(Record):
    """`decisions.json`, as the review page writes it."""

    schema_id: ClassVar[str] = "holdtrue.audit-decisions/1"

    verdict: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Digest of the verdict that was looked at."""
    findings: dict[Number, Choice] = Field(default_factory=dict)
    """By place in the verdict's list, from 0; those that aren't here are undecided."""
    rows: dict[Number, Choice] = Field(default_factory=dict)
    """By the row's number in the audit; stronger than what was decided about its findings."""


def read_decisions(path: Path) -> Decisions:
    """Read `decisions.json`.

    Raises:
        ArtifactError: missing, too large, not JSON, or not this record.
    """
    return Decisions.from_json(read_capped(path, "decisions about an audit"), str(path))


def rows_to_remove(verdict: AuditVerdict, decisions: Decisions) -> frozenset[int]:
    """Rows that a person's decisions take out of the dataset.

    `(rows of accepted findings | accepted rows) - rejected rows`. Undecided findings remove nothing, nor do accepted
    ones of a kind in `WHOLE_DATASET`. A row of an accepted and of a rejected finding goes.

    Args:
        verdict: that the decisions are about.
        decisions: of the review page.

    Returns:
        Numbers of rows. A verdict names the first 10,000 of a finding only: see `unnamed_rows`.

    Raises:
        ArtifactError: the decisions are about another verdict, or name a finding or a row that it doesn't have.
    """
    _check(verdict, decisions)
    accepted = {row for at in _removing(verdict, decisions.findings) for row in verdict.findings[at].rows}
    accepted |= {row for row, choice in decisions.rows.items() if choice == "accept"}
    return frozenset(accepted - {row for row, choice in decisions.rows.items() if choice == "reject"})


def unnamed_rows(verdict: AuditVerdict, decisions: Decisions) -> int:
    """How many rows of accepted findings the verdict doesn't name, and which therefore stay.

    Above 0 the exported dataset isn't rid of what was found: audit it again.

    Raises:
        ArtifactError: the decisions don't fit the verdict.
    """
    _check(verdict, decisions)
    accepted = [verdict.findings[at] for at in _removing(verdict, decisions.findings)]
    return sum(max(0, finding.n_rows - len(finding.rows)) for finding in accepted)


def _removing(verdict: AuditVerdict, choices: Mapping[int, Choice]) -> list[int]:
    """Places of accepted findings whose rows go."""
    return [
        at
        for at, choice in sorted(choices.items())
        if choice == "accept" and verdict.findings[at].kind not in WHOLE_DATASET
    ]


def _check(verdict: AuditVerdict, decisions: Decisions) -> None:
    if decisions.verdict != verdict.digest:
        message = (
            f"the decisions are about the verdict {decisions.verdict[:12]}, and this one is {verdict.digest[:12]}; "
            "review this audit's own page, or name the folder of the other one"
        )
        raise ArtifactError(message)
    for what, numbers, n in (
        ("finding", decisions.findings, len(verdict.findings)),
        ("row", decisions.rows, verdict.rows),
    ):
        if wrong := [number for number in numbers if number >= n]:
            known = f"0 to {n - 1}" if n else "none"
            message = f"the decisions name {what} {wrong[0]}; the verdict has {known}; download them again"
            raise ArtifactError(message)
