"""What a stress run was to do: kept beside its trials, and all that results need to know besides them."""

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from holdtrue.records.base import Record
from holdtrue.records.hold_spec import HoldSpec

__all__ = ["StressArm", "StressDesign"]


class StressArm(Record):
    """A way of holding, compared with others on the same trials."""

    schema_id: ClassVar[str] = "holdtrue.stress-arm/1"

    name: str = Field(min_length=1, max_length=80)
    direction: Literal["axis", "random", "reversed"] = "axis"
    """What the cap holds along: the axis, a random direction of the same norm and floors, or the axis turned around."""
    hold: HoldSpec
    script: Literal["steady", "yields"] | None = None
    """A planted policy that answers in the model's place, to see whether the test sees it."""
    expected: Literal["worse", "same", "open"] = "open"
    """What the test must see in it if the test works, compared with the free arm; `open` is what is being asked."""


class StressDesign(Record):
    """A stress run, fixed before its first trial."""

    schema_id: ClassVar[str] = "holdtrue.stress-design/1"

    model: str
    weights_digest: str
    axis_digest: str | None = None
    """None without an axis."""
    dtype: str | None = None
    """Precision of the weights; None for a model behind an API."""
    preset: str
    seed: int = Field(ge=0)
    arms: tuple[StressArm, ...] = Field(min_length=1)
    kinds: tuple[str, ...] = ()
    families: int = Field(ge=0)
    """Of each kind, at most."""
    variants: int = Field(ge=1)
    """Of each family."""
    margin: float = Field(default=0.05, gt=0, lt=1)
    """The loss of capability that would still count as none: a share of the items."""
    planned: int = Field(ge=0)
    """Trials over all arms."""
    planned_items: int | None = Field(default=None, ge=0)
    """Capability items over all arms; None leaves them out of what must be complete."""
    version: str
    """Of the package that ran it."""

    @model_validator(mode="after")
    def _arms_differ(self) -> "StressDesign":
        names = [arm.name for arm in self.arms]
        if len(set(names)) < len(names):
            message = f"arms must have different names; got {', '.join(names)}"
            raise ValueError(message)
        return self
