"""OpenAI's wire format: bytes to requests, answers to JSON and streams."""

from holdtrue.serve.wire.answer import (
    Choice,
    Stamp,
    chunk,
    completion,
    completion_id,
    fingerprint,
    finish_chunk,
    last_chunk,
    model_object,
    models_list,
    role_chunk,
    usage_object,
)
from holdtrue.serve.wire.holds import hold_field, named_hold
from holdtrue.serve.wire.json_body import json_object
from holdtrue.serve.wire.messages import digest_after, digest_before, history_digest, parse_messages
from holdtrue.serve.wire.request import ChatRequest, check_model, parse_chat
from holdtrue.serve.wire.sse import DONE, KEEP_ALIVE, event

__all__ = [
    "DONE",
    "KEEP_ALIVE",
    "ChatRequest",
    "Choice",
    "Stamp",
    "check_model",
    "chunk",
    "completion",
    "completion_id",
    "digest_after",
    "digest_before",
    "event",
    "fingerprint",
    "finish_chunk",
    "history_digest",
    "hold_field",
    "json_object",
    "last_chunk",
    "model_object",
    "models_list",
    "named_hold",
    "parse_chat",
    "parse_messages",
    "role_chunk",
    "usage_object",
]
