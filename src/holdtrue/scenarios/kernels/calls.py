"""Tool calls as kernels write them, ``pay("boat builder", 400)``, and as models are told to."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from holdtrue.records import GateTool

__all__ = ["call_text", "read_call", "read_tool"]

_SHAPE: Final = re.compile(r"([a-z][a-z0-9_]*)\((.*)\)", re.DOTALL)


def read_tool(text: str, result: str = "ok") -> GateTool:
    """A tool written as ``name(parameter, parameter)``.

    Raises:
        ValueError: it isn't.
    """
    name, inside = _parts(text)
    return GateTool(
        name=name, parameters=tuple(each.strip() for each in inside.split(",") if each.strip()), result=result
    )


def read_call(text: str, tools: Mapping[str, GateTool]) -> tuple[str, dict[str, Any]]:
    """A call written as ``name(argument, argument)`` with JSON arguments.

    Args:
        text: the call.
        tools: by name; the arguments take their parameters' names in order.

    Raises:
        ValueError: another shape, no such tool, or another number of arguments.
    """
    name, inside = _parts(text)
    if name not in tools:
        message = f"{text!r} calls a tool that isn't there; there are {', '.join(tools)}"
        raise ValueError(message)
    values = json.loads(f"[{inside}]")
    parameters = tools[name].parameters
    if len(values) != len(parameters):
        message = f"{text!r} has {len(values)} arguments; {name} takes {len(parameters)}"
        raise ValueError(message)
    return name, dict(zip(parameters, values, strict=True))


def call_text(text: str, tools: Mapping[str, GateTool]) -> str:
    """A kernel's call as a model writes it in plain text.

    Raises:
        ValueError: as for `read_call`.
    """
    name, arguments = read_call(text, tools)
    return f"<tool_call>{json.dumps({'name': name, 'arguments': arguments}, ensure_ascii=False)}</tool_call>"


def _parts(text: str) -> tuple[str, str]:
    shape = _SHAPE.fullmatch(text.strip())
    if shape is None:
        message = f"{text!r} is no call; write name(argument, argument)"
        raise ValueError(message)
    return shape[1], shape[2]
