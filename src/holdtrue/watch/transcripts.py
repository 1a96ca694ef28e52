"""Read conversations from files: OpenAI-style messages, and the reference project's transcripts."""

import json
from collections.abc import Iterator
from pathlib import Path

from holdtrue.errors import ArtifactError, TranscriptError
from holdtrue.records import Transcript, Turn, is_unicode, read_capped

__all__ = ["read_transcripts"]

MAX_BYTES = 64 * 2**20
SHAPES = (
    "a list of {role, content}, an object with `messages` (OpenAI) or `conversation` (assistant-axis), "
    "or JSONL with one of these a line"
)


def read_transcripts(path: Path) -> tuple[Transcript, ...]:
    """Every conversation in a JSON or JSONL file.

    Accepts a list of messages, an object with `messages` or `conversation` (its `system_prompt` comes first, its
    `title` and `model` are kept), or one of these per line. Content may be text, or OpenAI's list of text parts.

    Raises:
        TranscriptError: naming the file, the place and the mend.
    """
    try:
        text = read_capped(path, "a transcript", MAX_BYTES).removeprefix("\ufeff")
    except ArtifactError as error:
        raise TranscriptError(str(error)) from None
    found = tuple(_conversation(raw, where, path) for raw, where in _documents(text, path))
    if not found:
        message = f"{path}: empty; expected {SHAPES}"
        raise TranscriptError(message)
    return found


def _documents(text: str, path: Path) -> Iterator[tuple[object, str]]:
    try:
        yield json.loads(text), str(path)
    except (ValueError, RecursionError):
        pass
    else:
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            yield json.loads(line), f"{path}:{number}"
        except (ValueError, RecursionError) as error:
            message = f"{path}:{number}: not JSON ({error}); expected {SHAPES}"
            raise TranscriptError(message) from None


def _conversation(raw: object, where: str, path: Path) -> Transcript:
    if not is_unicode(raw):
        message = f"{where}: half a surrogate pair in its text, which isn't Unicode; save the conversation again"
        raise TranscriptError(message)
    if isinstance(raw, list):
        raw = {"messages": raw}
    if not isinstance(raw, dict):
        message = f"{where}: {type(raw).__name__} is not a conversation; expected {SHAPES}"
        raise TranscriptError(message)
    messages = raw.get("messages", raw.get("conversation"))
    if not isinstance(messages, list) or not messages:
        keys = ", ".join(sorted(map(str, raw))[:8]) or "none"
        message = f"{where}: no messages in it (keys: {keys}); expected {SHAPES}"
        raise TranscriptError(message)
    turns = [_turn(item, f"{where}, message {index}") for index, item in enumerate(messages)]
    system = raw.get("system_prompt")
    if isinstance(system, str) and system and turns[0].role != "system":
        turns.insert(0, Turn(role="system", content=system))
    if not any(turn.role == "assistant" for turn in turns):
        message = (
            f"{where}: no assistant message, so there is nothing to read; roles: {sorted({t.role for t in turns})}"
        )
        raise TranscriptError(message)
    title, model = raw.get("title"), raw.get("model")
    return Transcript(
        title=title if isinstance(title, str) else path.stem,
        # The name alone: reports are shown around, and folders are nobody else's business.
        source=where.replace(str(path), path.name, 1),
        model=model if isinstance(model, str) else None,
        turns=tuple(turns),
    )


def _turn(item: object, where: str) -> Turn:
    if not isinstance(item, dict):
        message = f"{where}: {str(item)[:60]!r} is not a message; expected {{role, content}}"
        raise TranscriptError(message)
    role, content = item.get("role"), item.get("content")
    if role == "developer":  # OpenAI's newer name for it
        role = "system"
    if role not in ("system", "user", "assistant"):
        message = f"{where}: role {role!r} is not system, user or assistant; leave tool messages out"
        raise TranscriptError(message)
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
        content = "".join(part for part in parts if isinstance(part, str))
    if content is None and role == "assistant":  # a turn that only called tools
        content = ""
    if not isinstance(content, str):
        message = f"{where}: content is {type(content).__name__}, expected text or a list of text parts"
        raise TranscriptError(message)
    return Turn(role=role, content=content)
