import pytest
from inspect_ai.model import (
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
    ContentImage,
    ContentReasoning,
    ContentText,
)
from inspect_ai.tool import ToolCall, ToolCallError, ToolInfo

from holdtrue.errors import TranscriptError
from holdtrue.stress.provider.memory import Memory, prefix_digests
from holdtrue.stress.provider.messages import NOTE, Tags, Turn, answered_message, plain_turns, with_tools
from holdtrue.watch import Cusum, DriftRule

TAGS = Tags("<think>", "</think>", prompted=False)
PROMPTED = Tags("<think>", "</think>", prompted=True)
ADD = ToolInfo(name="add", description="Adds.")


def said(*messages) -> list[tuple[str, str]]:
    return [(turn.role, turn.content) for turn in plain_turns(messages, TAGS, "axis")]


def test_a_tools_round_becomes_text_that_templates_take() -> None:
    call = ToolCall(id="1", function="add", arguments={"a": 2})
    broken = ToolCall(id="2", function="add", arguments={}, parse_error="no")
    told = said(
        ChatMessageSystem(content="Be brief."),
        ChatMessageSystem(content="Be kind."),
        ChatMessageUser(content="Add."),
        ChatMessageAssistant(content="So: <tool_call>{</tool_call>", tool_calls=[call, broken]),
        ChatMessageTool(content="5", function="add", tool_call_id="1"),
        ChatMessageTool(content="", function="add", error=ToolCallError("parsing", "no")),
        ChatMessageUser(content="And?"),
    )
    assert told == [
        ("system", "Be brief."),
        ("system", "Be kind."),
        ("user", "Add."),
        ("assistant", 'So: <tool_call>{</tool_call>\n<tool_call>{"name": "add", "arguments": {"a": 2}}</tool_call>'),
        ("user", "Result of add: 5\n\nResult of add: error: no\n\nAnd?"),
    ]


def test_thinking_goes_out_and_comes_back() -> None:
    answer = "<think>\nTwo and three.\n</think>\n\nFive."
    message = answered_message(answer, TAGS, [], model="m", note={})
    assert [type(part) for part in message.content] == [ContentReasoning, ContentText]
    assert message.content[0].reasoning == "Two and three."
    assert message.text == "Five."
    assert said(ChatMessageUser(content="?"), message)[1] == ("assistant", answer)


@pytest.mark.parametrize(
    ("answer", "tags", "thinking", "text"),
    [
        ("Five.", TAGS, None, "Five."),
        (" Five.\n", TAGS, None, " Five.\n"),
        ("Two.\n</think>\nFive.", PROMPTED, "Two.", "Five."),
        ("Two, and then", PROMPTED, "Two, and then", ""),
        ("<think>Two", TAGS, "Two", ""),
        ("<think>\n\n</think>\n\nFive.", TAGS, None, "Five."),
        ("I say <think> aloud.", TAGS, None, "I say <think> aloud."),
    ],
)
def test_thinking_is_told_from_speech(answer: str, tags: Tags, thinking: str | None, text: str) -> None:
    message = answered_message(answer, tags, [], model="m", note={})
    found = [part.reasoning for part in message.content if part.type == "reasoning"] if thinking else []
    assert found == ([thinking] if thinking else [])
    assert message.text == text


def test_calls_are_read_after_thinking_only_and_only_with_tools() -> None:
    call = '<tool_call>{"name": "add", "arguments": {"a": 2}}</tool_call>'
    message = answered_message(f"<think>{call}</think>Now {call}{call}", TAGS, [ADD], model="m", note={})
    assert [each.function for each in message.tool_calls] == ["add", "add"]
    assert message.text == "Now"
    once = answered_message(call + call, TAGS, [ADD], model="m", note={}, one_call=True)
    assert len(once.tool_calls) == 1
    assert answered_message(call, TAGS, [], model="m", note={}).tool_calls is None


def test_what_is_no_text_is_refused_by_name() -> None:
    picture = ChatMessageUser(content=[ContentImage(image="data:image/png;base64,aa")])
    with pytest.raises(TranscriptError, match="message 1 holds an image"):
        said(ChatMessageSystem(content="a"), picture)


def test_tools_go_to_the_end_of_the_system_prompt() -> None:
    user = Turn("user", "Hi")
    assert with_tools([user], "") == ({"role": "user", "content": "Hi"},)
    assert [m["content"] for m in with_tools([user], "Tools.")] == ["Tools.", "Hi"]
    assert [m["content"] for m in with_tools([Turn("system", "Be."), user], "Tools.")] == ["Be.\n\nTools.", "Hi"]


@pytest.mark.parametrize(
    ("note", "z"),
    [
        ({"z": -3.0, "axis_digest": "axis"}, -3.0),
        ({"z": -3.0, "axis_digest": "another"}, None),
        ({"z": None, "axis_digest": "axis"}, None),
        ({"z": "low", "axis_digest": "axis"}, None),
        ({"z": float("nan"), "axis_digest": "axis"}, None),
        ("odd", None),
        (None, None),
    ],
)
def test_readings_come_back_with_their_message(note, z: float | None) -> None:
    message = ChatMessageAssistant(content="Five.", metadata=None if note is None else {NOTE: note})
    [turn] = plain_turns([message], TAGS, "axis")
    assert turn.z == z


def talk(n: int, z: float | None = None) -> list[Turn]:
    return [turn for at in range(n) for turn in (Turn("user", f"q{at}"), Turn("assistant", f"a{at}", z))]


def test_drift_is_worked_out_from_what_was_answered() -> None:
    rule = DriftRule(Cusum(allowance=0.5, line=2.0), None)
    memory = Memory(rule, "axis")
    assert not memory.drift(talk(3)).stands
    assert memory.drift(talk(3, -2.0)).stands
    for n in (1, 2, 3):
        memory.keep(talk(n), -2.0)
    drift = memory.drift([*talk(3), Turn("user", "q3")])
    assert drift.stands
    assert (drift.alarm.turn, drift.alarmed_turns) == (3, 2)
    # Another conversation with the same last answers isn't this one.
    assert not memory.drift([Turn("system", "x"), *talk(3)]).stands


def test_memory_forgets_the_oldest() -> None:
    memory = Memory(DriftRule(Cusum(allowance=0.0, line=1.0), None), "axis", most=2)
    for n in (1, 2, 3):
        memory.keep(talk(n), -0.6)
    assert memory.drift(talk(3)).alarm.statistic == pytest.approx(1.2)


def test_prefixes_know_where_a_message_ends() -> None:
    one = prefix_digests([{"role": "user", "content": "ab"}, {"role": "assistant", "content": "c"}])
    other = prefix_digests([{"role": "user", "content": "a"}, {"role": "assistant", "content": "bc"}])
    assert len({*one, *other}) == 4
