"""Who is gated: the target, and the same model without its hold, from which eligibility is read off."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, final

from holdtrue.errors import SettingError
from holdtrue.records import GateItem
from holdtrue.suites.inspected import InspectTarget
from holdtrue.suites.options import GateOptions
from holdtrue.suites.scripted import scripted_policy
from holdtrue.suites.target import Target

__all__ = ["Subject", "open_subject"]

_SCRIPTED: Final = "scripted/"
_FREE: Final = "free"


@final
@dataclass(frozen=True)
class Subject:
    """Targets by item, and what they are called in the pre-registration."""

    name: str
    free_name: str
    target: Callable[[GateItem], Target]
    free: Callable[[GateItem], Target]
    weights: str | None = None
    axis: str | None = None
    hold: str | None = None
    template: str | None = None
    dtype: str | None = None
    """Of the weights, where the model runs here."""
    organism: Callable[[GateItem], Target] | None = None
    """The same model held away from the assistant, where it has an axis: it should fail more."""
    close: Callable[[], None] = lambda: None

    @property
    def held(self) -> bool:
        """Whether the two differ."""
        return self.name != self.free_name


def open_subject(options: GateOptions) -> Subject:
    """Find and load what is gated.

    Raises:
        HoldtrueError: no such model, policy, axis or hold; one line that says what to write.
    """
    if options.model.startswith(_SCRIPTED):
        policy = scripted_policy(options.model.removeprefix(_SCRIPTED))
        return Subject(options.model, options.model, policy, policy)
    if options.axis is not None:
        return _held(options)
    if "/" not in options.model:
        message = (
            f"model {options.model!r} without an axis must be a model string that Inspect knows, such as "
            "openai/gpt-4o-mini, or scripted/clean; give --axis DIR to run it here (`holdtrue axis fit` makes one)"
        )
        raise SettingError(message)
    opened = InspectTarget(options.model, temperature=options.temperature)
    free = InspectTarget(opened.model, temperature=options.twin_temperature)
    return Subject(options.model, options.model, lambda _: opened, lambda _: free)


def _held(options: GateOptions) -> Subject:
    from holdtrue.axis import load_axis
    from holdtrue.hold import hold_spec
    from holdtrue.models import quick_dtype

    axis = load_axis(str(options.axis)).card
    dtype = quick_dtype(options.device, options.dtype)
    placed = {"axis": str(options.axis), "device": options.device, "dtype": dtype, "max_rows": options.rows}
    hold = hold_spec(options.hold or _FREE)
    name = f"holdtrue/{options.model}"
    target = InspectTarget(name, temperature=options.temperature, hold=options.hold or _FREE, **placed)
    free = InspectTarget(target.model, temperature=options.twin_temperature)
    if hold.name != _FREE:
        free = InspectTarget(name, temperature=options.twin_temperature, hold=_FREE, **placed)

    # As far as hardly any benign token lies by itself, and a name of its own in logs.
    bent = InspectTarget(name, temperature=options.temperature, hold="firm", direction="reversed", **placed)

    def close() -> None:
        for model in {id(each.model): each.model for each in (target, free, bent)}.values():
            model.api.close()

    return Subject(
        f"holdtrue/{target.model.name}",
        f"holdtrue/{free.model.name}",
        lambda _: target,
        lambda _: free,
        weights=axis.weights_digest,
        axis=axis.digest,
        hold=hold.digest,
        template=axis.template_digest,
        dtype=dtype,
        organism=lambda _: bent,
        close=close,
    )
