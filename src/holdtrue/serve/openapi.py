"""What `/openapi.json` says of the chat endpoint, whose body is parsed by hand."""

from typing import Any, Final

__all__ = ["CHAT"]

_TEXT: Final = {"type": "string"}
_MESSAGE: Final = {
    "type": "object",
    "required": ["role", "content"],
    "properties": {"role": {"enum": ["system", "developer", "user", "assistant"]}, "content": _TEXT},
}
_REQUEST: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["model", "messages"],
    "additionalProperties": False,
    "properties": {
        "model": _TEXT,
        "messages": {"type": "array", "minItems": 1, "items": _MESSAGE},
        "stream": {"type": "boolean"},
        "stop": {"anyOf": [_TEXT, {"type": "array", "maxItems": 4, "items": _TEXT}]},
        "max_tokens": {"type": "integer", "minimum": 1, "maximum": 2**31 - 1},
        "max_completion_tokens": {"type": "integer", "minimum": 1, "maximum": 2**31 - 1},
        "temperature": {"type": "number", "minimum": 0, "maximum": 2},
        "top_p": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        "seed": {"type": "integer"},
        "n": {"type": "integer", "minimum": 1, "maximum": 8},
        "logprobs": {"type": "boolean"},
        "top_logprobs": {"type": "integer", "minimum": 0, "maximum": 20},
        "user": _TEXT,
        "holdtrue": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"hold": _TEXT, "session": _TEXT, "tokens": {"type": "boolean"}},
        },
    },
}
_ERROR: Final[dict[str, Any]] = {
    "description": "One shape for every error.",
    "content": {"application/json": {"schema": {"type": "object", "required": ["error"]}}},
}

CHAT: Final[dict[str, Any]] = {
    "openapi_extra": {"requestBody": {"required": True, "content": {"application/json": {"schema": _REQUEST}}}},
    "responses": dict.fromkeys((400, 401, 403, 404, 408, 413, 422, 429, 503, 504), _ERROR),
}
