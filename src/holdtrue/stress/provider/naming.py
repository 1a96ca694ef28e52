"""The name that Inspect's logs and caches know a held model by: model, axis and hold, each of the latter with a digest.

Inspect's cache looks at the name and not at the arguments. Without digests in it, one hold would be answered with what
another one said.
"""

import re
from typing import Final

from holdtrue.axis import Axis
from holdtrue.errors import SettingError
from holdtrue.records import HoldSpec

__all__ = ["full_name", "split_name"]

_DIGITS: Final = 8
_FULL: Final = re.compile(rf"(?P<spec>.+)@axis-[0-9a-f]{{{_DIGITS}}}\+.+-[0-9a-f]{{{_DIGITS}}}")


def full_name(spec: str, axis: Axis, hold: HoldSpec, pinned: str | None = None) -> str:
    """Such as ``smollm2-135m@axis-1a2b3c4d+gentle-5e6f7a8b``.

    Args:
        spec: what the user named.
        axis: what it is held along.
        hold: how it is held.
        pinned: a full name that must come out again, as the log of an earlier evaluation has it.

    Raises:
        SettingError: axis or hold aren't those of the pinned name.
    """
    word = re.sub(r"[^A-Za-z0-9_.+]+", "-", hold.name).strip("-.") or "hold"
    name = f"{spec}@axis-{axis.card.digest[:_DIGITS]}+{word}-{hold.digest[:_DIGITS]}"
    if pinned is not None and pinned != name:
        message = f"this is {name}, but {pinned} was asked for: give the axis and hold of that name, or {spec} alone"
        raise SettingError(message)
    return name


def split_name(name: str) -> tuple[str, str | None]:
    """What the user named, and the full name if it was one.

    Raises:
        SettingError: no name at all.
    """
    if not name.strip():
        message = "no model is named; write --model holdtrue/MODEL, such as holdtrue/smollm2-135m"
        raise SettingError(message)
    found = _FULL.fullmatch(name)
    return (found["spec"], name) if found else (name, None)
