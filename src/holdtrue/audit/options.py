"""What was asked of an audit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, final

from holdtrue.audit.ingest import IngestOptions
from holdtrue.audit.maps.base import Maps
from holdtrue.audit.maps.local import LocalMaps
from holdtrue.audit.named import bytes_named
from holdtrue.errors import SettingError, did_you_mean
from holdtrue.records.audit import AuditKind

__all__ = ["AuditOptions"]

ENGINES: Final = ("local", "ray")


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
