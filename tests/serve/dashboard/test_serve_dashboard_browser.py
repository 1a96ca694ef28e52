"""The dashboard in a real browser, over a server whose every answer is known."""

import dashboard_flows as do
import pytest
from dashboard_stand_in import Z_BY_TURN, StandIn
from playwright.sync_api import Browser, Page, expect

TITLE = "What do you dream of?"


def patches(stand_in: StandIn) -> list[object]:
    return [body for method, _, body in stand_in.seen if method == "PATCH"]


def test_talking_moves_the_line_until_the_alarm_rings(tab: Page, stand_in: StandIn):
    stand_in.info["hold"] = "free"
    do.open_page(tab, stand_in.url)
    expect(tab.locator("#session-list")).to_contain_text("No conversations yet")
    do.start(tab, TITLE)
    expect(tab.locator("h1")).to_have_text(TITLE)
    for turn in range(2, 6):
        do.say(tab, f"And then? {turn}")
    assert tab.locator(".alarm-line").is_hidden()
    do.say(tab, "And then? 6")

    expect(tab.locator(".alarm-line")).to_contain_text("The drift alarm stands. It first rang at turn 6; the last")
    expect(tab.locator("#announce")).to_have_text(f"Drift alarm in {TITLE}, turn 6, z −2.58.")
    expect(tab.locator(".session-list .alarm-mark")).to_have_text("alarm")
    rows = do.drift_table(tab)
    assert [do.number(row[1]) for row in rows] == [round(z, 2) for z in Z_BY_TURN[:6]]
    assert [row[5] for row in rows] == ["no"] * 5 + ["alarm"]
    points = do.drift_points(tab, 6)
    assert [point["value"] for point in points] == pytest.approx(Z_BY_TURN[:6])
    assert [point["alarm"] for point in points] == [False] * 5 + [True]
    asked = [body for method, _, body in stand_in.seen if method == "POST"]
    assert [message["role"] for message in asked[2]["messages"]] == ["user", "assistant"] * 2 + ["user"]
    assert len({body["holdtrue"]["session"] for body in asked}) == 1


def test_turn_in_progress_is_shown_as_it_is_read(tab: Page, stand_in: StandIn):
    stand_in.plant("s", TITLE, 3, "free")
    do.open_page(tab, stand_in.url)
    do.open_session(tab, TITLE)
    assert len(do.drift_points(tab, 3)) == 3
    assert do.running_point(tab) is None
    stand_in.gate.clear()
    tab.get_by_label("Message", exact=True).fill("Go on")
    tab.keyboard.press("Enter")
    live = tab.locator(".turn.live")
    expect(live.locator(".token")).to_have_count(29)
    expect(live).to_contain_text("Go on")
    expect(tab.locator("#drift-table tbody tr").last).to_contain_text("4, in progress")
    half_way = do.number(live.locator(".figure b").inner_text())
    assert do.running_point(tab) == pytest.approx(half_way, abs=0.006)
    expect(tab.locator(".session-list .meta").first).to_contain_text("answering")
    stand_in.gate.set()
    do.finished(tab, 4)
    assert do.drift_points(tab, 4)[-1]["value"] == pytest.approx(Z_BY_TURN[3])
    assert do.running_point(tab) is None


def test_a_first_answer_can_be_stopped_after_its_page_has_opened(tab: Page, stand_in: StandIn):
    do.open_page(tab, stand_in.url)
    tab.locator("#new-conversation").click()
    stand_in.gate.clear()
    tab.get_by_label("Message", exact=True).fill(TITLE)
    tab.keyboard.press("Enter")
    expect(tab.locator("h1")).to_have_text(TITLE)
    expect(tab.locator(".turn.live .token").nth(5)).to_be_visible()
    tab.get_by_role("button", name="Stop").click()
    expect(tab.locator(".turn.failed .state")).to_have_text("stopped")
    expect(tab.get_by_role("button", name="Send")).to_be_visible()


