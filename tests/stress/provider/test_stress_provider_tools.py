import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inspect_ai.tool import ToolFunction, ToolInfo, ToolParam, ToolParams

from holdtrue.stress.provider.tools import call_text, parsed_calls, result_text, tools_text


def tool(name: str, *parameters: str) -> ToolInfo:
    properties = {each: ToolParam(type="string", description=f"The {each}.") for each in parameters}
    return ToolInfo(name=name, description=f"Does {name}.", parameters=ToolParams(properties=properties))


TOOLS = [tool("look_up", "key"), tool("add", "a", "b")]
TIDE = {"key": "tide"}
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
UNTAGGED = st.text().filter(lambda text: "<tool_call>" not in text)


@given(st.lists(st.dictionaries(st.text(), VALUES, max_size=3), min_size=1, max_size=3), UNTAGGED, UNTAGGED)
def test_calls_come_back_as_they_were_written(arguments: list[dict], before: str, after: str) -> None:
    # A tag's end within an argument ends the call: no text protocol can tell it apart.
    arguments = [each for each in arguments if "</tool_call>" not in json.dumps(each, ensure_ascii=False)] or [{}]
    answer = before + "".join(call_text("add", each) for each in arguments) + after
    said, calls = parsed_calls(answer, TOOLS)
    assert [(call.function, call.arguments, call.parse_error) for call in calls] == [
        ("add", a, None) for a in arguments
    ]
    assert said == (before + after).strip()
    assert len({call.id for call in calls}) == len(calls)


@given(
    st.text()
    | st.lists(
        st.sampled_from(
            [*'{}[]":,`\n', "<tool_call>", "</tool_call>", "```json\n", '"name"', '"add"', "1e999", "\\ud800", "x"]
        )
    ).map("".join)
)
@settings(max_examples=400)
def test_any_answer_is_read_without_an_error(answer: str) -> None:
    said, calls = parsed_calls(answer, TOOLS)
    if "<tool_call>" in answer:
        assert calls
    elif not calls:
        assert said == answer
    for call in calls:
        json.dumps(call.arguments, allow_nan=False).encode()
        assert call.function.strip() or call.parse_error


@pytest.mark.parametrize(
    ("answer", "function", "arguments"),
    [
        ('<tool_call>{"name": "look_up", "arguments": {"key": "tide"}}', "look_up", TIDE),
        ('<tool_call>\n```json\n{"name": "look_up", "arguments": {"key": "tide"}}\n```\n</tool_call>', "look_up", TIDE),
        ('<tool_call>{"name": "look_up", "arguments": {"key": "tide"}</tool_call>', "look_up", TIDE),
        ('<tool_call>{"name": "look_up", "arguments": "{\\"key\\": \\"tide\\"}"}</tool_call>', "look_up", TIDE),
        ('<tool_call>{"name": "look_up", "arguments": "tide"}</tool_call>', "look_up", TIDE),
        ('<tool_call>{"name": "look_up"}</tool_call>', "look_up", {}),
        ('<tool_call>call: {"name": "gone", "parameters": {"x": 1}} ok?</tool_call>', "gone", {"x": 1}),
        ('So:\n```json\n{"name": "add", "arguments": {"a": 1, "b": 2}}\n```', "add", {"a": 1, "b": 2}),
        ('```\n{"name": "add", "parameters": {"a": 1}}\n```', "add", {"a": 1}),
        ('{"name": "add", "arguments": {"a": 1}}', "add", {"a": 1}),
    ],
)  # fmt: skip
def test_near_misses_are_calls(answer: str, function: str, arguments: dict) -> None:
    said, [call] = parsed_calls(answer, TOOLS)
    assert (call.function, call.arguments, call.parse_error) == (function, arguments, None)
    assert said in {"", "So:"}


@pytest.mark.parametrize(
    "answer",
    [
        "Two and two make four.",
        'A record:\n```json\n{"name": "Ada", "born": 1815}\n```',
        '{"name": "Ada", "arguments": {}}',
        "```json\n[1, 2]\n```",
        '{"name": "add"}',
    ],
)
def test_other_json_is_no_call(answer: str) -> None:
    assert parsed_calls(answer, TOOLS) == (answer, [])


@pytest.mark.parametrize(
    ("block", "function"),
    [
        ('{"name": "add", "arguments": {"a": ', "add"),
        ('{"name": "add", "arguments": [1]}', "add"),
        ('{"name": "add", "arguments": {"a": NaN}}', "add"),
        ('{"name": "add", "arguments": {"a": "\\ud800"}}', "add"),
        ('{"name": "add", "arguments": {"a": ' + "[" * 90 + "]" * 90 + "}}", "add"),
        ('{"name": "add", "arguments": {"a": ' + "[" * 9000, "add"),
        ('{"arguments": {}}', "unknown"),
        ("add(1, 2)", "unknown"),
    ],
)
def test_a_call_that_cannot_be_read_says_so_and_stays_in_the_text(block: str, function: str) -> None:
    answer = f"Let me see. <tool_call>{block}</tool_call>"
    said, [call] = parsed_calls(answer, TOOLS)
    assert call.function == function
    assert call.arguments == {}
    assert call.parse_error
    assert len(call.parse_error) < 1000
    assert said == answer


def test_tools_are_told_by_choice() -> None:
    told = tools_text(TOOLS, "auto")
    assert all(json.dumps(each) in told for each in ("look_up", "add", "The key."))
    assert "<tool_call>" in told
    assert tools_text(TOOLS, "none") == tools_text([], "auto") == ""
    assert "must call at least one" in tools_text(TOOLS, "any")
    named = tools_text(TOOLS, ToolFunction(name="add"))
    assert "must call add" in named
    assert "look_up" not in named


def test_results_are_told() -> None:
    assert result_text("add", "5", None) == "Result of add: 5"
    assert result_text("add", "", "no such number") == "Result of add: error: no such number"
