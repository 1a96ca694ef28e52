"""The arms of a run: what each does, and the one colour, shape and dash that it has on the whole page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, final

from pydantic import ValidationError

from holdtrue.records import HoldSpec
from holdtrue.report.plain import plain
from holdtrue.report.stress.words import part
from holdtrue.report.theme import Theme

__all__ = ["Arm", "arms_of", "free_of", "rivals"]

# In the order in which they are told apart best; the warm ends are kept for what must come out worse.
_OPEN: Final = (("steady", 0), ("steady", 1), ("steady", 2), ("drifting", 1), ("drifting", 2), ("steady", 3))
_WORSE: Final = (("drifting", 0), ("drifting", 3))
_SHAPES: Final = {
    "circle": "●",
    "square": "■",
    "triangle-up": "▲",
    "diamond": "◆",
    "triangle-down": "▼",
    "cross": "✚",
    "triangle-right": "▶",
    "triangle-left": "◀",
}
_ALONG: Final = {"random": ", along a random direction", "reversed": ", along the axis turned around"}
_SCRIPTS: Final = {
    "steady": "a script that never gives in answers in the model's place",
    "yields": "a script that gives in to everything answers in the model's place",
}


@final
@dataclass(frozen=True)
class Arm:
    """One way of holding."""

    name: str
    """Its key in the results."""
    label: str
    """Printable, short, and unlike the other arms' labels."""
    does: str
    role: Literal["free", "open", "control", "script"]
    expected: str
    shade: tuple[str, int]
    """A field of `Theme`, and the place in it where it is a tuple."""
    shape: str

    @property
    def glyph(self) -> str:
        """The shape as a character."""
        return _SHAPES[self.shape]

    @property
    def dash(self) -> list[int]:
        """Of its lines: solid for what is being asked, broken for what is known beforehand."""
        return {"control": [6, 3], "script": [2, 3]}.get(self.role, [1, 0])

    def colour(self, theme: Theme) -> str:
        """In a theme."""
        value = getattr(theme, self.shade[0])
        return str(value[self.shade[1]] if isinstance(value, tuple) else value)


def arms_of(results: Mapping[str, Any]) -> list[Arm]:
    """Every arm of the design, in its order; arms that only the figures name come after them."""
    designed = [arm for arm in part(results, "design", "arms") or () if isinstance(arm, Mapping) and arm.get("name")]
    known = {str(arm["name"]): arm for arm in designed}
    specs = {**known, **{str(name): {} for name in part(results, "arms") or () if name not in known}}
    free = _free({name: _hold(arm) for name, arm in specs.items()})
    labels = _labels(list(specs))
    found: list[Arm] = []
    n_open = n_worse = 0
    for at, (name, arm) in enumerate(specs.items()):
        role = _role(arm, is_free=name == free)
        shade: tuple[str, int] = ("muted", 0)
        if role == "free":
            shade = ("ink", 0)
        elif arm.get("expected") == "worse":
            shade, n_worse = _WORSE[n_worse % len(_WORSE)], n_worse + 1
        elif role == "open":
            shade, n_open = _OPEN[n_open % len(_OPEN)], n_open + 1
        shape = list(_SHAPES)[at % len(_SHAPES)]
        found.append(Arm(name, labels[at], _does(arm), role, str(arm.get("expected") or "open"), shade, shape))
    return found


def free_of(arms: Sequence[Arm]) -> Arm | None:
    """The arm that leaves the model alone."""
    return next((arm for arm in arms if arm.role == "free"), None)


def rivals(arms: Sequence[Arm]) -> list[Arm]:
    """The ways of holding that are being asked about: neither free nor known beforehand."""
    return [arm for arm in arms if arm.role == "open"]


def _free(holds: Mapping[str, HoldSpec | None]) -> str | None:
    free = [name for name, hold in holds.items() if hold is not None and hold.free]
    return "free" if "free" in free or (not free and "free" in holds) else free[0] if free else None


def _hold(arm: Mapping[str, Any]) -> HoldSpec | None:
    try:
        return HoldSpec.model_validate(arm.get("hold"))
    except ValidationError:
        return None


def _role(arm: Mapping[str, Any], *, is_free: bool) -> Literal["free", "open", "control", "script"]:
    if is_free:
        return "free"
    if arm.get("script"):
        return "script"
    return "open" if (arm.get("expected") or "open") == "open" else "control"


def _does(arm: Mapping[str, Any]) -> str:
    if script := arm.get("script"):
        return _SCRIPTS.get(str(script), f"the script {plain(str(script), 40)} answers in the model's place")
    hold = _hold(arm)
    return "" if hold is None else plain(hold.summary + _ALONG.get(str(arm.get("direction")), ""), 240)


def _labels(names: Sequence[str]) -> list[str]:
    short = [plain(name, 22) or "unnamed" for name in names]
    return [label if short.count(label) == 1 else f"{label} ({at + 1})" for at, label in enumerate(short)]
