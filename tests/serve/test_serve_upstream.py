"""An upstream behind the seam: passing text on, reading along, refusing, leaving, asking again."""

import asyncio
import json
import logging

import httpx
import pytest
from scripted_upstream import DONE, KEY, Script, Upstream, a_turn, all_of, event, run, says, small_reader

from holdtrue.engines.hf import HFEngine
from holdtrue.errors import SettingError
from holdtrue.records import CapSpec, HoldSpec, Transcript, Turn
from holdtrue.serve.backend import Backend, Outcome, Piece
from holdtrue.serve.failures import ApiError
from holdtrue.serve.upstream import UpstreamBackend, UpstreamClient, connect
from holdtrue.serve.upstream.client import api_base
from holdtrue.watch import Reader
from holdtrue.watch.live import LiveReader

TEXT = "The sea is wide, and those who sail it learn to wait."


@pytest.fixture(scope="module")
def live() -> LiveReader:
    return small_reader()


async def backend_for(upstream: Upstream, live: LiveReader, **more) -> UpstreamBackend:
    return await connect("http://up.test", live, key=KEY, transport=upstream.transport, **more)


def answered(live: LiveReader, *answers, **turn) -> tuple[list[Piece], Outcome, Upstream]:
    upstream = Upstream(*answers)

    async def work():
        backend = await backend_for(upstream, live)
        try:
            return await all_of(backend.answer(a_turn(**turn)))
        finally:
            await backend.close()

    pieces, outcome = run(work)
    return pieces, outcome, upstream


def refused(live: LiveReader, *answers, **turn) -> ApiError:
    with pytest.raises(ApiError) as caught:
        answered(live, *answers, **turn)
    return caught.value


def test_an_answer_passes_through_and_is_read_as_it_would_be_afterwards(live):
    pieces, outcome, upstream = answered(live, says(TEXT))
    assert "".join(piece.text for piece in pieces) == TEXT
    messages = [*a_turn().messages, {"role": "assistant", "content": TEXT}]
    transcript = Transcript(title="t", source="t", model=None, turns=tuple(Turn(**one) for one in messages))
    (reading,) = Reader(live.model, HFEngine(live.model), live.axis).read(transcript).turns
    assert outcome.projection == pytest.approx(reading.projection, abs=1e-4)
    assert outcome.z == pytest.approx(reading.z, abs=1e-4)
    assert "".join(one.text for piece in pieces for one in piece.readings) == TEXT
    assert (outcome.prompt_tokens, outcome.completion_tokens, outcome.finish_reason) == (11, 5, "stop")
    assert (outcome.fired, outcome.note, outcome.redraws) == (None, None, 0)
    (asked,) = upstream.asked
    assert asked["stream"] is True
    assert (asked["model"], asked["seed"], asked["messages"]) == ("big", 7, list(a_turn().messages))
    assert upstream.headers[-1]["authorization"] == f"Bearer {KEY}"


def test_it_is_a_backend(live):
    async def work():
        backend = await backend_for(Upstream(), live)
        assert isinstance(backend, Backend)
        assert (backend.model, backend.reader, backend.layer) == ("big", "tiny", 1)
        exact = len(live.model.template.encode(a_turn().messages, add_generation_prompt=True))
        assert backend.count_tokens(a_turn().messages) == exact
        await backend.close()

    run(work)


def test_settings_are_passed_on(live):
    more = {"max_tokens": 9, "temperature": 0.5, "top_p": 0.9, "stop": ("\n",), "top_logprobs": 2}
    entry = {"token": "a", "logprob": -1.0, "top_logprobs": []}
    script = Script([event("a", logprobs={"content": [entry]}), event(finish="length"), DONE])
    pieces, outcome, upstream = answered(live, script, **more)
    wanted = {"max_tokens": 9, "temperature": 0.5, "top_p": 0.9, "stop": ["\n"], "logprobs": True, "top_logprobs": 2}
    assert wanted.items() <= upstream.asked[0].items()
    assert pieces[0].choices[0].log_prob == -1.0
    assert outcome.finish_reason == "length"


def test_missing_usage_is_estimated_and_said(live):
    _, outcome, _ = answered(live, says(TEXT, usage=False))
    assert outcome.completion_tokens == len(live.model.template.tokenize(TEXT)[0])
    assert "estimate" in outcome.note


def test_a_stream_may_end_without_done_but_not_without_an_end(live):
    _, outcome, _ = answered(live, Script([event("a"), event(finish="stop")]))
    assert outcome.finish_reason == "stop"
    assert answered(live, Script([event("a"), DONE]))[1].finish_reason == "stop"
    assert "before its answer was finished" in refused(live, Script([event("a")])).message


