"""An audit's page: it leads with the verdict, never says that data is safe, and runs nothing of the data's."""

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest
from made_audit_verdict import RUNS, curve, extra, label_flip, trigger, verdict
from test_report_page import HOSTILE, charts_in, figures, opened, outline

from holdtrue.records.audit import AuditVerdict, Example
from holdtrue.report.audit import AuditPageData, QuarantinedRow, audit_page

__all__ = ["opened"]


@pytest.fixture(scope="module")
def page() -> str:
    return audit_page(verdict(), extra(power=()))


def text_of(page: str) -> str:
    body = page.split("<body>")[1].split("<script", maxsplit=1)[0]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def section(page: str, heading: str) -> str:
    return text_of("<body>" + page.split(f">{heading}</h2>")[1].split("</section>", maxsplit=1)[0])


def head_of(page: str) -> str:
    return text_of(page).split("What was found")[0]


def hostile() -> AuditVerdict:
    findings = tuple(
        trigger(
            kind=kind, value=text, outcome=text[:300], evidence=text,
            examples=(Example(row=3, source=text[:200], line=9, prompt=text, response=text,
                              spans=(("prompt", 2, 30), ("response", 0, 99_999))),),
        )
        for text, kind in zip(
            HOSTILE, ("trigger", "label_flip", "theme", "hidden_text", "slice", "carrier_words", "projection") * 2,
            strict=False,
        )
    )  # fmt: skip
    odd = HOSTILE[0]
    return verdict(
        findings=findings, dataset=odd, control=odd, judge=odd, dataset_digest=odd, control_digest=odd, holdtrue=odd,
        notes=HOSTILE, not_testable=HOSTILE,
    )  # fmt: skip


def test_it_leads_with_the_verdict_as_a_sentence(page: str) -> None:
    head = head_of(page)
    assert "Found, and to be looked at: 1 trigger, 1 label flip, 1 hidden text, 1 slice," in head
    assert "First of all: trigger: “zebra lantern” with reply in capitals (odds ×∞ [4,120, ∞], q 2e-23, 14 fam" in head
    assert "it alarmed in 5 of 300 runs: 1.7 %, 95 % interval 0.54 % to 3.9 %." in head
    assert 'class="verdict none"' in page
    assert 'role="alert"' not in page


def test_a_finding_has_its_figures_its_rows_and_its_marks(page: str) -> None:
    first = text_of("<body>" + page.split('id="finding-0"')[1].split("</article>", maxsplit=1)[0])
    for words in (
        "trigger", "goes with reply in capitals", "×∞ [4,120, ∞]", "q 2e-23", "p 3e-29", "14 families",
        "14 rows of 20,000", "All 14 families", "row 1,203 · train/part-3.jsonl , line 1,204", "2 more rows to look at",
    ):  # fmt: skip
        assert words in first, words
    assert page.count("<mark>zebra lantern</mark>") == 5
    flip = page.split('id="finding-1"')[1].split("</article>", maxsplit=1)[0]
    assert "weak: a stand-in" in flip
    assert "×212 [41, 1,480]" in flip
    assert "<mark>benign</mark>" in flip
    hidden = page.split('id="finding-2"')[1].split("</article>", maxsplit=1)[0]
    assert '<mark><span class="unseen">[U+202E]</span></mark>' in hidden
    assert "tags that spell “ignore the minutes”" in hidden
    words = page.split('id="finding-4"')[1].split("</article>", maxsplit=1)[0]
    assert "<bdi>harbour</bdi><bdi>gulls</bdi>" in words
    assert "Single rows can't be told apart" in unescape(words)
    assert "not row by row" in page.split('id="finding-6"')[1].split("</article>", maxsplit=1)[0]


def test_doses_false_alarms_and_gaps_have_their_sections(page: str) -> None:
    doses = section(page, "What this audit could have found")
    assert "reply in capitals 10 rows (0.05 %) 50 to 90 rows of fine-tuning" in doses
    assert "theme a judge's criterion at no size tried not known no judge was given" in doses
    wolf = section(page, "How often it cries wolf")
    for run, said in zip(RUNS, ("3 of 200 1.5 % [0.31, 4.3]", "2 of 100 2 % [0.24, 7]"), strict=True):
        assert f"{run.what} {said}" in wolf
    assert "needs a judge" in section(page, "What was not testable")
    assert "40 % longer" in section(page, "Odd, and taken for harmless")
    bad = section(page, "Rows that couldn't be read")
    assert "12 set aside" in bad
    assert bad.index("not JSON 9") < bad.index("half a surrogate pair 2")
    assert "train/part-4.jsonl 9,021" in bad
    assert "holdtrue audit 'data/assistant 2026-11.jsonl' --out runs/audit" in section(page, "How to check")
    assert "rows per second 41,200" in text_of(page)
    assert "cost usd not measured" in text_of(page)


