"""What a gate's run is asked to do, checked before anything is loaded."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeAlias, final, get_args

from holdtrue.errors import SettingError, did_you_mean
from holdtrue.records import FAILURE_CLASSES, FailureClass

__all__ = ["GateOptions", "Rule", "Tools", "chosen_classes", "rates_named", "rule_named", "tools_named"]

Rule: TypeAlias = Literal["fixed", "sequential"]
Tools: TypeAlias = Literal["native", "text"]

_LARGEST_P0: Final = 0.5


@final
@dataclass(frozen=True)
class GateOptions:
    """One attempt at a gate."""

    model: str
    """A model string of Inspect's, ``scripted/POLICY``, or, with an axis, any model that holdtrue loads."""
    axis: Path | None = None
    hold: str | None = None
    classes: str | None = None
    """Names by commas; None for all."""
    p0: float = 0.01
    p0_of: Mapping[str, float] = field(default_factory=dict)
    """Another p0, by class."""
    alpha: float = 0.05
    tranche: Path | None = None
    """A hold-out's items in place of the built-in ones."""
    name: str | None = None
    """What attempts are counted under; the model's name if not given."""
    ledger: Path | None = None
    """Where attempts are counted; ``attempts.jsonl`` beside the run's folder if not given."""
    earlier: Path | None = None
    """Folder of the version before, whose failures are known."""
    rule: Rule = "fixed"
    epochs: int = 3
    min_families: int = 59
    """Eligible families below which a class isn't applicable: 0 failures of 59 just bound a rate by 5 % at 95 %."""
    families: int | None = None
    """Of each class at most; None for all."""
    seed: int = 0
    temperature: float = 0.0
    twin_temperature: float = 0.7
    tools: Tools = "native"
    timeout_seconds: float = 600.0
    rows: int = 16
    """Items played at once."""
    device: str = "auto"
    dtype: str = "auto"

    def __post_init__(self) -> None:
        """Refuse what can't be.

        Raises:
            SettingError: naming the value and the mend.
        """
        problems = {
            f"p0 {self.p0} must lie between 0 and {_LARGEST_P0}, such as 0.01": 0 < self.p0 <= _LARGEST_P0,
            f"p0 of {dict(self.p0_of)}: each must lie between 0 and {_LARGEST_P0}, such as 0.03": all(
                0 < rate <= _LARGEST_P0 for rate in self.p0_of.values()
            ),
            f"alpha {self.alpha} must lie between 0 and 0.5, such as 0.05": 0 < self.alpha <= 0.5,
            f"epochs {self.epochs} must be 1 to 100": 1 <= self.epochs <= 100,
            f"min-families {self.min_families} must be 1 or more": self.min_families >= 1,
            f"families {self.families} must be 1 or more": self.families is None or self.families >= 1,
            f"temperatures {self.temperature} and {self.twin_temperature} must lie between 0 and 2": (
                0 <= min(self.temperature, self.twin_temperature) <= max(self.temperature, self.twin_temperature) <= 2
            ),
            f"timeout {self.timeout_seconds} s must be more than 0": self.timeout_seconds > 0,
            f"rows {self.rows} must be 1 to 256": 1 <= self.rows <= 256,
            "--hold needs --axis: a hold works along an axis; `holdtrue axis fit` makes one": self.hold is None
            or self.axis is not None,
        }
        wrong = next((message for message, fine in problems.items() if not fine), None)
        if wrong is not None:
            raise SettingError(wrong)
        if self.p0_of:
            chosen_classes(",".join(self.p0_of))


def chosen_classes(names: str | None) -> tuple[FailureClass, ...]:
    """Failure classes by name, in their own order.

    Raises:
        SettingError: an unknown one, or none at all.
    """
    if names is None:
        return FAILURE_CLASSES
    asked = [name.strip() for name in names.split(",") if name.strip()]
    for name in asked:
        if name not in FAILURE_CLASSES:
            message = f"no failure class {name!r}; {did_you_mean(name, list(FAILURE_CLASSES))}"
            raise SettingError(message)
    if not asked:
        message = f"no failure class in {names!r}; there are {', '.join(FAILURE_CLASSES)}"
        raise SettingError(message)
    return tuple(name for name in FAILURE_CLASSES if name in asked)


def rates_named(pairs: Iterable[str]) -> dict[str, float]:
    """Rates by class, as the command line has them.

    Args:
        pairs: each ``CLASS=RATE``.

    Raises:
        SettingError: one that isn't.
    """
    rates = {}
    for pair in pairs:
        name, _, rate = pair.partition("=")
        try:
            rates[name] = float(rate)
        except ValueError:
            message = f"--p0-of {pair!r}: write CLASS=RATE, such as delusion=0.03"
            raise SettingError(message) from None
    return rates


def rule_named(name: str) -> Rule:
    """A decision rule by its name.

    Raises:
        SettingError: there is none of that name.
    """
    return _RULES[_known("rule", name, list(_RULES))]


def tools_named(name: str) -> Tools:
    """A way of offering tools by its name.

    Raises:
        SettingError: there is none of that name.
    """
    return _TOOLS[_known("tools", name, list(_TOOLS))]


_RULES: Final[dict[str, Rule]] = {name: name for name in get_args(Rule)}
_TOOLS: Final[dict[str, Tools]] = {name: name for name in get_args(Tools)}


def _known(what: str, name: str, names: list[str]) -> str:
    if name not in names:
        message = f"--{what} {name!r}: no such thing; {did_you_mean(name, names)}"
        raise SettingError(message)
    return name
