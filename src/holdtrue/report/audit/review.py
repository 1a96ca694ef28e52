"""The page on which a person decides what is poison."""

from functools import cache
from pathlib import Path
from typing import Final

from holdtrue.records.audit import AuditVerdict
from holdtrue.records.audit_decisions import WHOLE_DATASET
from holdtrue.report.audit.findings import finding_views
from holdtrue.report.audit.page import css, environment
from holdtrue.report.audit.shown import visible
from holdtrue.report.audit.words import ANSWERS
from holdtrue.report.plain import plain
from holdtrue.report.shell import inert_json, own_markup, policy

__all__ = ["review_page"]

_OWN: Final = Path(__file__).parent / "templates"


def review_page(verdict: AuditVerdict) -> str:
    """The review queue: every finding with its rows, each to be taken for poison or for harmless.

    The page is one file that loads nothing and sends nothing. Choices are kept in the browser under the verdict's
    digest, and leave it as `decisions.json`, which `holdtrue.records.audit_decisions` reads.

    Args:
        verdict: of the audit. Its texts come from the dataset and are taken for hostile.

    Returns:
        HTML text, for a file in UTF-8; the same for the same input.
    """
    driver = _driver()
    facts = {
        "verdict": verdict.digest,
        "rows": verdict.rows,
        "findings": [{"rows": () if one.kind in WHOLE_DATASET else one.rows} for one in verdict.findings],
    }
    return (
        environment()
        .get_template("review.html.j2")
        .render(
            title=f"holdtrue: a review of {plain(verdict.dataset, 100)}",
            heading=visible(verdict.dataset, 200),
            findings=finding_views(verdict),
            answer=ANSWERS[verdict.kind],
            digest=verdict.digest,
            policy=policy(driver),
            css=own_markup(css()),
            facts=own_markup(inert_json(facts)),
            driver=own_markup(driver),
        )
    )


@cache
def _driver() -> str:
    return (_OWN / "review.js").read_text(encoding="utf-8")