def test_another_clients_answer_appears_by_itself(tab: Page, stand_in: StandIn):
    stand_in.plant("s", TITLE, 1)
    do.open_page(tab, stand_in.url)
    do.open_session(tab, TITLE)
    body = {"messages": [{"role": "user", "content": "From a script"}], "holdtrue": {"session": "s"}}
    tab.request.post(f"{stand_in.url}/v1/chat/completions", data=body)
    expect(tab.locator(".turn:not(.live)")).to_have_count(2)
    expect(tab.locator(".turn").last).to_contain_text("From a script")


def test_switching_the_hold_is_asked_of_the_server_and_marked(tab: Page, stand_in: StandIn):
    stand_in.plant("s", TITLE, 2, "free")
    do.open_page(tab, stand_in.url)
    do.open_session(tab, TITLE)
    expect(tab.locator("[data-hold=gentle]")).to_contain_text("Fires on 5.2 % of benign tokens (nominal 5 %).")
    do.choose_hold(tab, "firm")
    expect(tab.locator("[data-hold=firm]")).to_be_focused()
    assert patches(stand_in) == [{"hold": "firm"}]
    expect(tab.locator("[data-hold=free]")).to_have_attribute("aria-checked", "false")
    expect(tab.locator(".panel .note[role=status]")).to_have_text("firm holds from the next answer on.")
    expect(tab.locator(".session-list .meta").first).to_contain_text("firm")
    do.say(tab, "And now?")
    assert [row[3] for row in do.drift_table(tab)] == ["free", "free", "firm"]
    do.drift_points(tab, 3)
    assert do.chart(tab).evaluate("(box) => box.view.data('changes').map((row) => row.hold)") == ["firm"]


def test_hold_is_locked_with_its_reason(tab: Page, stand_in: StandIn):
    stand_in.info["client_holds"] = False
    stand_in.plant("s", TITLE, 1)
    do.open_page(tab, stand_in.url)
    do.open_session(tab, TITLE)
    expect(tab.locator("#hold-locked")).to_contain_text("clients may not change it")
    tab.locator("[data-hold=firm]").click(force=True)
    expect(tab.locator("[data-hold=gentle]")).to_have_attribute("aria-checked", "true")
    assert patches(stand_in) == []
    tab.get_by_role("link", name="Playground").click()
    expect(tab.get_by_role("button", name="Ask both")).to_be_disabled()


def test_keyboard_alone_opens_talks_and_switches(tab: Page, stand_in: StandIn):
    stand_in.plant("a", "The first", 1)
    stand_in.plant("b", "The second", 1)
    do.open_page(tab, stand_in.url)
    tab.keyboard.press("Tab")
    expect(tab.locator("#skip")).to_be_focused()
    do.tab_to(tab, tab.locator(".session-list a").first)
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Enter")
    expect(tab.locator("h1")).to_have_text("The first")
    do.tab_to(tab, tab.get_by_role("button", name="Export"))
    do.tab_to(tab, tab.locator("[data-hold=gentle]"))
    tab.keyboard.press("ArrowDown")
    expect(tab.locator("[data-hold=firm]")).to_be_focused()
    assert patches(stand_in) == []
    tab.keyboard.press("Enter")
    expect(tab.locator("[data-hold=firm]")).to_have_attribute("aria-checked", "true")
    expect(tab.locator("[data-hold=firm]")).to_be_focused()
    assert patches(stand_in) == [{"hold": "firm"}]
    do.tab_to(tab, tab.locator(".token").first)
    tab.keyboard.press("ArrowRight")
    expect(tab.locator("#readout")).to_contain_text("can")
    expect(tab.locator("#readout")).to_contain_text("projection")
    do.tab_to(tab, tab.get_by_label("Message", exact=True))
    tab.keyboard.type("Without a mouse")
    tab.keyboard.press("Enter")
    do.finished(tab, 2)
    expect(tab.locator(".turn").last).to_contain_text("Without a mouse")