def test_an_upstream_that_does_not_stream_will_do(live):
    body = {"choices": [{"message": {"content": TEXT}, "finish_reason": "stop"}]}
    pieces, outcome, _ = answered(live, httpx.Response(200, json=body))
    assert pieces[0].text == TEXT
    assert outcome.projection is not None


def test_text_never_waits_for_the_reader(live, monkeypatch):
    gate = asyncio.Event()
    read = live.pool.read

    def slow(*args):
        import time

        time.sleep(0.05)
        return read(*args)

    monkeypatch.setattr(live.pool, "read", slow)

    async def work():
        upstream = Upstream(Script([event("The sea is wide, "), gate, event("and deep."), event(finish="stop"), DONE]))
        backend = await backend_for(upstream, live)
        items = backend.answer(a_turn(session="slow"))
        first = await anext(items)
        assert first == Piece("The sea is wide, ")
        second = await anext(items)  # the reading comes although the upstream is silent
        assert second.text == ""
        assert second.readings
        gate.set()
        rest, outcome = await all_of(items)
        assert rest[0].text == "and deep."
        assert outcome.projection is not None
        await backend.close()

    run(work)


@pytest.mark.parametrize("how", ["close", "cancel"])
def test_a_client_that_leaves_takes_the_upstream_request_along(live, how):
    async def work():
        script = Script([event("a"), event("b"), asyncio.Event()])
        backend = await backend_for(Upstream(script), live)
        before = asyncio.all_tasks()
        items = backend.answer(a_turn(session=how))
        await anext(items)
        assert backend.load == (1, 0)
        assert not script.closed
        if how == "close":
            await items.aclose()
        else:
            task = asyncio.create_task(all_of(items))
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert script.closed
        assert asyncio.all_tasks() == before
        assert (backend.load, backend.ready) == ((0, 0), True)
        await backend.close()
        assert not backend.ready

    run(work)


def test_a_slow_client_slows_the_upstream(live):
    async def work():
        script = Script([event("x") for _ in range(500)] + [event(finish="stop"), DONE])
        backend = await backend_for(Upstream(script), live)
        items = backend.answer(a_turn(session="backpressure"))
        await anext(items)
        await asyncio.sleep(0.2)
        assert script.given < 100
        await items.aclose()
        await backend.close()

    run(work)


def test_a_cap_is_refused_with_what_works(live):
    capped = HoldSpec(name="firm", cap=CapSpec(fire=0.05))
    error = refused(live, hold=capped)
    assert (error.status, error.code, error.param) == (400, "hold_needs_weights", "holdtrue.hold")
    for word in ("'firm'", "remind", "reanchor", "budget", "hand over", "redraw"):
        assert word in error.message

    async def work():
        backend = await backend_for(Upstream(), live)
        with pytest.raises(SettingError, match="'firm'"):
            backend.check_hold(capped)
        backend.check_hold(a_turn().hold)
        await backend.close()

    run(work)


def test_a_reader_that_fails_leaves_the_answer(live, monkeypatch, caplog):
    def broken(*_):
        message = "no memory"
        raise RuntimeError(message)

    monkeypatch.setattr(live.pool, "read", broken)
    pieces, outcome, _ = answered(live, says(TEXT))
    assert "".join(piece.text for piece in pieces) == TEXT
    assert (outcome.projection, outcome.z) == (None, None)
    assert outcome.note.startswith("not read")
    assert "no memory" in caplog.text


def test_what_the_readers_template_refuses_is_answered_unread(live):
    odd = ({"role": "tool", "content": "x"},)
    pieces, outcome, _ = answered(live, says(TEXT, usage=False), messages=odd)
    assert "".join(piece.text for piece in pieces) == TEXT
    assert "role 'tool'" in outcome.note
    assert outcome.prompt_tokens > 0


def test_an_empty_answer_has_no_reading_and_says_so(live):
    pieces, outcome, _ = answered(live, says(""))
    assert pieces == []
    assert (outcome.projection, outcome.z) == (None, None)
    assert "nothing was said" in outcome.note


# -- failures ----------------------------------------------------------------------------------------------------------


def body_of(status: int, error: object, **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"error": error}, headers=headers)


ECHO = {"message": f"bad header: Bearer {KEY}", "code": KEY, "param": KEY, "type": KEY}


