"""What a person does on the dashboard, for any server that speaks its contract: each takes a page, and an address."""

from typing import Any

from playwright.sync_api import ConsoleMessage, Locator, Page, Request, expect

PATIENCE_MS = 60_000
"""A real model on a small machine takes its time; nothing waits longer than it must."""


class Guard:
    """Notes what no page of this server may do: errors on the console, and requests to somewhere else."""

    def __init__(self, page: Page, base_url: str) -> None:
        self.complaints: list[str] = []
        self._home = base_url
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        page.on("request", self._asked)
        page.on("dialog", lambda dialog: (self.complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        # A violation of the policy is reported to the document, whether or not the console tells of it.
        page.add_init_script(
            "addEventListener('securitypolicyviolation', (e) => console.error('policy', e.violatedDirective))"
        )

    def _said(self, message: ConsoleMessage) -> None:
        # A refused request is the server's word, shown on the page; the browser logs it by itself.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self.complaints.append(f"{message.type}: {message.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self._home, "blob:" + self._home)):
            self.complaints.append(f"request to {request.url}")


def open_page(page: Page, base_url: str) -> None:
    """The page, connected."""
    page.goto(base_url)
    expect(page.locator("#status")).to_have_text("live", timeout=PATIENCE_MS)


def open_session(page: Page, title: str) -> None:
    """A conversation from the list."""
    page.locator(".session-list a", has_text=title).click()
    expect(page.locator("h1")).to_have_text(title)
    expect(page.locator("#drift-table")).to_be_attached()


def start(page: Page, text: str) -> None:
    """A new conversation, answered."""
    page.locator("#new-conversation").click()
    page.get_by_label("Message", exact=True).fill(text)
    page.keyboard.press("Enter")
    finished(page, 1)


def say(page: Page, text: str) -> None:
    """One more message in the open conversation, answered."""
    turn = page.locator(".turn:not(.live)").count() + 1
    page.get_by_label("Message", exact=True).fill(text)
    page.keyboard.press("Enter")
    finished(page, turn)


def finished(page: Page, turn: int) -> None:
    """Wait for a turn to be whole: told by the feed, listed in the table, and free for the next."""
    expect(page.locator(f".turn:not(.live)[data-turn='{turn}']")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_role("button", name="Send")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator("#drift-table tbody tr")).to_have_count(turn)


def drift_table(page: Page) -> list[list[str]]:
    """The drift line as a screen reader finds it."""
    return [row.locator("th, td").all_inner_texts() for row in page.locator("#drift-table tbody tr").all()]


def drift_points(page: Page, drawn: int) -> list[dict[str, Any]]:
    """The points that Vega has drawn, once there are as many."""
    expect(chart(page)).to_have_attribute("data-drawn", str(drawn), timeout=PATIENCE_MS)
    found: list[dict[str, Any]] = chart(page).evaluate(
        "(box) => box.view.data('turns').map(({ turn, value, alarm }) => ({ turn, value, alarm }))"
    )
    return found


def running_point(page: Page) -> float | None:
    """z of the turn in progress, as Vega has drawn it."""
    found: float | None = chart(page).evaluate("(box) => box.view.data('running').at(-1)?.value ?? null")
    return found


def chart(page: Page) -> Locator:
    return page.locator("#drift .chart")


def choose_hold(page: Page, name: str) -> None:
    """Another hold for the open conversation."""
    page.locator(f"[data-hold='{name}']").click()
    expect(page.locator(f"[data-hold='{name}']")).to_have_attribute("aria-checked", "true", timeout=PATIENCE_MS)


def compare(page: Page, text: str, first: str, second: str) -> str:
    """The playground's sentence on one message under two holds."""
    page.get_by_role("link", name="Playground").click()
    page.get_by_label("Hold A").select_option(first)
    page.get_by_label("Hold B").select_option(second)
    page.get_by_label("Message", exact=True).fill(text)
    page.get_by_role("button", name="Ask both").click()
    expect(page.locator(".difference")).not_to_be_empty(timeout=PATIENCE_MS)
    return page.locator(".difference").inner_text()


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until the target has the focus."""
    for _ in range(20):
        page.keyboard.press("Tab")
        if target.evaluate("(element) => element === document.activeElement"):
            return
    expect(target).to_be_focused()


def number(text: str) -> float:
    """A figure as the page writes it."""
    return float(text.replace("−", "-"))