def test_playground_sets_two_holds_side_by_side(tab: Page, stand_in: StandIn):
    do.open_page(tab, stand_in.url)
    sentence = do.compare(tab, "What are you?", "free", "firm")
    assert sentence == "firm stands 1.90 sd above free (z +2.52 against +0.62)."
    asked = [body for method, _, body in stand_in.seen if method == "POST"]
    assert sorted(body["holdtrue"]["hold"] for body in asked) == ["firm", "free"]
    assert all(body["holdtrue"]["tokens"] and body["stream"] for body in asked)
    assert asked[0]["seed"] == asked[1]["seed"]
    for side in tab.locator(".side").all():
        expect(side.locator(".token")).to_have_count(57)


def test_hostile_text_stays_text(tab: Page, stand_in: StandIn):
    stand_in.plant("x", "<img src=x onerror=alert(1)> \u202etxet\u0007", 1)
    stand_in.sessions["x"]["turns"][0]["tokens"][0]["text"] = "<script>alert(2)</script>\u2066"
    stand_in.sessions["x"]["turns"][0]["user"] = "<b onmouseover=alert(3)>bold</b>"
    stand_in.info["warnings"] = ["<iframe src=//example.org>"]
    do.open_page(tab, stand_in.url)
    do.open_session(tab, "<img src=x onerror=alert(1)> txet")
    expect(tab.locator(".turn .token").first).to_have_text("<script>alert(2)</script>")
    expect(tab.locator(".asked .said")).to_have_text("<b onmouseover=alert(3)>bold</b>")
    expect(tab.locator(".warnings li")).to_have_text("<iframe src=//example.org>")
    assert tab.locator("main img, main script, main b[onmouseover], iframe").count() == 0
    assert not {"\u202e", "\u2066", "\u0007"} & set(tab.locator("body").inner_text())


def test_page_itself_cannot_parse_markup(chromium: Browser, stand_in: StandIn):
    page = chromium.new_page()
    page.goto(stand_in.url)
    expect(page.locator("#status")).to_have_text("live")
    attempt = "document.createElement('p').innerHTML = '<b>x</b>'; return 'parsed'"
    assert page.evaluate(f"() => {{ try {{ {attempt} }} catch {{ return 'refused' }} }}") == "refused"
    page.close()


def test_reader_and_warnings_are_said_out_loud(tab: Page, stand_in: StandIn):
    stand_in.info |= {"reader": "SmolLM2-135M", "warnings": ["The axis separates roles poorly."]}
    do.open_page(tab, stand_in.url)
    expect(tab.locator(".notice.reader")).to_have_text(
        "Readings are of the text by SmolLM2-135M, not of the model's own state."
    )
    expect(tab.locator(".notice.warnings")).to_contain_text("The axis separates roles poorly.")
    expect(tab.locator("#warned")).to_have_text("1 warning")


def test_uncalibrated_server_shows_projections_and_no_tint(tab: Page, stand_in: StandIn):
    stand_in.plant("s", TITLE, 3)
    stand_in.info["calibration"] = None
    for turn in stand_in.sessions["s"]["turns"]:
        turn["z"] = None
    do.open_page(tab, stand_in.url)
    do.open_session(tab, TITLE)
    projections = [turn["projection"] for turn in stand_in.sessions["s"]["turns"]]
    assert [point["value"] for point in do.drift_points(tab, 3)] == pytest.approx(projections)
    assert [row[1] for row in do.drift_table(tab)] == ["not measured"] * 3
    expect(tab.locator(".legend")).to_contain_text("Not calibrated")
    assert tab.locator(".said .token:not(.t3)").count() == 0


def test_text_that_is_not_kept_is_said_to_be_missing(tab: Page, stand_in: StandIn):
    stand_in.plant("s-without-text", None, 1)
    stand_in.sessions["s-without-text"]["turns"][0] |= {"user": None, "answer": None, "tokens": []}
    do.open_page(tab, stand_in.url)
    do.open_session(tab, "s-without-text")
    expect(tab.locator(".said.absent")).to_have_text("This server doesn't keep text.")


def test_tint_can_be_turned_off(tab: Page, stand_in: StandIn):
    stand_in.plant("s", TITLE, 1)
    do.open_page(tab, stand_in.url)
    do.open_session(tab, TITLE)
    token = tab.locator(".said .token:not(.t3)").first
    colour = "(token) => getComputedStyle(token).backgroundColor"
    assert token.evaluate(colour) != "rgba(0, 0, 0, 0)"
    tab.get_by_label("Tint tokens").uncheck()
    assert token.evaluate(colour) == "rgba(0, 0, 0, 0)"
    assert "z " in str(token.get_attribute("title"))


