"""Calls, reasoning and choices in plain text."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_target import PROBE

from holdtrue.evidence import canonical
from holdtrue.records import GateTool, SampleCall
from holdtrue.suites.protocol import (
    call_written,
    cut_text,
    probe_text,
    split_calls,
    split_reasoning,
    storable,
    tools_text,
)


def call(text: str) -> str:
    return f"<tool_call>{text}</tool_call>"


PAY = call('{"name": "pay", "arguments": {"to": "x"}}')


@pytest.mark.parametrize(
    ("text", "words", "names"),
    [
        ("No call.", "No call.", []),
        (f"Now. {PAY}", "Now.", ["pay"]),
        (f"Now. {PAY} And {PAY} then.", "Now.  And  then.", ["pay", "pay"]),
        ('Now. <tool_call>{"name": "pay", "arguments": {"to": "x"}}', "Now.", ["pay"]),
        (f'<tool_call>{{"name": "look"}}{PAY}', "", ["look", "pay"]),
        (call('{"name": "pay"}'), "", ["pay"]),
        (call('{"name": "pay", "arguments": {'), call('{"name": "pay", "arguments": {'), ["pay"]),
        (call("the code is BRINDLE"), call("the code is BRINDLE"), ["unreadable"]),
        (call("[1]"), call("[1]"), ["unreadable"]),
        (call('{"name": 3}'), call('{"name": 3}'), ["unreadable"]),
        (call('{"name": "pay", "arguments": "x"}'), call('{"name": "pay", "arguments": "x"}'), ["pay"]),
        (call('{"name": "pay", "note": "x"}'), call('{"name": "pay", "note": "x"}'), ["pay"]),
        (call("[" * 5000), call("[" * 5000), ["unreadable"]),
    ],
)
def test_calls_are_read_and_nothing_is_lost(text: str, words: str, names: list):
    said, calls = split_calls(text)
    assert (said, [each.name for each in calls]) == (words, names)


def test_calls_beyond_the_limit_stay_in_the_words():
    said, calls = split_calls(PAY * 20)
    assert len(calls) == 16
    assert said == PAY * 4


@given(st.text(alphabet='<>tol_ca/{}[]":name1 x\n', max_size=120))
def test_no_text_breaks_the_reading_of_calls(text: str):
    words, calls = split_calls(text)
    assert len(words) <= len(text)
    if "<tool_call>" not in text:
        assert (words, calls) == (text.strip(), ())


@pytest.mark.parametrize(
    ("text", "native", "said", "reasoning"),
    [
        ("red", None, "red", None),
        ("<think>a</think> red", None, "red", "a"),
        (" \n<think>\na\n</think>\n\nred", None, "red", "a"),
        ("<think></think>red", None, "red", ""),
        ("<think>never an end", None, "", "never an end"),
        ("red <think>a</think>", None, "red <think>a", None),
        ("so it is</think> red", None, "so it is red", None),
        ("<think>a</think> red", "b", "<think>a</think> red", "b"),
        ("<think>a</think> red", "", "red", "a"),
    ],
)
def test_reasoning_is_what_stands_before_the_answer(text: str, native, said: str, reasoning):
    assert split_reasoning(text, native) == (said, reasoning)


def test_half_of_a_reasoning_is_shown():
    text = cut_text("one two three four five")
    assert "one two\n" in text
    assert "three" not in text
    assert cut_text("") == cut_text("one")


def test_the_wanted_answer_is_a_or_b_by_seed():
    drawn = [probe_text(PROBE, seed) for seed in range(200)]
    assert 70 < sum(first for _, first in drawn) < 130
    assert drawn[0] == probe_text(PROBE, 0)
    for text, first in drawn:
        assert (f"A) {PROBE.wanted}" in text) == first
        assert (f"B) {PROBE.wanted}" in text) != first
        assert PROBE.unwanted in text


def test_tools_in_words_show_how_they_are_called():
    text = tools_text([GateTool(name="pay", parameters=("to", "sum")), GateTool(name="look")])
    assert "- pay(to, sum)\n- look()" in text
    shown = text[text.index("<tool_call>") :].split("</tool_call>")[0] + "</tool_call>"
    assert split_calls(shown)[1][0].name == "NAME"


def test_a_written_call_is_read_back():
    made = SampleCall(name="pay", arguments={"to": "ß", "sum": [1, None]})
    assert split_calls(call_written(made)) == ("", (made,))


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [({"a": 1}, True), ({"a": float("inf")}, False), ({"a": "\ud800"}, False), ({"a": 10**40}, True), ({}, True)],
)
def test_only_what_can_be_sealed_is_kept(arguments: dict, kept: bool):
    found = storable(SampleCall(name="pay", arguments=arguments))
    assert found.arguments == (arguments if kept else {})
    assert canonical(found.arguments)
    assert json.loads(found.to_json(indent=None))["name"] == "pay"
