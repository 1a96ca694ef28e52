"""The review page in a real browser: choices are made, kept, downloaded, and read back as rows to remove."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_audit_verdict import trigger, verdict
from playwright.sync_api import Browser, Page, expect, sync_playwright
from test_report_audit_page import hostile
from test_report_page import browser, outline

from holdtrue.records.audit import AuditVerdict
from holdtrue.records.audit_decisions import read_decisions, rows_to_remove
from holdtrue.report.audit import review_page


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = browser()
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def page(chromium: Browser, tmp_path: Path) -> Iterator[Page]:
    opened = chromium.new_page(viewport={"width": 1280, "height": 900})
    opened.on("pageerror", lambda error: pytest.fail(str(error)))
    show(opened, tmp_path, verdict())
    yield opened
    opened.close()


def show(page: Page, folder: Path, made: AuditVerdict) -> None:
    (folder / "review.html").write_text(review_page(made), encoding="utf-8")
    page.goto((folder / "review.html").as_uri())
    expect(page.locator("html")).to_have_attribute("data-ready", "yes")


def downloaded(page: Page, folder: Path) -> Path:
    with page.expect_download() as found:
        page.click("#download")
    path = folder / "decisions.json"
    found.value.save_as(path)
    return path


def test_choices_by_mouse_come_out_as_decisions(page: Page, tmp_path: Path) -> None:
    first = page.locator("#finding-0")
    first.get_by_label("Poison: its rows go").check()
    first.locator("[data-row='1204']").get_by_label("Keep it").check()
    page.locator("#finding-4").locator("[data-row='51']").get_by_label("Take it out").check()
    page.locator("#finding-3").get_by_label("Harmless: they stay").check()
    expect(page.locator("#count")).to_have_text("2 of 7 findings decided; 14 rows would go.")
    decisions = read_decisions(downloaded(page, tmp_path))
    assert decisions.findings == {0: "accept", 3: "reject"}
    assert decisions.rows == {1204: "reject", 51: "accept"}
    assert rows_to_remove(verdict(), decisions) == (frozenset(range(1203, 1217)) - {1204}) | {51}


def test_keys_decide_and_can_be_switched_off(page: Page) -> None:
    page.keyboard.press("p")  # nothing has the focus: nothing is decided
    expect(page.locator("#count")).to_contain_text("0 of 7")
    for key in "jpjhn":
        page.keyboard.press(key)
    expect(page.locator("#finding-0")).to_have_attribute("data-choice", "accept")
    expect(page.locator("#finding-0 [data-row='1203']")).to_have_attribute("data-choice", "reject")
    expect(page.locator("#finding-1")).to_be_focused()
    expect(page.locator("#count")).to_have_text("1 of 7 findings decided; 13 rows would go.")
    page.keyboard.press("Control+h")
    page.locator("#keys").uncheck()
    page.locator("#finding-1").focus()
    page.keyboard.press("p")
    expect(page.locator("#finding-1")).to_have_attribute("data-choice", "")
    page.locator("#finding-1 > .choice input").first.focus()
    page.keyboard.press("Space")
    expect(page.locator("#finding-1")).to_have_attribute("data-choice", "accept")


def test_a_tilt_called_poison_removes_no_row(page: Page) -> None:
    page.locator("#finding-4 > .choice").get_by_label("Poison").check()
    expect(page.locator("#count")).to_have_text("1 of 7 findings decided; 0 rows would go.")


def test_choices_outlive_the_page_and_belong_to_their_verdict(page: Page, tmp_path: Path) -> None:
    page.locator("#finding-1").get_by_label("Poison: its rows go").check()
    page.reload()
    expect(page.locator("#finding-1")).to_have_attribute("data-choice", "accept")
    kept = downloaded(page, tmp_path)
    show(page, tmp_path, verdict(seed=8))
    expect(page.locator("#count")).to_contain_text("0 of 7")
    page.set_input_files("#load", kept)
    expect(page.locator("#said")).to_have_text("Not loaded: it is about another audit.")
    show(page, tmp_path, verdict())
    page.on("dialog", lambda dialog: dialog.accept())
    page.click("#clear")
    expect(page.locator("#count")).to_contain_text("0 of 7")
    page.set_input_files("#load", kept)
    expect(page.locator("#finding-1")).to_have_attribute("data-choice", "accept")


def test_what_a_stranger_stored_is_taken_only_where_it_makes_sense(page: Page, tmp_path: Path) -> None:
    findings = {"0": "accept", "99": "accept", "__proto__": "accept", "1": "<b>"}
    stored = {"findings": findings, "rows": {"20000": "accept"}}
    page.evaluate(f"localStorage.setItem('holdtrue.audit:{verdict().digest}', {json.dumps(json.dumps(stored))})")
    page.reload()
    expect(page.locator("#count")).to_have_text("1 of 7 findings decided; 14 rows would go.")
    assert read_decisions(downloaded(page, tmp_path)).findings == {0: "accept"}
    page.evaluate(f"localStorage.setItem('holdtrue.audit:{verdict().digest}', 'nonsense')")
    page.reload()
    expect(page.locator("#said")).to_have_text("Earlier choices couldn't be read.")
    expect(page.locator("#count")).to_contain_text("0 of 7")


def test_a_row_of_two_findings_is_one_row(page: Page, tmp_path: Path) -> None:
    both = verdict(findings=(trigger(), trigger(value="lantern")))
    show(page, tmp_path, both)
    page.locator("#finding-1 [data-row='1205']").get_by_label("Take it out").check()
    expect(page.locator("#finding-0 [data-row='1205']").get_by_label("Take it out")).to_be_checked()
    expect(page.locator("#count")).to_have_text("0 of 2 findings decided; 1 row would go.")


def test_every_control_has_a_name_and_the_page_fits_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("[...document.querySelectorAll('input')].every((one) => one.labels.length === 1)")
    assert page.evaluate("[...document.querySelectorAll('fieldset')].every((one) => one.querySelector('legend'))")
    names = page.evaluate("[...new Set([...document.querySelectorAll('[type=radio]')].map((one) => one.name))].length")
    assert names == page.locator("fieldset").count()


def test_hostile_rows_are_only_text(page: Page, tmp_path: Path) -> None:
    made = review_page(hostile())
    seen = outline(made)
    assert len(seen.scripts) == 2
    assert not [row for row in seen.attributes if row[0] == "img" or row[1].startswith("on") or row[1] == "src"]
    assert not set(made) & {"\x00", "\x07", "\x1b", "\u202e", "\u2028"}
    show(page, tmp_path, hostile())
    assert page.title() != "owned"


def test_no_finding_is_nothing_to_decide_and_no_all_clear() -> None:
    made = review_page(verdict("NOTHING_FOUND"))
    assert "There is no finding to decide on. That is no proof that nothing is there" in made
    assert 'id="download"' not in made


def test_rows_that_the_verdict_does_not_name_are_counted() -> None:
    made = review_page(verdict(findings=(trigger(n_rows=52_310),)))
    assert "52,296 of its rows aren&#39;t named" in made or "52,296 of its rows aren't named" in made
