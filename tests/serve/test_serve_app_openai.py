"""OpenAI's own client, unchanged, against the real server."""

import threading
from typing import Any

import openai
import pytest
from live_server import Live, asked, events_of

from holdtrue.engines import GenerateRequest
from holdtrue.engines.hf import HFEngine
from holdtrue.models import ChatModel

QUESTION = "Name three colours."


def create(client: openai.OpenAI, live: Live, text: str = QUESTION, **fields: Any) -> Any:
    return client.chat.completions.create(**asked(live, text, **fields))


def test_models_are_listed_and_looked_up(live: Live, smollm: ChatModel):
    client = live.openai()
    assert [model.id for model in client.models.list()] == [smollm.name]
    assert client.models.retrieve(smollm.name).id == smollm.name
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("gpt-5")
    assert caught.value.code == "model_not_found"


def test_a_greedy_answer_is_the_one_that_generate_gives(live: Live, smollm: ChatModel, engine: HFEngine):
    ids = tuple(smollm.template.encode([{"role": "user", "content": QUESTION}], add_generation_prompt=True))
    (plain,) = engine.generate([GenerateRequest(ids, 12, seed=0, temperature=0.0)], capture=False)
    answer = create(live.openai(), live, max_tokens=12)
    assert answer.choices[0].message.content == plain.text
    assert answer.usage.prompt_tokens == len(ids)
    assert answer.usage.completion_tokens == len(plain.token_ids)
    assert answer.choices[0].finish_reason == "length"


def test_a_stream_joins_to_the_whole_answer_and_ends_with_the_reading(live: Live):
    client = live.openai()
    whole = create(client, live, max_tokens=8)
    chunks = list(create(client, live, max_tokens=8, stream=True, stream_options={"include_usage": True}))
    assert chunks[0].choices[0].delta.role == "assistant"
    joined = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert joined == whole.choices[0].message.content
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "length"
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens == 8
    assert chunks[-1].holdtrue["projection"] == pytest.approx(whole.holdtrue["projection"], abs=1e-4)
    assert chunks[-1].holdtrue["z"] == pytest.approx(whole.holdtrue["z"], abs=1e-3)


def test_the_last_event_before_done_carries_the_reading_even_without_usage(live: Live):
    with live.http() as client:
        text = client.post("/v1/chat/completions", json=asked(live, stream=True)).text
    *_, last, done = events_of(text)
    assert done == "[DONE]"
    assert last["choices"] == []
    assert last["holdtrue"]["hold"] == "free"
    assert "usage" not in last


def test_several_choices_differ_by_their_own_draws(live: Live):
    fields = {"n": 2, "temperature": 1.0, "seed": 5, "max_tokens": 6}
    one, two = create(live.openai(), live, LONG_TEXT, **fields).choices
    assert (one.index, two.index) == (0, 1)
    assert one.message.content != two.message.content
    streamed = ["", ""]
    for chunk in create(live.openai(), live, LONG_TEXT, stream=True, **fields):
        for choice in chunk.choices:
            streamed[choice.index] += choice.delta.content or ""
    assert streamed == [one.message.content, two.message.content]


LONG_TEXT = "Invent the first line of a novel."


def test_a_seed_repeats_a_draw_and_another_doesnt(live: Live):
    client = live.openai()
    texts = [
        create(client, live, LONG_TEXT, temperature=1.0, seed=seed, max_tokens=8).choices[0].message.content
        for seed in (3, 3, 4)
    ]
    assert texts[0] == texts[1] != texts[2]


def test_log_probs_are_the_models_own(live: Live):
    answer = create(live.openai(), live, logprobs=True, top_logprobs=3, max_tokens=4)
    tokens = answer.choices[0].logprobs.content
    assert len(tokens) == 4
    assert "".join(token.token for token in tokens) == answer.choices[0].message.content
    for token in tokens:
        assert token.top_logprobs[0].logprob == pytest.approx(token.logprob)
        assert token.logprob <= 0
        values = [other.logprob for other in token.top_logprobs]
        assert values == sorted(values, reverse=True)
        assert len(values) == 3