@pytest.mark.parametrize(
    ("answer", "status", "retry_after"),
    [
        (body_of(400, ECHO), 400, None),
        (body_of(401, ECHO), 502, None),
        (body_of(403, ECHO), 502, None),
        (body_of(404, ECHO), 502, None),
        (body_of(413, ECHO), 413, None),
        (body_of(422, ECHO), 422, None),
        (body_of(429, ECHO, **{"Retry-After": "7"}), 429, 7.0),
        (body_of(429, ECHO), 429, None),
        (body_of(429, ECHO, **{"Retry-After": "nan"}), 429, None),
        (body_of(429, ECHO, **{"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}), 429, 0.0),
        (body_of(500, ECHO), 502, None),
        (body_of(503, ECHO, **{"Retry-After": "3"}), 503, 3.0),
        (body_of(504, ECHO), 504, None),
        (httpx.Response(302, headers={"location": "http://elsewhere.test"}), 502, None),
        (httpx.Response(500, text=f"plain {KEY}"), 502, None),
        (httpx.Response(400, text="x" * 290 + KEY), 400, None),
        (httpx.Response(500, html=f"<html>{KEY}</html>"), 502, None),
        (httpx.Response(400, json={"detail": [{"msg": KEY}]}), 400, None),
        (httpx.Response(400, json={"error": KEY}), 400, None),
        (httpx.Response(400, json=[{"error": ECHO}]), 400, None),
        (httpx.Response(400, json=5), 400, None),
        (httpx.Response(200, json={"error": ECHO}), 502, None),
        (httpx.Response(200, text=KEY, headers={"content-type": "application/json"}), 502, None),
        (httpx.Response(200, json={"choices": KEY}), 502, None),
        (Script([f"data: {KEY}\n\n".encode()]), 502, None),
        (Script([b'data: {"choices": [{"delta": {"content": 5}}]}\n\n']), 502, None),
        (Script([event("a"), b"data: " + json.dumps({"error": ECHO}).encode() + b"\n\n"]), 502, None),
        (Script([event("a"), httpx.ReadError("gone")]), 502, None),
        (Script([event("a"), httpx.ReadTimeout("late")]), 504, None),
        (httpx.ConnectError(f"refused {KEY}"), 502, None),
        (httpx.ConnectTimeout("late"), 502, None),
        (httpx.ReadTimeout("late"), 504, None),
        (httpx.RemoteProtocolError("garbage"), 502, None),
    ],
)
def test_whatever_goes_wrong_is_one_error_without_the_key(live, answer, status, retry_after):
    error = refused(live, answer)
    assert (error.status, error.retry_after) == (status, retry_after)
    assert "up.test" in error.message
    shown = json.dumps(error.body()) + str(error) + repr(error)
    assert KEY not in shown
    assert KEY[:8] not in shown
    assert set(error.body()["error"]) == {"message", "type", "param", "code"}


def test_the_key_is_nowhere_to_be_seen(live, caplog):
    caplog.set_level(logging.DEBUG)
    answered(live, says(TEXT))
    assert caplog.records  # httpx does log its requests
    assert KEY not in caplog.text
    client = UpstreamClient("http://up.test", KEY)
    assert KEY not in repr(client) + str(client)


def test_fields_the_upstream_does_not_know_are_left_out_from_then_on(live):
    upstream = Upstream(
        body_of(400, {"message": "Unknown parameter: 'stream_options'.", "param": "stream_options"}),
        body_of(400, {"message": "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."}),
        says("Yes."),
        says("Yes."),
    )

    async def work():
        backend = await backend_for(upstream, live)
        for _ in range(2):
            await all_of(backend.answer(a_turn(max_tokens=5)))
        await backend.close()

    run(work)
    assert "stream_options" in upstream.asked[0]
    for asked in upstream.asked[2:]:
        assert "stream_options" not in asked
        assert "max_tokens" not in asked
        assert asked["max_completion_tokens"] == 5
    assert len(upstream.asked) == 4


def test_a_setting_the_client_chose_is_never_dropped_behind_its_back(live):
    error = refused(live, body_of(400, {"message": "temperature must be at most 2", "param": "temperature"}))
    assert (error.status, error.param) == (400, "temperature")


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://a.test", "http://a.test/v1"),
        ("http://a.test/", "http://a.test/v1"),
        ("http://a.test/v1", "http://a.test/v1"),
        ("http://a.test/v1/", "http://a.test/v1"),
        ("http://a.test/v1/chat/completions", "http://a.test/v1"),
        ("https://a.test/api", "https://a.test/api/v1"),
        ("https://a.test/v1beta/openai/", "https://a.test/v1beta/openai"),
        ("http://[::1]:8000", "http://[::1]:8000/v1"),
    ],
)
def test_urls_with_and_without_a_version(url, base):
    assert str(api_base(url)) == base


@pytest.mark.parametrize(
    "url", ["", "a.test", "ftp://a.test", "http://", "http://me:pw-9@a.test", "http://a.test?k=pw-9"]
)
def test_urls_that_are_none_or_tell_too_much_are_refused(url):
    with pytest.raises(SettingError, match=r"HOLDTRUE_UPSTREAM_KEY|no URL") as caught:
        api_base(url)
    assert "pw-9" not in str(caught.value)


def test_a_key_no_header_can_carry_is_refused_unseen():
    with pytest.raises(SettingError, match="HOLDTRUE_UPSTREAM_KEY") as caught:
        UpstreamClient("http://a.test", "secret\nkey")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("models", "match"), [((), "none"), (("a", "b"), r"2 models \(a, b\)")])
