"""What goes over the wire is what OpenAI's own client reads, to the letter."""

import asyncio
import json
import math

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import AsyncOpenAI
from openai.types import Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from holdtrue.serve.backend import TokenChoice
from holdtrue.serve.failures import overloaded
from holdtrue.serve.wire import (
    DONE,
    KEEP_ALIVE,
    Choice,
    Stamp,
    chunk,
    completion,
    completion_id,
    digest_after,
    digest_before,
    event,
    fingerprint,
    finish_chunk,
    history_digest,
    last_chunk,
    model_object,
    models_list,
    role_chunk,
    usage_object,
)

STAMP = Stamp("chatcmpl-1", 1_700_000_000, "smol", fingerprint("a" * 64, "b" * 64))
OWN = {"session": "s", "z": -0.5, "alarm": False}
HALF = TokenChoice("\ufffd", -0.25, (("\ufffd", -0.25), ("é", -1.5)), b"\xc3")
USAGE = usage_object(10, 4, cached_tokens=3, reasoning_tokens=1)


def answer(choices: list[Choice]) -> dict[str, object]:
    return completion(STAMP, choices, USAGE, OWN)


def read_strictly(kind, body):
    """OpenAI's type, which lets unknown fields pass but not wrong ones; what it read is what was sent."""
    read = kind.model_validate_json(json.dumps(body), strict=True)
    assert json.loads(read.model_dump_json(exclude_unset=True)) == json.loads(json.dumps(body))
    return read


def test_a_whole_answer_is_read_by_openais_type():
    read = read_strictly(ChatCompletion, answer([Choice(0, "Hi", "stop", (HALF,)), Choice(1, "", "length")]))
    assert [choice.message.content for choice in read.choices] == ["Hi", ""]
    assert [choice.finish_reason for choice in read.choices] == ["stop", "length"]
    assert read.usage.total_tokens == 14
    assert read.usage.prompt_tokens_details.cached_tokens == 3
    assert read.usage.completion_tokens_details.reasoning_tokens == 1
    assert read.system_fingerprint == "fp_aaaaaaaaaa_bbbbbbbbbb"
    assert read.model_extra == {"holdtrue": OWN}
    assert read.choices[1].logprobs is None


def test_log_probabilities_carry_the_raw_bytes_of_half_a_character():
    token = read_strictly(ChatCompletion, answer([Choice(0, "", "stop", (HALF,))])).choices[0].logprobs.content[0]
    assert token.bytes == [0xC3]
    assert [(top.token, top.bytes) for top in token.top_logprobs] == [("\ufffd", None), ("é", [0xC3, 0xA9])]


@pytest.mark.parametrize("log_prob", [-math.inf, math.nan, -1e9])
def test_a_log_probability_that_json_cannot_hold_becomes_openais_figure(log_prob):
    body = answer([Choice(0, "x", "stop", (TokenChoice("x", log_prob, (("y", log_prob),)),))])
    token = read_strictly(ChatCompletion, body).choices[0].logprobs.content[0]
    assert token.logprob == token.top_logprobs[0].logprob == -9999.0


@pytest.mark.parametrize("include_usage", [False, True])
def test_a_stream_is_read_by_openais_type(include_usage):
    stamp = Stamp("chatcmpl-1", 1, "smol", "fp", include_usage)
    chunks = [
        role_chunk(stamp, 0),
        chunk(stamp, 0, "Hé", [HALF]),
        finish_chunk(stamp, 0, "stop"),
        last_chunk(stamp, OWN, USAGE),
    ]
    read = [read_strictly(ChatCompletionChunk, each) for each in chunks]
    assert read[0].choices[0].delta.role == "assistant"
    assert read[1].choices[0].delta.content == "Hé"
    assert read[1].choices[0].logprobs.content[0].bytes == [0xC3]
    assert read[2].choices[0].finish_reason == "stop"
    assert (read[3].choices, read[3].model_extra) == ([], {"holdtrue": OWN})
    # OpenAI: every chunk says `usage` when it was asked for, null but for the last one, and none says it otherwise.
    assert [each.get("usage", "unsaid") for each in chunks] == (
        [None] * 3 + [USAGE] if include_usage else ["unsaid"] * 4
    )


