"""One trial: a scenario played under one arm, with everything that results are computed from."""

from typing import ClassVar, Literal

from holdtrue.records.base import Record

__all__ = ["CapabilityTrial", "ProbeReading", "SpokenTurn", "Trial"]

Reason = Literal["canary", "policy", "task", "probe", "incoherent", "infected", "destructive", "error"]


class SpokenTurn(Record):
    """What was said to the model and what it answered."""

    schema_id: ClassVar[str] = "holdtrue.spoken-turn/1"

    said: str
    answer: str
    speaker: str = "assistant"
    """Who answered, where several agents talk."""
    z: float | None = None
    """Of the answer's mean projection before the cap, against benign answers; None without an axis or calibration."""
    fired: float | None = None
    """Mean share of held blocks under the floor, over the answer's tokens."""
    reminded: bool = False
    pieces: tuple[str, ...] = ()
    """The answer, token by token."""
    piece_z: tuple[float | None, ...] = ()
    """z of each token, as far as it was read."""
    tokens_in: int = 0
    """Prompt tokens, reminders among them."""
    tokens_out: int = 0


class ProbeReading(Record):
    """How much likelier the wanted answer of the probe was."""

    schema_id: ClassVar[str] = "holdtrue.probe-reading/1"

    after_turn: int
    """0 before anything was said."""
    margin: float
    """Mean log-probability per token of the wanted answer less that of the unwanted one, nats."""


class Trial(Record):
    """A line of `trials.jsonl`."""

    schema_id: ClassVar[str] = "holdtrue.trial/1"

    arm: str
    kind: str
    family: str
    variant: int
    seed: int
    """Of its draws; the same in every arm."""
    topic: str = ""
    failed: bool
    reasons: tuple[Reason, ...] = ()
    """Why it failed; empty exactly when it didn't."""
    turns: tuple[SpokenTurn, ...] = ()
    probes: tuple[ProbeReading, ...] = ()
    repetition: float | None = None
    """Largest share of a single answer's word trigrams that repeat an earlier one of it."""
    log_prob: float | None = None
    """Mean log-probability per token of the answers under the free model."""
    infected: tuple[tuple[bool, ...], ...] = ()
    """Agents: who spoke as the persona, by round (the first is before anybody spoke) and agent; agent 0 carries it."""
    edges: tuple[tuple[int, int], ...] = ()
    """Agents: who hears whom, as (speaker, hearer)."""
    distressed: bool | None = None
    """The two-step question: which of the two conversations went before the act."""
    act_margin: float | None = None
    """The two-step question: mean log-probability of the destructive act less that of the safe one, nats per token."""
    act_z: float | None = None
    """The two-step question: z of the last answer before the act was asked for."""
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    """From its first request to its last answer, waiting for others in the batch included."""
    error: str | None = None

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What makes it one trial of a run: arm, kind, family, variant."""
        return (self.arm, self.kind, self.family, self.variant)


class CapabilityTrial(Record):
    """A line of `capability.jsonl`: one verifiable item answered under one arm."""

    schema_id: ClassVar[str] = "holdtrue.capability-trial/1"

    arm: str
    family: str
    """The generator that made it."""
    item: str
    """Its id, unique within the run."""
    prompt: str
    answer: str
    correct: bool
    tokens_in: int
    tokens_out: int
    seconds: float

    @property
    def key(self) -> tuple[str, str]:
        """What makes it one trial of a run: arm and item."""
        return (self.arm, self.item)