def test_a_model_is_named_where_there_is_a_choice(live, models, match):
    async def work():
        with pytest.raises(SettingError, match=match):
            await backend_for(Upstream(models=models), live)
        named = await backend_for(Upstream(models=models), live, model="b")
        assert named.model == "b"
        await named.close()

    run(work)


def test_answers_of_several_sessions_at_once_keep_apart(live):
    texts = {name: f"{name} " * 12 for name in ("one", "two", "three")}
    expected = {name: answered(live, says(text), session=f"alone-{name}")[1] for name, text in texts.items()}

    async def work():
        upstream = Upstream(*(says(text) for text in texts.values()))
        backend = await backend_for(upstream, live)
        turns = [a_turn(session=name) for name in texts]
        found = await asyncio.gather(*(all_of(backend.answer(turn)) for turn in turns))
        await backend.close()
        return found

    for pieces, outcome in run(work):
        name = "".join(piece.text for piece in pieces).split()[0]
        assert outcome.projection == pytest.approx(expected[name].projection, abs=1e-4)


# -- asking again ------------------------------------------------------------------------------------------------------


def zs(live: LiveReader, texts: list[str]) -> list[float]:
    return [answered(live, says(text), session="z")[1].z for text in texts]


def test_the_best_candidate_is_given_and_the_others_are_counted(live):
    texts = ["The sea is wide.", "hehehe hehe he 12345", "Who sails it learns to wait."]
    scores = zs(live, texts)
    best = max(range(3), key=scores.__getitem__)
    pieces, outcome, upstream = answered(live, *map(says, texts), redraw=3, below=max(scores) + 1)
    assert "".join(piece.text for piece in pieces) == texts[best]
    assert outcome.z == pytest.approx(scores[best], abs=1e-4)
    assert (outcome.redraws, outcome.extra_tokens) == (2, 10)
    seeds = [asked["seed"] for asked in upstream.asked]
    assert seeds[0] == 7
    assert len(set(seeds)) == 3
    assert all(asked["messages"] == upstream.asked[0]["messages"] for asked in upstream.asked)


def test_an_answer_that_is_well_is_not_asked_again(live):
    (score,) = zs(live, [TEXT])
    _, outcome, upstream = answered(live, says(TEXT), redraw=4, below=score - 0.1)
    assert (outcome.redraws, outcome.extra_tokens, len(upstream.asked)) == (0, 0, 1)


def test_asking_again_may_fail_but_the_first_time_may_not(live):
    pieces, outcome, _ = answered(live, says(TEXT), body_of(429, {"message": "slow down"}), redraw=3, below=99.0)
    assert "".join(piece.text for piece in pieces) == TEXT
    assert (outcome.redraws, outcome.extra_tokens) == (0, 0)
    assert "asking again failed" in outcome.note
    assert refused(live, body_of(429, {"message": "slow down"}), redraw=3).status == 429


def test_an_answer_that_could_not_be_measured_stands(live):
    _, outcome, upstream = answered(live, says(""), redraw=3, below=99.0)
    assert (outcome.z, outcome.redraws, len(upstream.asked)) == (None, 0, 1)


def test_leaving_while_candidates_are_drawn_drops_them(live):
    async def work():
        script = Script([event("a"), asyncio.Event()])
        backend = await backend_for(Upstream(script), live)
        task = asyncio.create_task(all_of(backend.answer(a_turn(redraw=3))))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert script.closed
        await backend.close()

    run(work)


def test_usage_that_comes_with_the_last_chunk_counts(live):
    last = event(finish="stop", usage={"prompt_tokens": 3, "completion_tokens": 2})
    _, outcome, _ = answered(live, Script([event("Hi"), last]))
    assert (outcome.prompt_tokens, outcome.completion_tokens) == (3, 2)
