"""Tools in plain text: told in the system prompt, called in the answer, for models whatever their template knows."""

import json
import math
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from inspect_ai.tool import ToolCall, ToolChoice, ToolFunction, ToolInfo

from holdtrue.records import is_unicode

__all__ = ["CALL_END", "call_text", "parsed_calls", "result_text", "tools_text"]

CALL_START: Final = "<tool_call>"
CALL_END: Final = "</tool_call>"
UNKNOWN: Final = "unknown"
"""Stands for the function of a call that names none."""
DEEPEST: Final = 64
"""Levels of nesting that an argument may have: a log can't hold any number of them."""

_BLOCK: Final = re.compile(r"<tool_call>(.*?)(?:</tool_call>|(?=<tool_call>)|\Z)", re.DOTALL)
_FENCE: Final = re.compile(r"```[a-z_]*[ \t]*\n(.*?)(?:```|\Z)", re.DOTALL)
_NAMED: Final = re.compile(r'"name"\s*:\s*"([^"\\]+)"')


def tools_text(tools: Sequence[ToolInfo], choice: ToolChoice) -> str:
    """What a system prompt says about tools.

    Args:
        tools: those on offer.
        choice: `auto`, `any`, `none`, or one by name.

    Returns:
        Empty where no tool may be called.
    """
    if isinstance(choice, ToolFunction):
        tools = [tool for tool in tools if tool.name == choice.name]
    if choice == "none" or not tools:
        return ""
    listed = "\n".join(json.dumps(_schema(tool), ensure_ascii=False) for tool in tools)
    must = {"auto": "Call a tool where it helps, else answer in words.", "any": "You must call at least one tool now."}
    asked = f"You must call {choice.name} now." if isinstance(choice, ToolFunction) else must[choice]
    return (
        f"You can call these tools, each described by a JSON schema:\n{listed}\n\n"
        "To call one, write a JSON object with its name and arguments between tags, and then stop:\n"
        f'{CALL_START}{{"name": "NAME", "arguments": {{"ARGUMENT": "VALUE"}}}}{CALL_END}\n'
        f"The result comes with the next message. {asked}"
    )


def call_text(name: str, arguments: Mapping[str, Any]) -> str:
    """A call as the model is told to write it."""
    return f"{CALL_START}{json.dumps({'name': name, 'arguments': dict(arguments)}, ensure_ascii=False)}{CALL_END}"


def result_text(name: str | None, text: str, error: str | None) -> str:
    """What a tool gave back, as the next message says it."""
    return f"Result of {name or 'the tool'}: " + (f"error: {error}" if error is not None else text)


def parsed_calls(answer: str, tools: Sequence[ToolInfo]) -> tuple[str, list[ToolCall]]:
    """Find the calls in an answer.

    Tagged calls count whatever is in them. Without any, a fenced block or a whole answer counts if it is an object with
    the name of a tool and its arguments.

    Args:
        answer: what the model wrote, thinking aside.
        tools: those on offer.

    Returns:
        The answer without the calls that could be read, and all calls. One that can't be read has a `parse_error` and
        stays in the text, so that the model sees what it wrote.
    """
    for pattern, strict in ((_BLOCK, False), (_FENCE, True), (re.compile(r"\A\s*(\{.*)\Z", re.DOTALL), True)):
        calls: list[ToolCall] = []
        rest, end = "", 0
        for found in pattern.finditer(answer):
            call = _call(found[1], tools, strict=strict)
            if call is None:
                continue
            calls.append(call)
            rest += answer[end : found.end() if call.parse_error else found.start()]
            end = found.end()
        if calls:
            return (rest + answer[end:]).strip(), calls
    return answer, []


def _call(block: str, tools: Sequence[ToolInfo], *, strict: bool) -> ToolCall | None:
    """The call in a block; None for a block that isn't one, which only an untagged one may be."""
    fence = _FENCE.search(block)
    body = fence[1] if fence and not strict else block
    try:
        name, arguments = _read(body, tools, strict=strict)
    except (ValueError, RecursionError) as error:
        if strict:
            return None
        named = _NAMED.search(body)
        return ToolCall(
            id=_new_id(),
            function=named[1] if named else UNKNOWN,
            arguments={},
            parse_error=f"This call can't be read ({_short(str(error))}): {_short(body.strip())}",
        )
    if strict and name not in [tool.name for tool in tools]:
        return None  # any JSON may have a name
    return ToolCall(id=_new_id(), function=name, arguments=arguments)


def _read(body: str, tools: Sequence[ToolInfo], *, strict: bool) -> tuple[str, dict[str, Any]]:
    """Name and arguments.

    Raises:
        ValueError, RecursionError: it isn't a call; the message is for the model.
    """
    value = _object(body)
    name = value.get("name")
    if not isinstance(name, str) or not name:
        message = 'it has no "name"'
        raise ValueError(message)
    if strict and not {"arguments", "parameters"} & value.keys():
        message = 'it has no "arguments"'
        raise ValueError(message)
    given = value.get("arguments", value.get("parameters"))
    if isinstance(given, str):
        given = _maybe_object(given)
    if not isinstance(given, dict | None):
        # A bare value is meant for the only parameter there is.
        known = [list(tool.parameters.properties) for tool in tools if tool.name == name]
        if len(known) != 1 or len(known[0]) != 1:
            message = '"arguments" must be an object'
            raise ValueError(message)
        given = {known[0][0]: given}
    if not is_unicode(value) or _too_deep(value, DEEPEST):
        message = "its arguments are nested too deep, or are no text"
        raise ValueError(message)
    return name, given or {}


def _object(body: str) -> dict[str, Any]:
    start = body.find("{")
    if start < 0:
        message = "there is no JSON object"
        raise ValueError(message)
    text, problem = body[start:].rstrip(), ""
    # Small models often leave out the last braces.
    for missing in range(3):
        try:
            value, _ = _DECODER.raw_decode(text + "}" * missing)
        except ValueError as error:
            problem = problem or str(error)
        else:
            return dict(value)
    raise ValueError(problem)


def _maybe_object(text: str) -> object:
    try:
        value = _DECODER.decode(text)
    except ValueError:
        return text
    return value if isinstance(value, dict) else text


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        message = f"{text} is no number that JSON has"
        raise ValueError(message)
    return number


_DECODER: Final = json.JSONDecoder(parse_constant=_finite, parse_float=_finite)


def _too_deep(value: object, left: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return left < 0 or any(_too_deep(each, left - 1) for each in inner)


def _schema(tool: ToolInfo) -> dict[str, Any]:
    parameters = tool.parameters.model_dump(exclude_none=True)
    return {"name": tool.name, "description": tool.description, "parameters": parameters}


def _new_id() -> str:
    return f"call-{uuid.uuid4().hex[:12]}"


def _short(text: str, most: int = 400) -> str:
    return text if len(text) <= most else f"{text[:most]}…"