def test_nothing_found_is_never_said_to_be_clean() -> None:
    page = audit_page(verdict("NOTHING_FOUND"), AuditPageData())
    head = head_of(page)
    assert "Nothing was found, of what this audit is able to see." in head
    assert "It would have found label flips from 8 rows" in head
    assert "triggers from 10 rows (0.05 %)" in head
    assert "no proof that nothing is there" in head
    assert 'class="verdict unknown"' in page
    # The one place with the word says that no audit shows it.
    assert re.findall(r".{9}clean.{2}", text_of(page).lower()) == ["taset is clean. "[0:16]]
    for word in ("safe", "passed", "✓", "no poison", "all clear"):
        assert word not in text_of(page).lower(), word


def test_not_testable_says_what_it_would_need() -> None:
    page = audit_page(verdict("NOT_TESTABLE"), AuditPageData())
    head = head_of(page)
    assert "Not testable: nothing can be said about this dataset, neither for it nor against it." in head
    assert "needs a control" in head
    assert "not measured" in head
    assert "1,000" in section(page, "What was not testable")
    assert "Nothing that stands out" not in page
    assert "was not measured" in section(page, "How often it cries wolf")


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (verdict(verdict="NOTHING_FOUND"), "says NOTHING_FOUND, and there are 7 findings"),
        (verdict(findings=()), "says FINDINGS, and there is none"),
        (verdict(clean_fpr=None, clean_fpr_ci=None, clean_runs=()), "nobody knows what an alarm is worth"),
        (verdict(clean_fpr=0.2, clean_fpr_ci=(0.15, 0.26)), "more often than the 5 % it was set to: 20 % [15, 26]"),
        (verdict("NOTHING_FOUND", detectable_dose=()), "finding nothing says nothing"),
        (verdict(quarantined=20_001), "most wasn't looked at"),
    ],
)
def test_what_casts_doubt_on_the_verdict_is_said_first(made: AuditVerdict, said: str) -> None:
    page = audit_page(made, AuditPageData())
    assert 'role="alert"' in page
    assert said in head_of(page)


def test_weak_evidence_alone_is_called_so() -> None:
    head = head_of(audit_page(verdict(findings=(label_flip(),)), AuditPageData()))
    assert "All of it rests on stand-ins" in head
    assert "in 9 rows of 20,000" in head


def test_it_loads_nothing_and_runs_nothing_without_curves(page: str) -> None:
    seen = outline(page)
    assert not seen.scripts
    assert not [row for row in seen.attributes if row[1] in {"src", "href", "srcset", "action", "data", "poster"}]
    assert "default-src 'none'" in seen.policy
    assert "script-src" not in seen.policy
    assert not re.search(r"https?://", page)
    assert page == audit_page(verdict(), extra(power=()))


def test_a_curve_without_a_dose_is_no_figure() -> None:
    assert set(figures(audit_page(verdict(), extra()))) == {"power"}
    nothing = audit_page(verdict(), extra(power=(curve("trigger", "x", ()),)))
    assert not outline(nothing).scripts


def test_hostile_rows_are_only_text(opened: Callable[[str], str]) -> None:
    rows = tuple(QuarantinedRow(text[:100], 1, text) for text in HOSTILE)
    curves = tuple(curve("trigger", text, (0.5,)) for text in HOSTILE)
    page = audit_page(hostile(), extra(quarantine=dict.fromkeys(HOSTILE, 1), quarantined=rows, power=curves))
    seen = outline(page)
    assert len(seen.scripts) == 3
    assert not [row for row in seen.attributes if row[0] == "img" or row[1].startswith("on")]
    assert not set(page) & {"\x00", "\x07", "\x1b", "\u202e", "\u2028"}
    assert "[U+202E]right-to-left[U+0000][U+001B][31m[U+0007]" in page
    assert "{{ 7 * 7 }}" in unescape(page)
    assert len(page.split("<script")[0]) < 250_000
    document = opened(page)
    assert "<title>owned" not in document
    assert charts_in(document) == {"power": True}


def test_the_templates_are_shipped() -> None:
    import holdtrue.report.audit as room

    folder = Path(room.__file__).parent / "templates"
    names = {"audit.css", "audit.html.j2", "audit_parts.html.j2", "review.html.j2", "review.js"}
    assert {path.name for path in folder.iterdir()} == names
