"""What `-M` may say: text and numbers, so that a log holds all of it and a retried evaluation gets the same again."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, final

from holdtrue.errors import SettingError, did_you_mean

__all__ = ["HeldArguments", "read_arguments"]

MOST_ROWS: Final = 256
DIRECTIONS: Final = ("axis", "reversed")


@final
@dataclass(frozen=True)
class HeldArguments:
    """How a model is loaded and held."""

    axis: str
    """Folder of the axis artifact."""
    hold: str = "gentle"
    """A preset's name or a hold file."""
    direction: str = "axis"
    """`axis`, or `reversed`: held away from the assistant, a model organism to test tests with."""
    device: str = "auto"
    dtype: str = "auto"
    template: str | None = None
    """A file, in place of the model's own chat template."""
    layers: str | None = None
    """Path of the decoder blocks, where structure leaves a choice."""
    max_rows: int | None = None
    """Answers at once; None takes 16, or what the model runs with already."""


_KNOWN: Final = [field.name for field in fields(HeldArguments)]


def read_arguments(given: Mapping[str, object]) -> HeldArguments:
    """Check model arguments.

    Args:
        given: by name; None stands for "not given".

    Raises:
        SettingError: an unknown name, a value of the wrong kind, or no axis.
    """
    known: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    for name, value in known.items():
        if name not in _KNOWN:
            message = f"-M {name}: no such argument; {did_you_mean(name, _KNOWN)}"
            raise SettingError(message)
        _check_kind(name, value)
    if "axis" not in known:
        message = "-M axis is missing; give the folder of the model's axis: -M axis=DIR (`holdtrue axis fit` makes one)"
        raise SettingError(message)
    if known.get("direction", "axis") not in DIRECTIONS:
        message = f"-M direction={known['direction']}: {did_you_mean(known['direction'], list(DIRECTIONS))}"
        raise SettingError(message)
    return HeldArguments(**known)


def _check_kind(name: str, value: object) -> None:
    if name == "max_rows":
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_ROWS:
            message = f"-M max_rows={value!r}: must be a whole number from 1 to {MOST_ROWS}, such as 16"
            raise SettingError(message)
    elif not isinstance(value, str) or not value:
        kind = type(value).__name__
        message = (
            f"-M {name}: must be text that a log can keep, and is {'empty' if value == '' else f'of type {kind}'}; "
            f"write -M {name}={_EXAMPLES[name]}"
        )
        raise SettingError(message)


_EXAMPLES: Final = {
    "axis": "runs/demo",
    "hold": "gentle",
    "direction": "axis",
    "device": "cpu",
    "dtype": "float32",
    "template": "chat.jinja",
    "layers": "model.layers",
}
