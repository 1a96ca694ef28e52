"""What options say in words: sizes, kinds, columns, prices."""

import re
from collections.abc import Sequence
from typing import Final, get_args

from holdtrue.errors import SettingError, did_you_mean
from holdtrue.records.audit import AuditKind

__all__ = ["bytes_named", "columns_named", "kind_named", "prices_named"]

_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?", re.IGNORECASE)
_UNITS: Final = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def bytes_named(text: str) -> int:
    """A size in words, such as `2GB` or `512M`, in bytes; units are powers of 1024.

    Raises:
        SettingError: no such size, or less than 512 MB.
    """
    found = _SIZE.fullmatch(text.strip())
    size = int(float(found[1]) * _UNITS[found[2].upper()]) if found else 0
    if size < 512 * 2**20:
        message = f"memory '{text}' is no size of at least 512MB; write it as 2GB or 1500MB"
        raise SettingError(message)
    return size


def kind_named(name: str | None) -> AuditKind | None:
    """A kind of rows by its name; None to have it recognised.

    Raises:
        SettingError: there is no such kind.
    """
    if name is None:
        return None
    kinds: tuple[AuditKind, ...] = get_args(AuditKind)
    for kind in kinds:
        if name == kind:
            return kind
    message = f"kind '{name}' is unknown; {did_you_mean(name, list(kinds))}"
    raise SettingError(message)


def columns_named(pairs: Sequence[str]) -> dict[str, str]:
    """`field=column`, several times.

    Raises:
        SettingError: no such pair.
    """
    found = {}
    for pair in pairs:
        name, equals, column = pair.partition("=")
        if not (name and equals and column):
            message = f"column '{pair}' isn't FIELD=COLUMN, such as prompt=question"
            raise SettingError(message)
        found[name] = column
    return found


def prices_named(text: str | None) -> tuple[float, float] | None:
    """`IN,OUT` in US dollars for a million tokens.

    Raises:
        SettingError: not two prices.
    """
    if text is None:
        return None
    try:
        read, written = (float(each) for each in text.split(","))
    except ValueError:
        message = f"prices '{text}' aren't two numbers IN,OUT, such as 0.15,0.60"
        raise SettingError(message) from None
    return read, written