def test_delete_asks_first(tab: Page, stand_in: StandIn):
    stand_in.plant("s", TITLE, 1)
    do.open_page(tab, stand_in.url)
    do.open_session(tab, TITLE)
    tab.get_by_role("button", name="Delete").click()
    expect(tab.get_by_role("button", name="Keep it")).to_be_focused()
    tab.keyboard.press("Escape")
    assert "s" in stand_in.sessions
    tab.get_by_role("button", name="Delete").click()
    tab.locator("#confirm-yes").click()
    expect(tab.locator("#session-list")).to_contain_text("No conversations yet")
    assert stand_in.sessions == {}


def test_export_is_a_download(tab: Page, stand_in: StandIn):
    stand_in.plant("s", TITLE, 1)
    do.open_page(tab, stand_in.url)
    do.open_session(tab, TITLE)
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Export").click()
    assert download.value.suggested_filename == "holdtrue-s.json"
    assert TITLE in download.value.path().read_text(encoding="utf-8")


def test_refused_message_is_kept_and_the_reason_shown(tab: Page, stand_in: StandIn):
    stand_in.plant("s", TITLE, 1)
    stand_in.refuse = "too many requests: try again in 3 s"
    do.open_page(tab, stand_in.url)
    do.open_session(tab, TITLE)
    tab.get_by_label("Message", exact=True).fill("Once more")
    tab.keyboard.press("Enter")
    expect(tab.locator(".composer .error")).to_have_text("too many requests: try again in 3 s")
    expect(tab.get_by_label("Message", exact=True)).to_have_value("Once more")


def test_key_is_asked_for_and_kept_in_the_tab_alone(tab: Page, stand_in: StandIn):
    stand_in.key = "ht-secret"
    stand_in.plant("s", TITLE, 1)
    tab.goto(stand_in.url)
    tab.get_by_label("Key", exact=True).fill("wrong")
    tab.keyboard.press("Enter")
    expect(tab.locator("#key-why")).to_contain_text("That key was refused")
    tab.get_by_label("Key", exact=True).fill("ht-secret")
    tab.keyboard.press("Enter")
    do.open_session(tab, TITLE)
    assert tab.evaluate("() => sessionStorage.getItem('holdtrue-key')") == "ht-secret"
    assert tab.evaluate("() => JSON.stringify(localStorage)") == "{}"
    tab.get_by_role("button", name="Forget key").click()
    expect(tab.get_by_label("Key", exact=True)).to_be_visible()


def test_server_that_goes_away_is_found_again(tab: Page, stand_in: StandIn):
    stand_in.plant("s", TITLE, 1)
    do.open_page(tab, stand_in.url)
    stand_in.stop()
    expect(tab.locator("#banner")).to_contain_text("The server doesn't answer; trying again in")
    stand_in.plant("new", "Meanwhile", 1)
    stand_in.start()
    tab.get_by_role("button", name="Try now").click()
    expect(tab.locator("#banner")).to_be_hidden()
    expect(tab.locator(".session-list")).to_contain_text("Meanwhile")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_narrow_screen_shows_one_thing_at_a_time(tab: Page, stand_in: StandIn, scheme: str):
    stand_in.plant("s", "A_title_without_any_place_to_break_it_" * 4, 2)
    tab.set_viewport_size({"width": 390, "height": 844})
    tab.emulate_media(color_scheme=scheme)
    do.open_page(tab, stand_in.url)
    expect(tab.locator("main")).to_be_hidden()
    tab.locator(".session-list a").first.click()
    expect(tab.locator(".session-list")).to_be_hidden()
    do.drift_points(tab, 2)
    assert tab.evaluate("() => document.scrollingElement.scrollWidth") == 390
    tab.locator(".back").click()
    expect(tab.locator(".session-list")).to_be_visible()
