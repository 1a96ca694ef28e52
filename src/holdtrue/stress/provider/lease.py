"""Loaded models, each once in a process however many evaluations hold it."""

import atexit
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from holdtrue.axis import Axis
from holdtrue.engines.hf import in_passing_thread
from holdtrue.errors import RunError, SettingError
from holdtrue.models import load
from holdtrue.stress.held_model import HeldModel
from holdtrue.stress.provider.arguments import HeldArguments

__all__ = ["Lease"]

ROWS: Final = 16


@final
@dataclass(frozen=True)
class _Which:
    """What must be alike for a model to be shared. Readings are taken along one axis, so that is part of it."""

    spec: str
    device: str
    dtype: str
    template: str | None
    layers: str | None
    axis_digest: str


@final
@dataclass(eq=False)
class _Loaded:
    held: HeldModel
    max_rows: int
    holders: int = 0


_loaded: Final[dict[_Which, _Loaded]] = {}
_lock: Final = threading.Lock()


@final
class Lease:
    """A share in a loaded model; the last one that is closed unloads it, and so does the end of the process.

    Args:
        spec: the model.
        arguments: where and how it is loaded.
        axis: fitted on it.

    Raises:
        HoldtrueError: no such model, or the axis isn't its.
        SettingError: it runs already with other `max_rows`.
    """

    def __init__(self, spec: str, arguments: HeldArguments, axis: Axis) -> None:
        self._name = spec
        self._which = _Which(
            spec, arguments.device, arguments.dtype, arguments.template, arguments.layers, axis.card.digest
        )
        with _lock:
            loaded = _loaded.get(self._which)
            if loaded is None:
                rows = arguments.max_rows or ROWS
                loaded = _loaded[self._which] = _Loaded(_load(self._which, axis, rows), rows)
            elif arguments.max_rows not in (None, loaded.max_rows):
                message = (
                    f"-M max_rows={arguments.max_rows}: {spec} runs in this process with {loaded.max_rows} already; "
                    "give that, or leave it out"
                )
                raise SettingError(message)
            loaded.holders += 1
            self._mine: _Loaded | None = loaded

    @property
    def held(self) -> HeldModel:
        """The model.

        Raises:
            RunError: this share was closed.
        """
        return self._open.held

    @property
    def max_rows(self) -> int:
        """Answers at once."""
        return self._open.max_rows

    @property
    def key(self) -> str:
        """The same for all shares in one model."""
        return str(self._which)

    @property
    def _open(self) -> _Loaded:
        if self._mine is None:
            message = f"this {self._name} was closed; get the model again"
            raise RunError(message)
        return self._mine

    def close(self) -> None:
        """Give the share back; a second time changes nothing."""
        with _lock:
            mine, self._mine = self._mine, None
            if mine is None:
                return
            mine.holders -= 1
            if not mine.holders:
                _loaded.pop(self._which, None)
                mine.held.close()


def _load(which: _Which, axis: Axis, rows: int) -> HeldModel:
    template = None if which.template is None else Path(which.template)

    def made() -> HeldModel:
        chat = load(which.spec, device=which.device, dtype=which.dtype, template=template, layers=which.layers)
        return HeldModel(chat, axis, max_rows=rows)

    return in_passing_thread(made)


def _close_all() -> None:
    # Before the interpreter takes torch apart under a thread that still computes.
    with _lock:
        for loaded in _loaded.values():
            loaded.held.close()
        _loaded.clear()


atexit.register(_close_all)
