"""A conversation as text, whoever wrote it."""

from typing import ClassVar, Literal

from holdtrue.records.base import Record

__all__ = ["Transcript", "Turn"]


class Turn(Record):
    """One message."""

    schema_id: ClassVar[str] = "holdtrue.turn/1"

    role: Literal["system", "user", "assistant"]
    content: str


class Transcript(Record):
    """A whole conversation."""

    schema_id: ClassVar[str] = "holdtrue.transcript/1"

    title: str
    source: str
    """Name of the file it came from, with the line number for JSONL."""
    model: str | None
    """Who spoke as the assistant, where the file says."""
    turns: tuple[Turn, ...]

    def messages(self) -> list[dict[str, str]]:
        """As chat-template messages."""
        return [{"role": turn.role, "content": turn.content} for turn in self.turns]
