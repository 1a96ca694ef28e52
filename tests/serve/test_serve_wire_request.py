"""Bodies of chat requests: read as OpenAI reads them, or refused by name; never a 500."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdtrue.hold import PRESETS
from holdtrue.records import HoldSpec
from holdtrue.serve.failures import ApiError
from holdtrue.serve.wire import ChatRequest, check_model, json_object, named_hold, parse_chat

USER = {"role": "user", "content": "Hello"}
MINIMAL = {"model": "smol", "messages": [USER]}


def parse(**fields) -> ChatRequest:
    return parse_chat(json.dumps({**MINIMAL, **fields}).encode())


def refusal(raw: bytes) -> ApiError:
    with pytest.raises(ApiError) as caught:
        parse_chat(raw)
    return caught.value


def refused(**fields) -> ApiError:
    return refusal(json.dumps({**MINIMAL, **fields}).encode())


def test_the_least_body_gets_openais_defaults():
    assert parse() == ChatRequest(model="smol", messages=(USER,))


def test_a_full_body_is_read():
    request = parse(
        stream=True,
        stream_options={"include_usage": True},
        stop=["\n\n", "END"],
        max_tokens=50,
        max_completion_tokens=20,
        temperature=0,
        top_p=0.5,
        seed=-(2**63),
        n=8,
        logprobs=True,
        top_logprobs=20,
        holdtrue={"hold": "gentle", "session": "a.b:c-1_2", "tokens": True},
    )
    assert request.stream
    assert request.include_usage
    assert request.stop == ("\n\n", "END")
    assert (request.max_tokens, request.temperature, request.top_p) == (20, 0.0, 0.5)
    assert (request.n, request.top_logprobs) == (8, 20)
    assert (request.hold, request.session, request.tokens) == ("gentle", "a.b:c-1_2", True)


def test_a_request_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        parse().n = 2


def test_null_counts_as_absent():
    nulls = dict.fromkeys(set(FIELDS) - {"model", "messages"})
    assert parse(**nulls) == parse()
    assert parse(holdtrue={"hold": None, "session": None, "tokens": None}) == parse()


@pytest.mark.parametrize(
    "field",
    [
        {"user": "ada"},
        {"metadata": {"a": "b"}},
        {"store": False},
        {"service_tier": "auto"},
        {"parallel_tool_calls": True},
        {"presence_penalty": 0},
        {"frequency_penalty": 0.0},
        {"response_format": {"type": "text"}},
        {"modalities": ["text"]},
        {"logit_bias": {}},
        {"tools": []},
        {"tool_choice": "none"},
    ],
    ids=lambda field: next(iter(field)),
)
def test_what_changes_nothing_is_let_through(field):
    assert parse(**field) == parse()


@pytest.mark.parametrize(
    "field",
    [
        {"tools": [{"type": "function"}]},
        {"functions": [{}]},
        {"tool_choice": {"type": "function"}},
        {"response_format": {"type": "json_object"}},
        {"response_format": {"type": "json_schema", "json_schema": {}}},
        {"response_format": "text"},
        {"presence_penalty": 0.1},
        {"frequency_penalty": False},
        {"logit_bias": {"50": -100}},
        {"audio": {"voice": "alloy"}},
        {"modalities": ["text", "audio"]},
        {"prediction": {"type": "content", "content": "x"}},
        {"reasoning_effort": "low"},
        {"web_search_options": {}},
    ],
    ids=lambda field: next(iter(field)),
)
def test_what_would_change_the_answer_is_refused_by_name(field):
    error = refused(**field)
    assert (error.status, error.code, error.param) == (400, "unsupported_parameter", next(iter(field)))


@pytest.mark.parametrize(
    ("field", "param"),
    [
        ({"model": None}, "model"),
        ({"model": 3}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": {}}, "messages"),
        ({"messages": []}, "messages"),
        ({"stream": 1}, "stream"),
        ({"stream": True, "stream_options": []}, "stream_options"),
        ({"stream": True, "stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"stop": ""}, "stop"),
        ({"stop": ["a", ""]}, "stop"),
        ({"stop": list("abcde")}, "stop"),
        ({"stop": [1]}, "stop"),
        ({"stop": 1}, "stop"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"max_tokens": 2.0}, "max_tokens"),
        ({"max_tokens": "2"}, "max_tokens"),
        ({"max_completion_tokens": 2**31}, "max_completion_tokens"),
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": 10**30}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"temperature": "0"}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"top_p": 1.01}, "top_p"),
        ({"seed": 2**63}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"n": 0}, "n"),
        ({"n": 9}, "n"),
        ({"logprobs": 3}, "logprobs"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"logprobs": False, "top_logprobs": 0}, "top_logprobs"),
        ({"holdtrue": "gentle"}, "holdtrue"),
        ({"holdtrue": {"session": ""}}, "holdtrue.session"),
        ({"holdtrue": {"session": "a" * 81}}, "holdtrue.session"),
        ({"holdtrue": {"session": "a\n"}}, "holdtrue.session"),
        ({"holdtrue": {"session": 7}}, "holdtrue.session"),
        ({"holdtrue": {"tokens": "yes"}}, "holdtrue.tokens"),
        ({"holdtrue": {"hold": 7}}, "holdtrue.hold"),
        ({"holdtrue": {"hold": ""}}, "holdtrue.hold"),
    ],
)
def test_a_wrong_value_is_refused_by_name(field, param):
    error = refused(**field)
    assert (error.status, error.param) == (400, param)
    assert error.kind == "invalid_request_error"
    assert param in error.message


@pytest.mark.parametrize(
    ("field", "param", "near"),
    [
        ({"temprature": 1}, "temprature", "temperature"),
        ({"holdtrue": {"sesion": "x"}}, "holdtrue.sesion", "session"),
        ({"stream": True, "stream_options": {"include_use": True}}, "stream_options.include_use", "include_usage"),
        ({"messages": [{**USER, "contents": ""}]}, "messages[0].contents", "content"),
    ],
)
def test_an_unknown_field_is_refused_with_the_nearest_known_one(field, param, near):
    error = refused(**field)
    assert (error.code, error.param) == ("unknown_parameter", param)
    assert f"did you mean '{near}'?" in error.message


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "isn't JSON: Expecting value at line 1, column 1"),
        (b"{\n'a'}", "line 2, column 1"),
        (b"[]", "a list; send one JSON object"),
        (b"null", "null; send one"),
        (b'{"a": NaN}', "NaN is no number"),
        (b'{"a": [-Infinity]}', "-Infinity is no number"),
        (b'{"a": 1e400}', "1e400 is too large"),
        (b'{"a": ' + b"9" * 5000 + b"}", "over 32 digits"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b'{"a": "\xff"}', "UTF-8 at byte 7"),
        (b'{"a": "\xed\xa0\x80"}', "UTF-8 at byte 7"),
        (rb'{"a": "\ud800"}', "half a surrogate pair"),
        (rb'{"\udfff": 1}', "half a surrogate pair"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "deeper than 64"),
        (b"[" * 200_000, "deeper than 64"),
        (b'{"a":' * 200_000, "deeper than 64"),
    ],
)
def test_bytes_that_are_no_strict_json_are_refused(raw, said):
    error = refusal(raw)
    assert (error.status, error.code) == (400, "invalid_json")
    assert said in error.message


def test_whole_surrogate_pairs_and_any_unicode_are_kept():
    assert json_object(rb'{"a": "\ud83d\ude00\u2028\u0000"}') == {"a": "😀\u2028\0"}


def test_a_messages_content_comes_as_text_or_as_parts():
    parts = [{"type": "text", "text": "He"}, {"type": "text", "text": "llo"}]
    request = parse(
        messages=[
            {"role": "developer", "content": "Be kind."},
            {"role": "user", "content": parts, "name": "ada"},
            {"role": "assistant", "content": None, "refusal": None, "tool_calls": [], "function_call": None},
            {"role": "assistant", "content": None, "refusal": "No."},
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "Never."}], "annotations": []},
            USER,
        ]
    )
    assert [tuple(message.values()) for message in request.messages] == [
        ("system", "Be kind."),
        ("user", "Hello"),
        ("assistant", ""),
        ("assistant", "No."),
        ("assistant", "Never."),
        ("user", "Hello"),
    ]


@pytest.mark.parametrize(
    ("message", "param", "code"),
    [
        ("hello", "messages[0]", "invalid_type"),
        ({"role": "tool", "content": "x", "tool_call_id": "1"}, "messages[0].role", "unsupported_parameter"),
        ({"role": "wizard", "content": "x"}, "messages[0].role", "invalid_value"),
        ({"role": ["user"], "content": "x"}, "messages[0].role", "invalid_value"),
        ({"role": {}, "content": "x"}, "messages[0].role", "invalid_value"),
        ({"content": "x"}, "messages[0].role", "invalid_value"),
        ({"role": "user"}, "messages[0].content", "invalid_type"),
        ({"role": "user", "content": None}, "messages[0].content", "invalid_type"),
        ({"role": "user", "content": []}, "messages[0].content", "invalid_value"),
        ({"role": "user", "content": ["x"]}, "messages[0].content[0]", "invalid_type"),
        ({"role": "user", "content": [{"type": "text"}]}, "messages[0].content[0].text", "invalid_type"),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]},
            "messages[0].content[0].type",
            "unsupported_content",
        ),
        ({"role": "user", "content": [{"type": []}]}, "messages[0].content[0].type", "unsupported_content"),
        ({"role": "assistant", "content": None, "refusal": 3}, "messages[0].refusal", "invalid_type"),
        ({"role": "assistant", "tool_calls": [{}]}, "messages[0].tool_calls", "unsupported_parameter"),
        ({"role": "assistant", "content": "done"}, "messages[0].role", "invalid_value"),
    ],
)
def test_a_message_that_cannot_be_shown_to_a_model_is_refused(message, param, code):
    error = refused(messages=[message])
    assert (error.status, error.param, error.code) == (400, param, code)


def test_seeds_fit_63_bits_and_differ():
    seeds = [parse(seed=seed).seed for seed in (0, 1, -1, 2**63 - 1, -(2**63))]
    assert len(set(seeds)) == 5
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert parse(seed=1).seed == seeds[1] == 3874038210105081456


def test_a_hold_may_be_written_out():
    spec = HoldSpec.model_validate({"cap": {"tau": 1, "band": [2, 5]}, "context": {"remind_every": 3}})
    fields = spec.model_dump(mode="json")
    assert parse(holdtrue={"hold": fields}).hold == spec
    assert parse(holdtrue={"hold": {"schema": "holdtrue.hold/1", **fields}}).hold == spec


@pytest.mark.parametrize(
    ("hold", "param", "said"),
    [
        ({"cap": {}}, "holdtrue.hold.cap", "not both"),
        ({"cap": {"fire": "0.05"}}, "holdtrue.hold.cap.fire", "valid number"),
        ({"cap": {"fire": 2}}, "holdtrue.hold.cap.fire", "less than 1"),
        ({"cap": {"tau": 1, "band": [5, 2]}}, "holdtrue.hold.cap", "first <= last"),
        ({"cup": {}}, "holdtrue.hold.cup", "not permitted"),
        ({"schema": "holdtrue.axis/1"}, "holdtrue.hold.schema", "left out"),
        ({"name": "a\nb"}, "holdtrue.hold.name", "one line"),
        ({"x" * 300: 1}, "holdtrue.hold." + "x" * 65 + "…", "not permitted"),
    ],
)
def test_a_hold_that_does_not_fit_is_refused_by_field(hold, param, said):
    error = refused(holdtrue={"hold": hold})
    assert (error.status, error.param) == (400, param)
    assert said in error.message


def test_holds_are_looked_up_by_name_and_never_as_files(tmp_path, monkeypatch):
    (tmp_path / "mine.json").write_text(HoldSpec(name="mine").to_json())
    monkeypatch.chdir(tmp_path)
    assert named_hold("gentle", PRESETS) is PRESETS["gentle"]
    assert named_hold(HoldSpec(name="own"), PRESETS).name == "own"
    for name, near in (("gentel", "did you mean 'gentle'?"), ("mine.json", "known: ")):
        with pytest.raises(ApiError, match=near.replace("?", r"\?")) as caught:
            named_hold(name, PRESETS)
        assert caught.value.code == "hold_not_found"


def test_a_model_that_is_not_served_is_not_found():
    check_model("smol", ["smollm2-135m", "smol"])
    with pytest.raises(ApiError, match=r"did you mean 'smol'\?") as caught:
        check_model("smal", ["smollm2-135m", "smol"])
    assert (caught.value.status, caught.value.code, caught.value.param) == (404, "model_not_found", "model")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = [
    "model", "messages", "stream", "stream_options", "stop", "max_tokens", "max_completion_tokens", "temperature",
    "top_p", "seed", "n", "logprobs", "top_logprobs", "holdtrue", "tools", "response_format", "logit_bias", "audio",
    "modalities", "prediction", "presence_penalty", "user", "tool_choice", "verbosity",
]  # fmt: skip


@given(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4))
def test_any_json_is_read_or_refused(fields):
    _read_or_refused(json.dumps({**MINIMAL, **fields}).encode())


@given(st.dictionaries(st.sampled_from(["role", "content", "name", "refusal", "tool_calls"]), JSON))
def test_any_message_is_read_or_refused(message):
    _read_or_refused(json.dumps({**MINIMAL, "messages": [message]}).encode())


@given(st.sampled_from(["hold", "session", "tokens"]), JSON, st.sampled_from(["cap", "context", "name"]))
def test_any_extension_is_read_or_refused(field, value, inner):
    for own in ({field: value}, {"hold": {inner: value}}):
        _read_or_refused(json.dumps({**MINIMAL, "holdtrue": own}).encode())


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(raw):
    _read_or_refused(raw)


def _read_or_refused(raw: bytes) -> None:
    try:
        parse_chat(raw)
    except ApiError as error:
        assert error.status == 400  # noqa: PT017
        assert error.message.isprintable()  # noqa: PT017