def test_models_are_listed():
    listed = models_list(["smol", "alias"], 7)
    assert listed["object"] == "list"
    assert [read_strictly(Model, each).id for each in listed["data"]] == ["smol", "alias"]
    assert model_object("smol", 7) == listed["data"][0]


def test_ids_are_fresh():
    assert len({completion_id() for _ in range(100)}) == 100
    assert completion_id().startswith("chatcmpl-")


@given(st.text(st.characters()))
def test_an_event_is_one_line_of_json_whatever_the_text(text):
    raw = event({"text": text}, "token")
    decoded = raw.decode()
    assert decoded.endswith("\n\n")
    assert decoded.splitlines()[:1] == ["event: token"]
    assert len(decoded.splitlines()) == 3
    data = json.loads(decoded.splitlines()[1].removeprefix("data: "))
    assert data["text"] == text.encode("utf-8", "replace").decode()


def test_an_event_refuses_what_json_cannot_hold():
    with pytest.raises(ValueError, match="not JSON compliant"):
        event({"z": math.nan})


def ask(raw: bytes, kind: str, **wanted):
    """OpenAI's client against these bytes."""

    async def go():
        transport = httpx.MockTransport(lambda _: httpx.Response(200, content=raw, headers={"Content-Type": kind}))
        async with httpx.AsyncClient(transport=transport) as http:
            client = AsyncOpenAI(api_key="k", base_url="http://here/v1", http_client=http, max_retries=0)
            answered = await client.chat.completions.create(
                model="smol", messages=[{"role": "user", "content": "x"}], **wanted
            )
            return [part async for part in answered] if wanted else answered

    return asyncio.run(go())


def test_openais_client_reads_a_stream_with_line_separators_and_comments():
    text = "a\u2028b\x85c\r\nd 😀"
    stamp = Stamp("chatcmpl-1", 1, "smol", "fp", include_usage=True)
    parts = [role_chunk(stamp, 0), chunk(stamp, 0, text), finish_chunk(stamp, 0, "stop"), last_chunk(stamp, OWN, USAGE)]
    raw = b"".join([*(event(part) for part in parts[:2]), KEEP_ALIVE, *(event(part) for part in parts[2:]), DONE])
    read = ask(raw, "text/event-stream", stream=True)
    assert "".join(part.choices[0].delta.content or "" for part in read if part.choices) == text
    assert read[-1].usage.completion_tokens == 4
    assert read[-1].holdtrue == OWN


def test_openais_client_reads_an_error_in_a_stream():
    with pytest.raises(Exception, match="too many requests"):
        ask(event(overloaded(1.0).body()) + DONE, "text/event-stream", stream=True)


def test_openais_client_reads_a_whole_answer():
    read = ask(json.dumps(answer([Choice(0, "Hi", "stop")])).encode(), "application/json")
    assert read.choices[0].message.content == "Hi"
    assert read.holdtrue["z"] == -0.5


def test_a_conversation_sent_again_is_recognised():
    first = [
        {"role": "developer", "content": "Be kind."},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
    ]
    after = digest_after(first, " Hello! ")
    second = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [{"type": "text", "text": "Hello!"}]},
        {"role": "user", "content": "And then?"},
    ]
    assert digest_before(first) is None
    assert digest_before(second) == after
    assert digest_after(second, "Nothing.") != after


@given(st.lists(st.tuples(st.sampled_from(["system", "user", "assistant"]), st.text()), min_size=1, max_size=6))
def test_digests_tell_conversations_apart(turns):
    messages = [{"role": role, "content": text} for role, text in turns]
    assert history_digest(messages) == history_digest([dict(message) for message in messages])
    assert history_digest(messages) != history_digest([*messages, {"role": "user", "content": ""}])
    assert history_digest(messages) != history_digest(
        [{**messages[0], "content": "other" + turns[0][1]}, *messages[1:]]
    )
    swapped = {**messages[-1], "role": "user" if turns[-1][0] != "user" else "assistant"}
    assert history_digest(messages) != history_digest([*messages[:-1], swapped])
    assert digest_before([*messages, {"role": "assistant", "content": "A"}]) == digest_after(messages, "A")
