"""A browser that is on the machine, and the stand-in server."""

import shutil
from collections.abc import Iterator

import pytest
from dashboard_flows import Guard
from dashboard_stand_in import StandIn
from playwright.sync_api import Browser, Page, sync_playwright


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A Chromium found on PATH; none is ever downloaded.

    For one module: while it runs, playwright keeps an event loop going, under which others can't start theirs.
    """
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for path in map(shutil.which, names) if path), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(names)} is on PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    server = StandIn()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def tab(chromium: Browser, stand_in: StandIn) -> Iterator[Page]:
    """A page that must stay within its origin and its policy; what it complained of fails the test."""
    context = chromium.new_context(viewport={"width": 1280, "height": 860})
    page = context.new_page()
    guard = Guard(page, stand_in.url)
    yield page
    context.close()
    assert guard.complaints == []
