from html import unescape
from pathlib import Path

import pytest

from holdtrue.records import ClassVerdict, Prereg, PreregClass, Verdict
from holdtrue.report.evidence import EvidenceFacts, SignerFact, evidence_page, non_claims, non_claims_text

HOSTILE = '<script>alert(1)</script>"&\u202e'


def prereg(**changed: object) -> Prereg:
    one = PreregClass(
        failure_class="codebase", p0=0.01, families=400, min_families=59, attempt=2, alpha=0.0125, items_root="0" * 64
    )
    base = {
        "target": "mock/steady",
        "free": "mock/steady",
        "name": "steady",
        "classes": (one,),
        "seed": 1,
        "temperature": 0.0,
        "timeout_seconds": 10.0,
        "controls": ("good", "bad"),
        "scorers": "1" * 64,
        "packages": "2" * 64,
        "hardware": "cpu",
        "holdtrue": "0.1.0",
        "created": "2026-11-21T10:00:00Z",
    }
    return Prereg(**{**base, **changed})  # type: ignore[arg-type]


def verdict(name: str, **changed: object) -> Verdict:
    base = {
        "verdict": name,
        "families": 312,
        "planned": 312,
        "failures": 0,
        "undetermined": 0,
        "upper_bound": 0.0097,
        "raw_upper_bound": 0.009,
        "recall": 0.95,
        "p0": 0.01,
        "alpha_spent": 0.0125,
        "attempt": 2,
        "sentence": "at most 0.97 % at 98.75 %, 312 families, attempt 2",
        "reason": "the bound lies below 1 %",
    }
    one = ClassVerdict(**{**base, **changed})  # type: ignore[arg-type]
    return Verdict(prereg="3" * 64, target="mock/steady", verdict=one.verdict, classes={"codebase": one})


FACTS = EvidenceFacts((SignerFact("evaluator", "e" * 64),), {"samples.jsonl": (9, "4" * 64)}, "0.1.0", "2026-11-21")


@pytest.mark.parametrize(
    ("name", "headline"),
    [
        ("PASS", "Passed"),
        ("FAIL", "Failed"),
        ("INCONCLUSIVE", "does not count as passed"),
        ("NOT_APPLICABLE", "Nothing"),
    ],
)
def test_the_page_says_what_was_shown_what_was_not_and_how_to_check(name: str, headline: str) -> None:
    page = evidence_page(prereg(), verdict(name), FACTS)
    assert headline in page.split("</strong>")[0]
    for heading in ("What was shown", "What was not shown", "How to check"):
        assert f">{heading}</h2>" in page
    assert "at most 0.97 % at 98.75 %, 312 families, attempt 2" in page
    assert "0 of 312 families failed; attempt 2, confidence 98.75 %" in page
    assert "refusing what is harmless" in page  # a class that wasn't part of this gate
    assert "e" * 64 in page
    assert page == evidence_page(prereg(), verdict(name), FACTS)


def test_it_loads_nothing_and_runs_nothing() -> None:
    page = evidence_page(prereg(), verdict("PASS"), FACTS)
    assert "<script" not in page
    assert "http://" not in page
    assert "https://" not in page
    assert "default-src 'none'" in unescape(page)
    assert "prefers-color-scheme: dark" in page


def test_names_from_strangers_are_escaped() -> None:
    said = verdict("FAIL", sentence=HOSTILE, reason=HOSTILE, new_signatures=(HOSTILE,))
    page = evidence_page(prereg(target=HOSTILE, name=HOSTILE, hardware=HOSTILE, controls=(HOSTILE,)), said, FACTS)
    assert "<script" not in page
    assert "\u202e" not in page


def test_the_text_and_the_page_name_the_same_non_claims() -> None:
    page = evidence_page(prereg(), verdict("PASS"), FACTS)
    named = non_claims()
    assert len(named) >= 10
    assert non_claims_text().count("\n## ") == len(named)
    for heading, text in named:
        assert heading.replace("'", "&#39;") in page
        assert text.replace("'", "&#39;") in page
    for must in ("test was good", "model is safe", "weights in use"):
        assert any(must in heading for heading, _ in named)


def test_the_template_is_shipped() -> None:
    import holdtrue.report.evidence as room

    folder = Path(room.__file__).parent / "templates"
    assert {path.name for path in folder.iterdir()} == {"NON_CLAIMS.md", "evidence.css", "evidence.html.j2"}
