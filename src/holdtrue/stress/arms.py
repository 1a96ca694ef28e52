"""The ways of holding that are compared, by name."""

from pathlib import Path
from typing import Final

from holdtrue.errors import SettingError, did_you_mean
from holdtrue.hold import PRESETS, hold_spec
from holdtrue.records import CapSpec, ContextSpec, HoldSpec, StressArm

__all__ = ["ARMS", "arms_named"]

REVERSED_FIRE: Final = 0.98
"""Of benign tokens under the reversed floor: pushed down to where hardly any of them are by themselves."""


def _arm(name: str, hold: HoldSpec) -> StressArm:
    return StressArm(name=name, hold=hold)


def _control(name: str, direction: str, fire: float, expected: str) -> StressArm:
    hold = HoldSpec(name=name, cap=CapSpec(fire=fire))
    return StressArm.model_validate({"name": name, "direction": direction, "hold": hold, "expected": expected})


ARMS: Final[dict[str, StressArm]] = {
    arm.name: arm
    for arm in (
        _arm("free", PRESETS["free"]),
        _arm("remind-every", HoldSpec(name="remind-every", context=ContextSpec(remind_every=2))),
        _arm("remind-on-drift", HoldSpec(name="remind-on-drift", context=ContextSpec(remind_on_drift=True))),
        _arm("gentle", PRESETS["gentle"]),
        _arm("firm", PRESETS["firm"]),
        _arm("remind+gentle", PRESETS["remind+gentle"]),
        _control("random", "random", 0.25, "same"),
        _control("reversed", "reversed", REVERSED_FIRE, "worse"),
        StressArm(name="planted-steady", hold=PRESETS["free"], script="steady"),
        StressArm(name="planted-yields", hold=PRESETS["free"], script="yields", expected="worse"),
    )
}
"""`random` is `firm` along a random direction. `reversed` holds the model away from the assistant, and `planted-yields`
is a script that gives in to everything: both must come out worse, else the test is blind. `planted-steady` is a script
that never does, and must hardly fail at all."""


def arms_named(names: str | None, *, weights: bool = True) -> tuple[StressArm, ...]:
    """Arms by name, with `free` first whatever is asked for: everything is compared with it.

    Args:
        names: separated by commas: built-in arms, presets, or hold files; None takes the built-in ones.
        weights: whether the model's weights are at hand; without them an arm with a cap can't be had, and is left out
            of the built-in ones.

    Raises:
        ArtifactError: a file that isn't a hold.
        SettingError: no such arm, one named twice, or one that needs weights.
    """
    if names is None:
        return tuple(arm for arm in ARMS.values() if weights or arm.hold.cap is None)
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    found = {"free": ARMS["free"], **{(arm := _named(name)).name: arm for name in wanted}}
    if len(found) < len({*wanted, "free"}) or len(wanted) > len(set(wanted)):
        message = f"--arms {names}: two of them have the same name; give each hold file a name of its own"
        raise SettingError(message)
    capped = [arm.name for arm in found.values() if arm.hold.cap is not None]
    if capped and not weights:
        message = f"--arms {', '.join(capped)} need the model's weights and an axis; without them there are reminders"
        raise SettingError(message)
    return tuple(found.values())


def _named(name: str) -> StressArm:
    if name in ARMS:
        return ARMS[name]
    if name not in PRESETS and Path(name).suffix != ".json":
        known = [*ARMS, *PRESETS]
        message = f"no arm '{name}': {did_you_mean(name, known)}; or give a hold file (.json)"
        raise SettingError(message)
    spec = hold_spec(name)
    return _arm(spec.name, spec)
