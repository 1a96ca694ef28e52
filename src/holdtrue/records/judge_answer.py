"""A judge's answer to one question about data, and what it cost."""

from typing import Any, ClassVar

from pydantic import Field

from holdtrue.records.base import Record

__all__ = ["JudgeAnswer"]


class JudgeAnswer(Record):
    """A line of `answers.jsonl`."""

    schema_id: ClassVar[str] = "holdtrue.judge-answer/1"

    material: str
    """sha256 of the texts that were judged."""
    rubric: str
    """sha256 of what the judge was told about them."""
    model: str
    """As Inspect knows it."""
    answer: dict[str, Any] | None
    """None where none could be read, twice."""
    raw: str = ""
    """The end of an answer that couldn't be read."""
    calls: int = Field(ge=1)
    input_tokens: int = Field(ge=0)
    """As the provider counted them, else estimated."""
    output_tokens: int = Field(ge=0)

    @property
    def key(self) -> tuple[str, str, str]:
        """What the answer holds for."""
        return (self.material, self.rubric, self.model)
