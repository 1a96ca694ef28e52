"""Between Inspect's messages and plain ones: tool results become the user's, thinking stands in its tags."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, final

from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageTool,
    Content,
    ContentReasoning,
    ContentText,
)
from inspect_ai.tool import ToolInfo

from holdtrue.errors import TranscriptError
from holdtrue.models.spans import thinking_end
from holdtrue.stress.provider.tools import call_text, parsed_calls, result_text

__all__ = ["NOTE", "Tags", "Turn", "answered_message", "plain_turns", "with_tools"]

NOTE: Final = "holdtrue"
"""Where an answer's metadata has its reading."""
_UNREADABLE: Final = {"image": "an image", "audio": "sound", "video": "a film", "document": "a document"}


@final
@dataclass(frozen=True)
class Tags:
    """A model's thinking."""

    opening: str
    closing: str
    prompted: bool
    """Whether the generation prompt opens the thinking segment itself."""


@final
@dataclass(frozen=True)
class Turn:
    """A message as the model is shown it."""

    role: str
    content: str
    z: float | None = None
    """Of an answer of the model's own, where its metadata says so."""

    def plain(self) -> dict[str, str]:
        """Role and content."""
        return {"role": self.role, "content": self.content}


def plain_turns(messages: Sequence[ChatMessage], tags: Tags, axis_digest: str) -> tuple[Turn, ...]:
    """A conversation as text, neighbours of the same role joined: many templates take no two in a row.

    Args:
        messages: Inspect's.
        tags: of the model's thinking.
        axis_digest: readings of another axis don't count.

    Raises:
        TranscriptError: content that isn't text.
    """
    turns: list[Turn] = []
    for index, message in enumerate(messages):
        turn = _turn(message, index, tags, axis_digest)
        if turns and turns[-1].role == turn.role != "system":
            before = turns.pop()
            joined = "\n\n".join(filter(None, [before.content, turn.content]))
            turn = Turn(turn.role, joined, before.z if turn.z is None else turn.z)
        turns.append(turn)
    return tuple(turns)


def with_tools(turns: Sequence[Turn], text: str) -> tuple[dict[str, str], ...]:
    """Plain messages with what is said about tools at the end of the system prompt, or as one."""
    plain = [turn.plain() for turn in turns]
    if not text:
        return tuple(plain)
    if plain and plain[0]["role"] == "system":
        plain[0] = {"role": "system", "content": f"{plain[0]['content']}\n\n{text}"}
        return tuple(plain)
    return ({"role": "system", "content": text}, *plain)


def answered_message(
    answer: str, tags: Tags, tools: Sequence[ToolInfo], *, model: str, note: dict[str, Any], one_call: bool = False
) -> ChatMessageAssistant:
    """An answer as Inspect's message: thinking apart, tool calls read.

    Args:
        answer: what the model wrote.
        tags: of its thinking.
        tools: those it could call.
        model: its full name.
        note: its reading, for the metadata.
        one_call: whether calls after the first are left out.
    """
    thinking, said = _split(answer, tags)
    said, calls = parsed_calls(said, tools) if tools else (said, [])
    content: str | list[Content] = said
    if thinking:
        content = [ContentReasoning(reasoning=thinking), ContentText(text=said)]
    return ChatMessageAssistant(
        content=content,
        tool_calls=(calls[:1] if one_call else calls) or None,
        model=model,
        source="generate",
        metadata={NOTE: note},
    )


def _turn(message: ChatMessage, index: int, tags: Tags, axis_digest: str) -> Turn:
    content = _text(message.content, index, tags)
    if isinstance(message, ChatMessageTool):
        error = None if message.error is None else message.error.message
        return Turn("user", result_text(message.function, content, error))
    if isinstance(message, ChatMessageAssistant):
        # What couldn't be read as a call is in the content still.
        calls = [call_text(c.function, c.arguments) for c in message.tool_calls or [] if c.parse_error is None]
        return Turn("assistant", "\n".join(filter(None, [content, *calls])), _noted_z(message, axis_digest))
    return Turn(message.role, content)


def _noted_z(message: ChatMessage, axis_digest: str) -> float | None:
    note = (message.metadata or {}).get(NOTE)
    if not isinstance(note, dict) or note.get("axis_digest") != axis_digest:
        return None
    z = note.get("z")
    return float(z) if isinstance(z, int | float) and abs(z) < float("inf") else None


def _text(content: str | list[Content], index: int, tags: Tags) -> str:
    if isinstance(content, str):
        return content
    thoughts: list[str] = []
    said: list[str] = []
    for part in content:
        if isinstance(part, ContentReasoning):
            thoughts.append((part.summary or "") if part.redacted else part.reasoning)
        elif isinstance(part, ContentText):
            said.append(part.text)
        else:
            what = _UNREADABLE.get(part.type, part.type)
            message = f"message {index} holds {what}, and holdtrue's models read text alone; leave it out"
            raise TranscriptError(message)
    thinking = "\n".join(filter(None, thoughts))
    return (f"{tags.opening}\n{thinking}\n{tags.closing}\n\n" if thinking else "") + "\n".join(said)


def _split(answer: str, tags: Tags) -> tuple[str, str]:
    """Thinking and what was said after it, both without the blanks around them where there is thinking."""
    if tags.prompted and not answer.lstrip().startswith(tags.opening):
        answer = tags.opening + answer
    cut, start = thinking_end(answer, (tags.opening, tags.closing))
    if not cut:
        return "", answer
    thinking = answer[:cut].strip().removeprefix(tags.opening).removesuffix(tags.closing)
    return thinking.strip(), answer[start:].strip()
