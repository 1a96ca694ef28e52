"""What `/openapi.json` says of the endpoints whose input is parsed by hand."""

from collections.abc import Mapping
from typing import Any, Final

from holdtrue.serve.failures import ErrorBody

__all__ = ["CHAT", "RECENT", "SET_HOLD"]

_TEXT: Final = {"type": "string"}
_PART: Final = {
    "type": "object",
    "required": ["type", "text"],
    "additionalProperties": False,
    "properties": {"type": {"const": "text"}, "text": _TEXT},
}
_MESSAGE: Final = {
    "type": "object",
    "required": ["role", "content"],
    "additionalProperties": False,
    "properties": {
        "role": {"enum": ["system", "developer", "user", "assistant"]},
        "content": {"anyOf": [_TEXT, {"type": "array", "minItems": 1, "items": _PART}]},
        "name": _TEXT,
    },
}
_STOP: Final = {"type": "string", "minLength": 1}
_HOLD: Final = {
    "description": "A hold by name, as /v1/holdtrue lists them, or a hold spec.",
    "anyOf": [{"type": "string", "minLength": 1, "maxLength": 80}, {"type": "object"}],
}
_REQUEST: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["model", "messages"],
    "additionalProperties": False,
    "properties": {
        "model": _TEXT,
        "messages": {"type": "array", "minItems": 1, "items": _MESSAGE},
        "stream": {"type": "boolean"},
        "stop": {"anyOf": [_STOP, {"type": "array", "maxItems": 4, "items": _STOP}]},
        "max_tokens": {"type": "integer", "minimum": 1, "maximum": 2**31 - 1},
        "max_completion_tokens": {"type": "integer", "minimum": 1, "maximum": 2**31 - 1},
        "temperature": {"type": "number", "minimum": 0, "maximum": 2},
        "top_p": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        "seed": {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
        "n": {"type": "integer", "minimum": 1, "maximum": 8},
        "logprobs": {"type": "boolean"},
        "top_logprobs": {"type": "integer", "minimum": 0, "maximum": 20},
        "user": _TEXT,
        "holdtrue": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "hold": _HOLD,
                "session": {"type": "string", "pattern": "^[A-Za-z0-9_.:-]{1,80}$"},
                "tokens": {"type": "boolean"},
            },
        },
    },
}
_ERROR: Final[dict[str, Any]] = {"description": "One shape for every error.", "model": ErrorBody}


def _takes(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


CHAT: Final[dict[str, Any]] = {
    "openapi_extra": _takes(_REQUEST),
    "responses": dict.fromkeys((400, 401, 403, 404, 408, 413, 422, 429, 503, 504), _ERROR),
}
SET_HOLD: Final[dict[str, Any]] = {
    "openapi_extra": _takes(
        {"type": "object", "required": ["hold"], "additionalProperties": False, "properties": {"hold": _HOLD}}
    ),
    "responses": dict.fromkeys((400, 401, 403, 404, 408, 413, 503), _ERROR),
}
RECENT: Final[dict[str, Any]] = {
    "openapi_extra": {
        "parameters": [
            {
                "in": "query",
                "name": "limit",
                "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50},
            }
        ]
    },
    "responses": dict.fromkeys((400, 401, 403, 503), _ERROR),
}
