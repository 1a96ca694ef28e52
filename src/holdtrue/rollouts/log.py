"""`rollouts.jsonl`: one durable line per finished rollout."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import final

from holdtrue.errors import ArtifactError, RunError, StorageError
from holdtrue.records import Rollout, storage_error

__all__ = ["RolloutLog"]


@final
class RolloutLog:
    """Append-only; every call to `append` is on the disk when it returns.

    A line torn by a kill is cut off on opening: its rollout counts as unfinished and is drawn again, to the same text.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.accepted: dict[str, bool] = {}
        """Finished rollouts by id, and whether they count."""
        self.n_tokens = 0
        if path.exists():
            try:
                self._recover()
            except OSError as error:
                raise storage_error(path, error) from None

    def _recover(self) -> None:
        whole = 0
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    break
                self._count(_parse(self.path, line, number), number)
                whole += len(line)
        if whole < self.path.stat().st_size:
            with self.path.open("rb+") as file:
                file.truncate(whole)
                os.fsync(file.fileno())

    @staticmethod
    def lines(path: Path) -> Iterator[Rollout]:
        """The finished rollouts of a log, without touching it.

        Raises:
            RunError: a line isn't a rollout.
        """
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    return
                yield _parse(path, line, number)

    def _count(self, rollout: Rollout, number: int) -> None:
        if rollout.id in self.accepted:
            message = f"{self.path} line {number}: rollout '{rollout.id}' is there twice; two runs share one folder"
            raise RunError(message)
        self.accepted[rollout.id] = rollout.accepted
        self.n_tokens += len(rollout.response_token_ids)

    def append(self, rollouts: Sequence[Rollout]) -> None:
        """Write the rollouts that are not in the log yet, and wait for the disk.

        Raises:
            StorageError: the disk is full, read-only or gone; every earlier line is safe.
        """
        fresh = [rollout for rollout in rollouts if rollout.id not in self.accepted]
        if not fresh:
            return
        lines = "".join(rollout.to_json(indent=None) + "\n" for rollout in fresh).encode()
        try:
            with self.path.open("ab") as file:
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            message = (
                f"{self.path}: can't append ({error.strerror}); {len(self.accepted)} finished rollouts are safe: "
                "free some space and run the same command again to go on"
            )
            raise StorageError(message) from None
        for rollout in fresh:
            self.accepted[rollout.id] = rollout.accepted
            self.n_tokens += len(rollout.response_token_ids)


def _parse(path: Path, line: bytes, number: int) -> Rollout:
    try:
        return Rollout.from_json(line.decode(), "this line")
    except (ArtifactError, UnicodeDecodeError) as error:
        message = (
            f"{path} line {number}: not a finished rollout ({error}); the log was edited or damaged: "
            f"move {path.parent} away, or choose another --out"
        )
        raise RunError(message) from None
