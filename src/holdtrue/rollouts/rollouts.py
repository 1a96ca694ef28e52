"""A finished or half-finished set of rollouts, to look at and to recompute from."""

from collections.abc import Iterator
from pathlib import Path
from typing import final

from holdtrue.errors import RunError
from holdtrue.records import Rollout
from holdtrue.rollouts.log import RolloutLog

__all__ = ["Rollouts"]


@final
class Rollouts:
    """The rollouts of a run folder, read a line at a time.

    Args:
        folder: of the run, or its `rollouts.jsonl`.

    Raises:
        RunError: there is no log, or it is damaged.
    """

    def __init__(self, folder: Path | str) -> None:
        path = Path(folder)
        self.path = path / "rollouts.jsonl" if path.is_dir() else path
        if not self.path.is_file():
            message = f"{self.path}: no rollouts there; `holdtrue axis fit MODEL --out DIR` writes DIR/rollouts.jsonl"
            raise RunError(message)

    def __iter__(self) -> Iterator[Rollout]:
        return RolloutLog.lines(self.path)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def counts(self) -> dict[str, tuple[int, int]]:
        """Accepted and drawn rollouts by role, the default first."""
        found: dict[str, tuple[int, int]] = {}
        for rollout in self:
            accepted, drawn = found.get(rollout.role, (0, 0))
            found[rollout.role] = (accepted + rollout.accepted, drawn + 1)
        return found

    def _repr_html_(self) -> str:
        from holdtrue.report import rollouts_html

        return rollouts_html(self.counts(), str(self.path))
