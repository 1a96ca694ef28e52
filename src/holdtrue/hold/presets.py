"""Named holds, and hold files."""

from pathlib import Path
from typing import Final

from holdtrue.errors import SettingError, did_you_mean
from holdtrue.records import CapSpec, ContextSpec, HoldSpec, read_capped

__all__ = ["PRESETS", "hold_spec"]

_GENTLE: Final = CapSpec(fire=0.05, strength=0.5)
_REMIND: Final = ContextSpec(remind_every=4, remind_on_drift=True)

PRESETS: Final[dict[str, HoldSpec]] = {
    spec.name: spec
    for spec in (
        HoldSpec(name="free"),
        HoldSpec(name="gentle", cap=_GENTLE),
        HoldSpec(name="firm", cap=CapSpec(fire=0.25)),
        HoldSpec(name="remind", context=_REMIND),
        HoldSpec(name="remind+gentle", cap=_GENTLE, context=_REMIND),
    )
}
"""`free` does nothing; `gentle` and `firm` are named by the benign firing rate of their floors."""


def hold_spec(name_or_file: str) -> HoldSpec:
    """A preset by name, or a spec from a JSON file.

    Raises:
        ArtifactError: the file isn't a hold spec.
        SettingError: neither a preset nor a file.
    """
    if name_or_file in PRESETS:
        return PRESETS[name_or_file]
    path = Path(name_or_file)
    if path.suffix == ".json" or path.is_file():
        return HoldSpec.from_json(read_capped(path, "a hold spec", 2**20), str(path))
    message = f"no hold '{name_or_file}': {did_you_mean(name_or_file, list(PRESETS))}; or give a .json file"
    raise SettingError(message)
