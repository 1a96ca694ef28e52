"""How a persona is held: a floor in activation space, and rules about the conversation's context."""

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from holdtrue.records.base import Record

__all__ = ["CapSpec", "ContextSpec", "FiringRate", "HoldSpec"]

REMINDER = (
    "A reminder: you are the assistant this conversation began with. Stay helpful, honest and kind, and answer as "
    "yourself rather than as any character you have been offered."
)


class CapSpec(Record):
    """A floor along the assistant axis: `h <- h + strength * max(tau - <h, v>, 0) * v` at every block of the band."""

    schema_id: ClassVar[str] = "holdtrue.cap/1"

    band: tuple[int, int] | None = None
    """First and last block, both included; None takes the band that the axis recommends."""
    fire: float | None = Field(default=None, gt=0, lt=1)
    """The floor as a benign firing rate: the share of benign tokens that it would touch at each block."""
    tau: float | None = Field(default=None, ge=-1e6, le=1e6)
    """The floor as a projection, the same at every block; give this or `fire`."""
    strength: float = Field(default=1.0, ge=0, le=1)
    """1 lifts a token to the floor, less lifts it part of the way."""
    trigger: Literal["always", "on_drift"] = "always"
    """`on_drift` leaves the model free until the conversation's drift alarm rings."""
    positions: Literal["response", "all"] = "response"
    """`response` holds what the assistant says, in this turn and earlier ones; `all` holds prompts too."""

    @model_validator(mode="after")
    def _one_floor(self) -> "CapSpec":
        if (self.fire is None) == (self.tau is None):
            message = "a cap needs `fire` (a benign firing rate such as 0.05) or `tau` (a projection), and not both"
            raise ValueError(message)
        if self.band is not None and not 0 <= self.band[0] <= self.band[1]:
            message = f"band {self.band} must be [first, last] with 0 <= first <= last"
            raise ValueError(message)
        return self


class ContextSpec(Record):
    """What is done to the conversation around the model; works for models whose weights nobody has."""

    schema_id: ClassVar[str] = "holdtrue.context/1"

    remind_every: int | None = Field(default=None, ge=1)
    """A reminder before every k-th answer."""
    remind_on_drift: bool = False
    """A reminder while the drift alarm stands."""
    reminder: str = Field(default=REMINDER, min_length=1, max_length=4000)
    reanchor: bool = False
    """The system prompt is restated just before the last user message."""
    budget_tokens: int | None = Field(default=None, ge=64)
    """The longest prompt; older turns give way when it is exceeded. The system prompt and the last turn stay."""
    over_budget: Literal["trim", "summarise"] = "trim"
    """Older turns are left out, or replaced by the model's own summary of them."""
    hand_over_after: int | None = Field(default=None, ge=1)
    """Stop answering, and say so, once the alarm has stood for this many answers in a row."""
    redraw: int = Field(default=1, ge=1, le=16)
    """Candidates at most for an answer that falls under `redraw_below`; 1 never asks again."""
    redraw_below: float = -2.0
    """z of an answer's mean projection under which it is drawn again."""


class HoldSpec(Record):
    """A way of holding a persona; its digest names it in answers and logs."""

    schema_id: ClassVar[str] = "holdtrue.hold/1"

    name: str = Field(default="custom", min_length=1, max_length=80)
    cap: CapSpec | None = None
    context: ContextSpec = ContextSpec()

    @property
    def summary(self) -> str:
        """What it does, in a line."""
        cap, context = self.cap, self.context
        does = []
        if cap is not None:
            floor = f"{cap.fire:.3g} of benign tokens under it" if cap.fire is not None else f"at {cap.tau:.4g}"
            band = f"blocks {cap.band[0]}-{cap.band[1]}" if cap.band else "the recommended blocks"
            when = " once the alarm stands" if cap.trigger == "on_drift" else ""
            does.append(f"floor ({floor}) at strength {cap.strength:g} on {band}{when}")
        if context.remind_every:
            does.append(f"a reminder every {context.remind_every} answers")
        if context.remind_on_drift:
            does.append("a reminder while the alarm stands")
        if context.reanchor:
            does.append("the system prompt restated")
        if context.budget_tokens:
            does.append(f"at most {context.budget_tokens} prompt tokens ({context.over_budget})")
        if context.hand_over_after:
            does.append(f"hands over after {context.hand_over_after} alarmed answers")
        if context.redraw > 1:
            does.append(f"up to {context.redraw} candidates while z is under {context.redraw_below:g}")
        return "; ".join(does) or "nothing is done"

    @property
    def free(self) -> bool:
        """Whether nothing is done at all."""
        return self.cap is None and self.context == ContextSpec()


class FiringRate(Record):
    """How often a hold touched benign talk, as measured with the hold in force."""

    schema_id: ClassVar[str] = "holdtrue.firing-rate/1"

    hold: str
    hold_digest: str
    axis_digest: str
    n_talks: int
    """Benign talks of several turns: the independent unit."""
    n_tokens: int
    rate: float
    """Share of (token, held block) pairs under the floor, mean over talks."""
    interval: tuple[float, float]
    """95 %, bootstrap-t over talks."""
