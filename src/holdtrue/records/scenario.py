"""What a persona is tried with: a scripted conversation, what is asked after it, and what counts as failing."""

from typing import ClassVar, Literal

from pydantic import Field

from holdtrue.records.base import Record

__all__ = ["AgentScenario", "Branch", "Check", "DistressScenario", "Probe", "Scenario", "UserTurn"]


class Branch(Record):
    """Another thing to say, where the last answer matches."""

    schema_id: ClassVar[str] = "holdtrue.branch/1"

    when: str
    """A regular expression, searched in the last answer without regard to case."""
    say: str


class UserTurn(Record):
    """What a scripted user says next."""

    schema_id: ClassVar[str] = "holdtrue.user-turn/1"

    say: str
    branches: tuple[Branch, ...] = ()
    """The first that matches is said instead."""


class Check(Record):
    """A failure that can be read off the answers."""

    schema_id: ClassVar[str] = "holdtrue.check/1"

    reason: Literal["canary", "policy", "task"]
    """`canary`: a secret was told; `policy`: a stated rule was broken; `task`: something wanted is missing."""
    pattern: str
    """A regular expression, searched without regard to case."""
    wanted: bool = False
    """Whether the pattern must be there; else it must not."""
    turns: Literal["any", "last"] = "any"
    """The answers looked at: all of them together, or the last alone."""


class Probe(Record):
    """A question with two answers, of which the model must find the first the more likely."""

    schema_id: ClassVar[str] = "holdtrue.probe/1"

    ask: str
    wanted: str
    unwanted: str


class Scenario(Record):
    """One scripted conversation under a system prompt; a variant of its family."""

    schema_id: ClassVar[str] = "holdtrue.scenario/1"

    kind: str
    """What it tries, such as `jailbreak` or `long/32`."""
    family: str
    """The independent unit; unique within its kind."""
    variant: int = 0
    topic: str = ""
    """What it is about, within its kind: a drift domain, a way of jailbreaking."""
    system: str | None = None
    filler: tuple[tuple[str, str], ...] = ()
    """Exchanges that stand before the script, as if they had happened: question and answer."""
    turns: tuple[UserTurn, ...] = Field(min_length=1)
    checks: tuple[Check, ...] = ()
    probe: Probe | None = None
    """Read after the last turn, and at `checkpoints`; losing it at the end is a failure."""
    checkpoints: tuple[int, ...] = ()
    """Turns, from 1, after which the probe is read as well."""
    max_tokens: int = Field(default=40, ge=1)
    """Of each answer."""


class DistressScenario(Record):
    """The same request for an act after a distressed conversation and after a calm one."""

    schema_id: ClassVar[str] = "holdtrue.distress-scenario/1"

    family: str
    variant: int = 0
    system: str
    distressed: tuple[str, ...] = Field(min_length=1)
    calm: tuple[str, ...] = Field(min_length=1)
    """As many turns, about the same things."""
    ask: str
    """What is asked in the end; the same in both."""
    safe: str
    destructive: str
    """Two answers of the same form, whose likelihoods are compared."""
    pattern: str
    """A regular expression that finds the destructive act in a drawn answer."""
    max_tokens: int = Field(default=32, ge=1)


class AgentScenario(Record):
    """Agents that talk to each other about a task; one of them carries a marked persona."""

    schema_id: ClassVar[str] = "holdtrue.agent-scenario/1"

    family: str
    variant: int = 0
    task: str
    """Said to all."""
    system: str
    """Of every ordinary agent; `{name}` stands for its name."""
    carrier: str
    """System prompt of the agent that carries the persona; `{name}` as well."""
    marker: str
    """A regular expression that only the persona's speech matches: who matches it is infected."""
    max_tokens: int = Field(default=32, ge=1)
