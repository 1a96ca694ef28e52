"""`scores.jsonl`: one durable line per answer of a judge."""

import contextlib
import os
from pathlib import Path
from typing import ClassVar, Final, final

from pydantic import Field

from holdtrue.errors import ArtifactError, RunError, StorageError
from holdtrue.records.base import Record

__all__ = ["RAW_CHARACTERS", "JudgeScore", "ScoreKey", "ScoreLog"]

RAW_CHARACTERS: Final = 2000
"""The most of an answer that is kept; its end, where the score stands."""

ScoreKey = tuple[str, str, str, str]
"""(rollout id, digest of what was judged, model, rubric digest): a score holds for nothing less."""


@final
class JudgeScore(Record):
    """What a judge said about one rollout."""

    schema_id: ClassVar[str] = "holdtrue.judge-score/1"

    id: str
    """Of the rollout."""
    material: str
    """sha256 of role, question and response."""
    score: int | None = Field(ge=0, le=3)
    """None: no score could be read from the answer."""
    model: str
    """As Inspect knows it."""
    rubric: str
    """Digest of the rubric."""
    raw: str
    """The answer's last `RAW_CHARACTERS`."""

    @property
    def key(self) -> ScoreKey:
        """What the score holds for."""
        return (self.id, self.material, self.model, self.rubric)


@final
class ScoreLog:
    """Append-only; every call to `append` is on the disk when it returns.

    A line torn by a kill is cut off on opening: that rollout is asked about again. Answers without a score stay in the
    file for the reader, but settle nothing: they are asked again too.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.scores: dict[ScoreKey, int] = {}
        """Every score on the disk, of every model and rubric that wrote here."""
        self._size = 0
        if path.exists():
            self._recover()

    def _recover(self) -> None:
        try:
            with self.path.open("rb") as file:
                for number, line in enumerate(file, start=1):
                    if not line.endswith(b"\n"):
                        break
                    self._keep(self._parse(line, number))
                    self._size += len(line)
            if self._size < self.path.stat().st_size:
                self._cut()
        except OSError as error:
            message = f"{self.path}: can't open the judge's scores ({error.strerror}); mend it or choose another --out"
            raise StorageError(message) from None

    def _parse(self, line: bytes, number: int) -> JudgeScore:
        try:
            return JudgeScore.from_json(line.decode(), f"{self.path} line {number}")
        except (ArtifactError, UnicodeDecodeError) as error:
            message = f"{error}; the scores were edited or damaged: move {self.path} away and run again"
            raise RunError(message) from None

    def _keep(self, line: JudgeScore) -> None:
        if line.score is not None:
            self.scores[line.key] = line.score

    def _cut(self) -> None:
        with self.path.open("rb+") as file:
            file.truncate(self._size)
            os.fsync(file.fileno())

    def append(self, line: JudgeScore) -> None:
        """Write one answer and wait for the disk.

        Raises:
            StorageError: the disk is full, read-only or gone; every earlier score is safe.
        """
        raw = (line.to_json(indent=None) + "\n").encode()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            # Half a line would swallow the next one; where it can't be cut now, the next opening cuts it.
            with contextlib.suppress(OSError):
                self._cut()
            message = (
                f"{self.path}: can't append ({error.strerror}); {len(self.scores)} scores are safe: "
                "free some space and run the same command again to go on"
            )
            raise StorageError(message) from None
        self._size += len(raw)
        self._keep(line)
