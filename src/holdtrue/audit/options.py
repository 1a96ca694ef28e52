"""What was asked of an audit."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, final, get_args

from holdtrue.audit.ingest import IngestOptions
from holdtrue.audit.maps.base import Maps
from holdtrue.audit.maps.local import LocalMaps
from holdtrue.errors import SettingError, did_you_mean
from holdtrue.records.audit import AuditKind

__all__ = ["AuditOptions", "columns_named", "kind_named", "prices_named"]

ENGINES: Final = ("local", "ray")

_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?", re.IGNORECASE)
_UNITS: Final = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


@final
@dataclass(frozen=True)
class AuditOptions:
    """How to audit a dataset.

    Raises:
        SettingError: a value is impossible, or one needs another.
    """

    dataset: str
    """File, folder, or a dataset's name on the Hub."""
    control: str | None = None
    """Trusted data, best the same prompts answered by a trusted model."""
    second_control: str | None = None
    """Other trusted answers to the same prompts: what sets the two apart is benign."""
    kind: AuditKind | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    """Which column is which field, where their names don't say."""
    judge: str | None = None
    """A model string of Inspect's."""
    purpose: str = "assistant"
    """What is trained on it, for the judge: a built-in description's name, or words."""
    budget_usd: float | None = None
    prices: tuple[float, float] | None = None
    """Of the judge: US dollars for a million tokens read, and written."""
    max_calls: int | None = None
    model: str | None = None
    """Reads a sample of rows: on its axis, or without one for the likelihood of replies, in place of a judge."""
    axis: Path | None = None
    read_rows: int = 400
    """Rows read through the model."""
    engine: str = "local"
    processes: int = 2
    memory: str = "2GB"
    seed: int = 0
    alpha: float = 0.01
    """Chance of a false alarm that each test may spend."""
    device: str = "auto"
    dtype: str = "auto"

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            message = f"engine '{self.engine}' is unknown; {did_you_mean(self.engine, list(ENGINES))}"
            raise SettingError(message)
        if not 0 < self.alpha < 0.5:
            message = f"alpha {self.alpha} must be above 0 and below 0.5, such as 0.01"
            raise SettingError(message)
        if self.model is None and self.axis is not None:
            message = f"axis '{self.axis}' is one of a model: add --model MODEL, or leave --axis out"
            raise SettingError(message)
        if self.stands_in and self.judge is not None:
            message = f"model '{self.model}' alone stands in for a judge: add --axis DIR, or leave one of both out"
            raise SettingError(message)
        if self.second_control is not None and self.control is None:
            message = (
                f"--second-control {self.second_control} is compared with the control, and there is none: "
                "add --control DATA, or give it as --control"
            )
            raise SettingError(message)
        money = {"--budget": self.budget_usd, "--prices": self.prices, "--max-calls": self.max_calls}
        given = [name for name, value in money.items() if value is not None]
        if self.judge is None and given:
            message = f"{' and '.join(given)} without a judge buys nothing: add --judge MODEL, or leave the budget out"
            raise SettingError(message)
        bytes_named(self.memory)

    @property
    def memory_bytes(self) -> int:
        """What the audit may use."""
        return bytes_named(self.memory)

    @property
    def stands_in(self) -> bool:
        """Whether the model reads replies in place of a judge: it has no axis."""
        return self.model is not None and self.axis is None

    def ingest_options(self) -> IngestOptions:
        """For either dataset."""
        return IngestOptions(
            kind=self.kind,
            columns=self.columns,
            seed=self.seed,
            memory_bytes=self.memory_bytes // 2,
            processes=self.processes,
        )

    def maps(self) -> Maps:
        """What runs the stages."""
        if self.engine == "ray":
            from holdtrue.audit.maps.ray import RayMaps

            return RayMaps(self.processes)
        return LocalMaps(self.processes)


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
