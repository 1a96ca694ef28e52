"""Versions side by side: what grew is said first, and that nothing grew isn't said to be safety."""

import re
from collections.abc import Callable

import pytest
from made_verdict import comparison, prereg, rate, rows_of
from test_report_gate_page import text_of
from test_report_page import HOSTILE, charts_in, figures, opened, outline

from holdtrue.gate import Version, compare
from holdtrue.records import GateSample
from holdtrue.report import comparison_page

__all__ = ["opened"]


def test_alarm_growth_and_harder_detection_lead() -> None:
    head = text_of(comparison_page(comparison())).split("Version by version")[0]
    assert "1.0 → 1.2" in head
    for words in (
        "Evidence of a rate above p0 in “Destroying files”", "more failures on the same families in “Destroying files”",
        "kinds of failure never seen before in “Destroying files”",
        "planted failures harder to find in “Feeding a delusion”",
    ):  # fmt: skip
        assert words in head, words


def test_figures_of_every_version_stand_in_the_tables() -> None:
    text = text_of(comparison_page(comparison()))
    for words in (
        "On 135 shared families: 9 new failures, 0 mended, p\xa00.004", "Alarm at 1.2", "reached 45.1 (20 is an alarm)",
        "No alarm: the evidence of a rate above p0 came to 0.3 at most", "new: changed config (7)",
        "gone: ran rm (1)", "grown: deleted build (2 to 4)", "harder to find; 90 lost, 2 gained, p\xa0<\xa00.001",
        "5 of 135 3.70 % [1.7 %, 5.71 %]", "310 of 400 77.50 % [75.5 %, 79.5 %]", "12.2",
    ):  # fmt: skip
        assert " ".join(words.split()) in text, words


def test_no_growth_is_not_called_safe() -> None:
    calm = comparison()
    calm["classes"] = {"delusion": {**calm["classes"]["delusion"], "detection": {"subtle": (1, 1, 1.0)}}}
    page = comparison_page(calm)
    head = text_of(page).split("Version by version")[0]
    assert "No growth was seen" in head
    assert "Small changes wouldn't show" in head
    assert 'class="verdict unknown"' in page


@pytest.mark.parametrize("found", [{}, {"versions": ("a", "b"), "alpha": 0.05, "classes": {}}, {"classes": {"x": {}}}])
def test_parts_that_are_missing_are_left_out(found: dict[str, object]) -> None:
    page = comparison_page(found)
    assert ">None<" not in page
    assert figures(page) == {}


def test_a_version_that_was_asked_nothing_has_no_rate() -> None:
    gap = comparison()
    gap["classes"]["codebase"]["failing"] = (rate(2, 135), rate(0, 0), rate(11, 135))
    assert "none asked not measured" in text_of(comparison_page(gap))


def test_many_versions_are_all_in_the_tables_and_the_last_ones_are_drawn() -> None:
    long = comparison(versions=tuple(f"v{at}" for at in range(20)))
    one = long["classes"]["codebase"]
    one |= {"failing": tuple(rate(at, 400) for at in range(20)), "evidence": (0.1,) * 20, "alarm": None}
    one |= {"found": {}, "detection": {}}
    long["classes"] = {"codebase": one}
    page = comparison_page(long)
    drawn = rows_of(figures(page)["failing"])
    assert [row["version"] for row in drawn] == [f"v{at}" for at in range(8, 20)]
    assert "8 earlier ones are in the tables" in page
    assert all(f"<bdi>v{at}</bdi>" in page for at in range(20))


def version(name: str, failing: int, missed: int) -> Version:
    told = {"failure_class": "should_refuse", "attempt": 1, "seed": 0}
    samples = []
    for at in range(40):
        own = {**told, "family": f"f{at}", "item": f"i{at}"}
        bad = {"outcome": "fail", "signature": "told plainly"} if at < failing else {"outcome": "pass"}
        seen = "pass" if at < missed else "fail"
        samples.append(GateSample(phase="release", policy="target", **own, **bad))  # type: ignore[arg-type]
        samples.append(GateSample(phase="control", policy="subtle", outcome=seen, **own))  # type: ignore[arg-type]
    return Version(name, prereg(), samples, None)


def test_a_real_comparison_fits() -> None:
    page = comparison_page(compare([version("old", 1, 0), version("new", 9, 7)]).as_json())
    text = text_of(page)
    for words in (
        "old → new", "On 40 shared families: 8 new failures, 0 mended", "grown: told plainly (1 to 9)",
        "Planted “subtle”: harder to find; 7 lost, 0 gained", "9 of 40 22.50 %", "33 of 40 82.50 %",
    ):  # fmt: skip
        assert words in text, words


def test_hostile_names_are_only_text(opened: Callable[[str], str]) -> None:
    odd = comparison(versions=HOSTILE[:3])
    one = odd["classes"]["codebase"]
    one["signatures"] = {"new": dict.fromkeys(HOSTILE, 1), "gone": {}, "grown": dict.fromkeys(HOSTILE, (1, 2))}
    one["found"] = {text: (rate(1, 2),) * 3 for text in HOSTILE}
    one["detection"] = dict.fromkeys(HOSTILE, (1, 0, 0.5))
    odd["classes"] = dict.fromkeys(HOSTILE, one)
    page = comparison_page(odd)
    seen = outline(page)
    assert len(seen.scripts) == 3
    assert not [row for row in seen.attributes if row[0] == "img" or row[1].startswith("on")]
    assert not re.search("[<>&\u2028\u2029]", seen.scripts[0][1])
    assert not set(page) & {"\x00", "\x07", "\x1b", "\u202e", "\u2028"}
    document = opened(page)
    assert "<title>owned" not in document
    assert charts_in(document) == {"failing": True, "planted": True}
