"""Streams as upstreams really write them."""

import json
import random

import pytest
from scripted_upstream import DONE, USAGE, event

from holdtrue.serve.upstream.stream import Delta, EventStream, Malformed, SurrogatePairs, Usage, delta, whole_answer

TEXT = "naïve 日本語 🙂"


def events(*chunks: bytes) -> list[str]:
    stream = EventStream()
    return [data for chunk in chunks for data in stream.feed(chunk)] + list(stream.end())


def said(datas: list[str]) -> str:
    pairs = SurrogatePairs()
    return "".join(delta(data, pairs).text for data in datas if data != "[DONE]")


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_bytes_may_be_cut_anywhere(seed, end):
    raw = b": hello\n\n" + b"".join(
        event(char).replace(json.dumps(char).encode(), json.dumps(char, ensure_ascii=False).encode()) for char in TEXT
    )
    raw = (raw + USAGE + DONE).replace(b"\n", end)
    rng, cuts, at = random.Random(seed), [], 0
    while at < len(raw):
        size = rng.randint(1, 9)
        cuts.append(raw[at : at + size])
        at += size
    found = events(*cuts)
    assert said(found) == TEXT
    assert found[-1] == "[DONE]"
    assert len(found) == len(TEXT) + 2


@pytest.mark.parametrize(
    ("raw", "n_events"),
    [
        (b'data:{"choices":[]}\n\n', 1),
        (b'\xef\xbb\xbfdata: {"choices":[]}\n\n', 1),
        (b'event: x\nid: 1\nretry: 5\ndata: {"choices":[]}\n\n', 1),
        (b'data: {"a":1}\ndata: {"b":2}\n', 2),
        (b'data: {"a":\ndata: 1}\n\n', 1),
        (b'{"a":1}\n{"b":2}', 2),
        (b'data: {"a":1}', 1),
        (b": ping\n\n: ping\n\n\n\n", 0),
        (b"data:\n\n", 0),
        (b"", 0),
    ],
)
def test_odd_forms_are_taken(raw, n_events):
    assert len(events(raw)) == n_events


def test_an_event_is_given_as_soon_as_it_is_whole():
    stream = EventStream()
    assert list(stream.feed(b'data: {"a":1}')) == []
    assert list(stream.feed(b"\n")) == ['{"a":1}']


@pytest.mark.parametrize(
    "raw", [b"data: <html>\n\n", b'data: {"a":\n\n', b"data: 5\n\n", b"data: " + b"[" * 9999 + b"\n\n"]
)
def test_what_is_not_json_is_named_so_without_its_text(raw):
    with pytest.raises(Malformed, match=r"^a chunk that isn't JSON$"):
        events(raw)


def test_an_endless_event_is_refused():
    stream = EventStream()
    for _ in range(64):
        assert list(stream.feed(b"x" * 2**16)) == []
    with pytest.raises(Malformed, match="over"):
        list(stream.feed(b"x"))


def test_a_character_in_two_escapes_is_mended():
    pairs = SurrogatePairs()
    first, second = '{"choices":[{"delta":{"content":"a\\ud83d"}}]}', '{"choices":[{"delta":{"content":"\\ude42b"}}]}'
    assert [delta(data, pairs).text for data in (first, second)] == ["a", "🙂b"]
    assert delta('{"choices":[{"delta":{"content":"\\ude42"}}]}', pairs).text == "\ufffd"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ('{"choices":[]}', Delta()),
        ('{"choices":null,"usage":null}', Delta()),
        ('{"choices":[{"delta":{"role":"assistant"}}]}', Delta()),
        ('{"choices":[{"delta":null,"finish_reason":"length"}]}', Delta(finish="length")),
        ('{"choices":[{"index":1,"delta":{"content":"other"}}]}', Delta()),
        ('{"choices":[{"delta":{"content":null,"refusal":"No."}}]}', Delta(text="No.")),
        ('{"choices":[{"delta":{"content":[{"type":"text","text":"a"},{"text":"b"}]}}]}', Delta(text="ab")),
        ('{"choices":[{"delta":{},"finish_reason":"some_new_one"}]}', Delta(finish="stop")),
        ('{"choices":[{"delta":{},"finish_reason":"function_call"}]}', Delta(finish="tool_calls")),
        ('{"usage":{"prompt_tokens":3,"completion_tokens":4}}', Delta(usage=Usage(3, 4))),
        ('{"usage":{"prompt_tokens":"3"}}', Delta()),
    ],
)
def test_what_chunks_say(data, expected):
    assert delta(data, SurrogatePairs()) == expected


@pytest.mark.parametrize("data", ['{"choices":[5]}', '{"choices":{"a":1}}', '{"choices":[{"delta":{"content":5}}]}'])
def test_chunks_of_another_shape_are_refused(data):
    with pytest.raises(Malformed):
        delta(data, SurrogatePairs())


def test_log_probabilities_are_kept_with_their_bytes():
    entry = {"token": "é", "logprob": -0.5, "bytes": [195, 169], "top_logprobs": [{"token": "e", "logprob": -1.5}]}
    bare = {"token": "a", "logprob": -1}
    data = json.dumps({"choices": [{"delta": {"content": "éa"}, "logprobs": {"content": [entry, bare]}}]})
    one, other = delta(data, SurrogatePairs()).choices
    assert (one.text, one.log_prob, one.top, one.raw) == ("é", -0.5, (("e", -1.5),), "é".encode())
    assert (other.top, other.raw) == ((), b"a")


def test_an_answer_in_one_piece_is_read_too():
    body = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}], "usage": None}
    assert whole_answer(body) == Delta(text="Hi", finish="stop")
    for odd in ([], {}, {"choices": []}, {"choices": ["x"]}):
        with pytest.raises(Malformed):
            whole_answer(odd)
