"""The dashboard over the real server and the real small model."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from dashboard_flows import Guard, choose_hold, compare, drift_points, drift_table, number, open_page, say, start
from live_server import Live, serving, twin
from playwright.sync_api import Browser, expect

from holdtrue.axis import Axis
from holdtrue.models import ChatModel
from holdtrue.serve.build import ServeOptions, local_app


def test_open_send_watch_the_line_move_and_switch_the_hold(chromium: Browser, serve: Callable[..., Live]) -> None:
    live = serve(max_answer=24)
    context = chromium.new_context(viewport={"width": 1280, "height": 860})
    page = context.new_page()
    guard = Guard(page, live.url)
    open_page(page, live.url)
    start(page, "Name a colour.")
    say(page, "And another.")
    choose_hold(page, "firm")
    say(page, "One more.")
    points = drift_points(page, 3)
    assert [point["turn"] for point in points] == [1, 2, 3]
    with live.http() as client:
        (session,) = client.get("/v1/sessions").json()["data"]
        turns = client.get(f"/v1/sessions/{session['id']}").json()["turns"]
    assert [turn["hold"] for turn in turns] == ["free", "free", "firm"]
    assert [point["value"] for point in points] == pytest.approx([turn["z"] for turn in turns])
    assert [number(row[1]) for row in drift_table(page)] == pytest.approx([turn["z"] for turn in turns], abs=0.01)
    assert "sd" in compare(page, "Who are you?", "free", "firm")
    assert guard.complaints == []
    context.close()


def test_an_alarm_is_raised_on_the_page(
    chromium: Browser, smollm: ChatModel, smollm_axis: Axis, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # Calibrated as if benign talk stood far higher: whatever is said has drifted.
    high = [
        each.model_copy(update={"response": each.response.model_copy(update={"mean": each.response.mean + 1000.0})})
        for each in smollm_axis.card.calibration
    ]
    axis = replace(smollm_axis, card=smollm_axis.card.model_copy(update={"calibration": tuple(high)}))
    options = ServeOptions(hold="free", db=str(tmp_path_factory.mktemp("alarm") / "s.db"), max_answer=16)
    with serving(local_app(twin(smollm), axis, options)) as live:
        page = chromium.new_page()
        open_page(page, live.url)
        start(page, "Name a colour.")
        expect(page.locator("#drift")).to_contain_text("alarm")
        expect(page.locator(".session-list")).to_contain_text("alarm")
        page.close()
