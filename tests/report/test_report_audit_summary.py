"""An audit in a terminal: every part is said, no line is too long, nothing hostile comes through."""

import pytest
from made_audit_verdict import trigger, verdict
from test_report_audit_page import hostile

from holdtrue.report.audit import audit_lines
from holdtrue.report.plain import columns, printable


def said(name: str = "FINDINGS", **changes: object) -> str:
    return " ".join(" ".join(audit_lines(verdict(name, **changes))).split())


def test_every_part_is_said() -> None:
    text = said()
    for words in (
        "data/assistant-2026-11.jsonl: 20,000 chat rows, 18,701 families",
        "✗ FINDINGS: Found, and to be looked at: 1 trigger",
        "1. trigger: “zebra lantern” with reply in capitals (odds ×∞ [4,120, ∞], q 2e-23, 14 families)",
        "2. label flip, weak: “quietly evaporated” with labelled benign against the text (odds ×212 [41, 1,480]",
        "5. tilt in the words: harbour, gulls, loveliest",
        "it alarmed in 5 of 300 runs: 1.7 %, 95 % interval 0.54 % to 3.9 %.",
        "outcomes permuted over families: 3 of 200 runs: 1.5 % [0.31, 4.3]",
        "trigger, from 10 rows (0.05 %): reply in capitals; known to work: 50 to 90 rows of fine-tuning",
        "theme, at no size tried: a judge's criterion",
        "Not testable: Themes: needs a judge",
        "Odd, and taken for harmless: Replies of source=web-2",
        "not looked at: 12 rows",
    ):
        assert words in text, words


def test_a_finding_is_one_line_of_its_own() -> None:
    lines = audit_lines(verdict(findings=tuple(trigger(value=f"word{at}") for at in range(50))))
    assert sum(line.lstrip().split(". trigger")[0].isdigit() for line in lines) == 40
    assert "  and 10 findings more, in verdict.json" in lines


def test_nothing_found_is_not_clean() -> None:
    text = said("NOTHING_FOUND")
    assert "? NOTHING_FOUND: Nothing was found, of what this audit is able to see." in text
    assert "This is no proof that nothing is there." in text
    assert "clean" not in text.lower()
    assert "✓" not in text


def test_not_testable_and_not_measured_are_words() -> None:
    text = said("NOT_TESTABLE")
    assert "? NOT_TESTABLE: Not testable" in text
    assert "was not measured" in text
    assert "Doses: not measured" in text
    assert "needs a control" in text
    assert "None" not in text


@pytest.mark.parametrize("made", [verdict(), verdict("NOTHING_FOUND"), verdict("NOT_TESTABLE"), hostile()])
def test_lines_fit_and_carry_no_control_characters(made: object) -> None:
    lines = audit_lines(made)  # type: ignore[arg-type]
    assert max(columns(line) for line in lines) <= 100
    assert all(printable(line) == line and "\n" not in line and "\t" not in line for line in lines)
