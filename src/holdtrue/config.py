"""Settings from the environment and from TOML: the one module that reads either.

Order, first found wins: the environment (`HOLDTRUE_CACHE`, `HOLDTRUE_OFFLINE`, `HOLDTRUE_UPSTREAM_KEY`), the TOML file
that `HOLDTRUE_CONFIG` names or else `holdtrue.toml` in the working folder, the defaults. The key is read from the
environment alone.
"""

import os
import tomllib
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from holdtrue.errors import SettingError, did_you_mean

__all__ = ["Settings", "settings"]

_ENVIRONMENT: Final = {
    "cache_dir": "HOLDTRUE_CACHE",
    "offline": "HOLDTRUE_OFFLINE",
    "upstream_key": "HOLDTRUE_UPSTREAM_KEY",
}


class Settings(BaseModel):
    """What the surroundings decide, as opposed to arguments, which the caller decides."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cache_dir: Path
    """Folder for what can be made again: unpacked weights, remembered digests."""
    offline: bool = False
    """Never ask the network; only what is on this disk loads."""
    upstream_key: str = Field(default="", repr=False)
    """For the API that `holdtrue serve --upstream` stands in front of; from the environment alone."""

    @field_validator("cache_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return Path(os.path.abspath(os.path.expanduser(value)))  # noqa: PTH100, PTH111 - a symlinked cache stays one


def settings() -> Settings:
    """Read the settings anew; cheap enough to call wherever they are needed.

    Returns:
        The settings, frozen.

    Raises:
        SettingError: a value is impossible, a key unknown, or the TOML file unreadable.
    """
    values: dict[str, Any] = {"cache_dir": _default_cache()}
    origins = dict.fromkeys(Settings.model_fields, "default")
    for key, value in _from_toml().items():
        values[key], origins[key] = value, "TOML key"
    for key, variable in _ENVIRONMENT.items():
        if text := os.environ.get(variable, "").strip():
            values[key], origins[key] = text, variable
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0])
        message = f"{origins[key]} for {key} is {values[key]!r}: {first['msg']}"
        raise SettingError(message) from None


def _default_cache() -> Path:
    # The XDG specification says to ignore a relative path there.
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "holdtrue"


def _from_toml() -> dict[str, Any]:
    named = os.environ.get("HOLDTRUE_CONFIG", "").strip()
    path = Path(os.path.expanduser(named)) if named else Path("holdtrue.toml")  # noqa: PTH111 - it never raises
    if not named and not path.is_file():
        return {}
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        message = f"settings file {str(path)!r} can't be read: {error}; mend it or unset HOLDTRUE_CONFIG"
        raise SettingError(message) from None
    for key in table:
        if key not in Settings.model_fields or key == "upstream_key":
            message = f"settings file {str(path)!r} has unknown key {key!r}; {did_you_mean(key, list(_ENVIRONMENT))}"
            raise SettingError(message)
    if isinstance(table.get("cache_dir"), str):
        # A relative folder means beside the file that says so, whatever the working folder is.
        table["cache_dir"] = path.absolute().parent / os.path.expanduser(table["cache_dir"])  # noqa: PTH111
    return table