def test_a_stop_string_that_spans_tokens_ends_the_answer_before_it(live: Live):
    client = live.openai()
    whole = create(client, live, max_tokens=12)
    text = whole.choices[0].message.content
    tokens = create(client, live, max_tokens=12, logprobs=True).choices[0].logprobs.content
    # From the middle of one token to the middle of the next but one.
    start = len("".join(token.token for token in tokens[:3])) - 1
    stop = text[start : start + len(tokens[3].token) + 2]
    at = text.index(stop)
    for stream in (False, True):
        answer = create(client, live, max_tokens=12, stop=[stop, "never said"], stream=stream)
        if stream:
            chunks = [chunk for chunk in answer if chunk.choices]
            said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
            finish = chunks[-1].choices[0].finish_reason
        else:
            said, finish = answer.choices[0].message.content, answer.choices[0].finish_reason
        assert said == text[:at]
        assert finish == "stop"


@pytest.mark.parametrize(
    ("fields", "error", "code"),
    [
        ({"temperature": 3.0}, openai.BadRequestError, "invalid_value"),
        ({"model": "gpt-5"}, openai.NotFoundError, "model_not_found"),
        ({"extra_body": {"holdtrue": {"hold": "fierce"}}}, openai.BadRequestError, "hold_not_found"),
        (
            {"extra_body": {"holdtrue": {"hold": {"cap": {"fire": 0.1, "band": [0, 900]}}}}},
            openai.BadRequestError,
            None,
        ),
        ({"messages": [{"role": "user", "content": "word " * 900}]}, openai.BadRequestError, "context_length_exceeded"),
    ],
)
def test_refusals_surface_as_the_clients_own_errors(live: Live, fields, error, code):
    for stream in (False, True):
        with pytest.raises(error) as caught:
            create(live.openai(), live, stream=stream, **fields)
        assert caught.value.code == code or code is None
        assert "\n" not in caught.value.message


def test_a_session_is_known_by_the_history_sent_again(live: Live):
    client = live.openai()
    first = create(client, live)
    messages = [
        {"role": "user", "content": QUESTION},
        {"role": "assistant", "content": first.choices[0].message.content},
        {"role": "user", "content": "And one more."},
    ]
    second = create(client, live, messages=messages)
    other = create(client, live, "Something else.")
    assert second.holdtrue["session"] == first.holdtrue["session"] != other.holdtrue["session"]
    with live.http() as plain:
        turns = plain.get(f"/v1/sessions/{first.holdtrue['session']}").json()["turns"]
    assert [turn["user"] for turn in turns] == [QUESTION, "And one more."]


def test_a_named_session_keeps_its_turns_and_a_request_its_hold(live: Live):
    client = live.openai()
    for hold in ("firm", None):
        own = {"session": "by-name", "tokens": True, **({"hold": hold} if hold else {})}
        told = create(client, live, extra_body={"holdtrue": own}).holdtrue
        assert told["session"] == "by-name"
        assert told["hold"] == "firm"
        assert [set(token) for token in told["tokens"]] == [{"text", "projection", "before", "fired"}] * 3
        spoken = [token["projection"] for token in told["tokens"]]
        assert told["projection"] == pytest.approx(sum(spoken) / 3, abs=1e-4)


def test_concurrent_requests_under_different_holds_answer_as_alone(live: Live):
    client = live.openai()
    asks = [
        (text, hold)
        for text in (QUESTION, "Why is the sky blue?", "Say something in French.")
        for hold in ("free", "firm", {"name": "hard", "cap": {"tau": 30.0, "band": [8, 22]}})
    ]

    def answer(text: str, hold: object) -> tuple[str, float]:
        got = create(client, live, text, max_tokens=5, extra_body={"holdtrue": {"hold": hold}})
        return got.choices[0].message.content, got.holdtrue["fired"]

    alone = [answer(*ask) for ask in asks]
    together: list[tuple[str, float] | None] = [None] * len(asks)

    def one(at: int) -> None:
        together[at] = answer(*asks[at])

    threads = [threading.Thread(target=one, args=(at,)) for at in range(len(asks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [got and got[0] for got in together] == [text for text, _ in alone]
    assert len({text for text, _ in alone[:3]}) > 1, "the holds must differ for this to say anything"
    for got, (_, fired) in zip(together, alone, strict=True):
        assert got is not None
        assert got[1] == pytest.approx(fired, abs=0.02)
