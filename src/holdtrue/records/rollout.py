"""One finished rollout: a role (or the default assistant) answering one question."""

from typing import ClassVar

from holdtrue.records.base import Record

__all__ = ["DEFAULT_ROLE", "Rollout"]

DEFAULT_ROLE = "default"


class Rollout(Record):
    """A line of `rollouts.jsonl`.

    Token ids are carried as generated, never re-tokenised: whoever recomputes the activations starts from them.
    """

    schema_id: ClassVar[str] = "holdtrue.rollout/1"

    id: str
    """`role/prompt/question`, unique in its run."""
    role: str
    """The role's name; `default` for the assistant itself."""
    prompt_id: str
    """Which of the role's system prompts, or of the default prompts."""
    question_id: str
    prompt_token_ids: tuple[int, ...]
    response_token_ids: tuple[int, ...]
    """What the model produced, without end-of-sequence or template tokens."""
    text: str
    seed: int
    adherence: float | None
    """The score of the adherence check, in its own unit; None where it does not apply."""
    accepted: bool
    """Whether the rollout counts towards its role's vector."""
