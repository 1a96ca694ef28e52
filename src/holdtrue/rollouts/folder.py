"""A run's folder: what was asked for, how far it got, and nobody else in it."""

import json
from pathlib import Path
from types import TracebackType
from typing import ClassVar, final

from filelock import FileLock, Timeout

from holdtrue.errors import ArtifactError, RunError, StorageError
from holdtrue.records import Design, Record, read_capped, write_atomic

__all__ = ["RunFolder", "RunRecord"]


class RunRecord(Record):
    """`run.json`: the design, the model and the time spent so far."""

    schema_id: ClassVar[str] = "holdtrue.run/1"

    design: Design
    model: str
    weights_digest: str
    template_digest: str
    dtype: str
    """Of the weights: sums of two precisions don't mix."""
    device: str
    """`cpu`, `cuda` or `mps`: two kinds of machine round differently."""
    n_layers: int
    """Blocks found in the model, which `--layers` may change."""
    package_version: str
    seconds: float
    """Wall-clock time of the rollouts, all sittings together; a kill loses the unfinished batch's."""


@final
class RunFolder:
    """Holds a run folder for one process; entering it checks that a run there is this run.

    Raises:
        RunError: another process is in it, or another design is.
        StorageError: it can't be made or written.
    """

    def __init__(self, path: Path, record: RunRecord) -> None:
        self.path = path
        self._record = record
        self._lock = FileLock(path / ".lock")

    def __enter__(self) -> "RunFolder":
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
        except Timeout:
            message = f"{self.path}: another run is going on in this folder; wait for it, or choose another --out"
            raise RunError(message) from None
        except OSError as error:
            message = f"{self.path}: can't be used as an output folder ({error.strerror}); choose another --out"
            raise StorageError(message) from None
        try:
            self._join()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    @property
    def seconds(self) -> float:
        """Spent on rollouts so far, in seconds."""
        return self._record.seconds

    def spend(self, seconds: float) -> None:
        """Add to the time spent."""
        self._record = self._record.model_copy(update={"seconds": self._record.seconds + seconds})
        self._write()

    def _join(self) -> None:
        file = self.path / "run.json"
        if not file.exists():
            self._write()
            return
        try:
            found = RunRecord.from_json(read_capped(file, "a run record"), str(file))
        except ArtifactError as error:
            message = f"{error}; move {self.path} away, or choose another --out"
            raise RunError(message) from None
        asked, there = (json.loads(record.to_json()) for record in (self._record, found))
        same = ("weights_digest", "template_digest", "dtype", "device", "n_layers", "package_version")
        for key in (*same, *(f"design.{name}" for name in asked["design"])):
            wanted, had = (_at(record, key) for record in (asked, there))
            if wanted != had:
                message = (
                    f"{self.path}: holds a run with {key}={had!r}, this one has {wanted!r}; "
                    "repeat that run's options to go on with it, or choose another --out"
                )
                raise RunError(message)
        self._record = found

    def _write(self) -> None:
        write_atomic(self.path / "run.json", self._record.to_json() + "\n")


def _at(record: dict[str, object], key: str) -> object:
    value: object = record
    for part in key.split("."):
        value = value[part] if isinstance(value, dict) else None
    return value
