"""Work for the engines, importable where their processes are."""

import os
import signal
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from holdtrue.audit.rows import Batch


@dataclass(frozen=True)
class Measured:
    first: int
    sums: np.ndarray


@dataclass(frozen=True)
class Measure:
    """Floats whose sum depends on the order of adding, so that another grouping would show."""

    ballast: bytes = b""

    def __call__(self, batch: Batch) -> Measured:
        lengths = pc.utf8_length(batch.table.column("prompt")).to_numpy().astype(np.float64)
        return Measured(batch.first, np.array([np.sqrt(lengths).sum(), np.log1p(lengths).sum(), len(self.ballast)]))


@dataclass(frozen=True)
class DieAt:
    part: int

    def __call__(self, batch: Batch) -> int:
        if batch.part.index == self.part:
            os.kill(os.getpid(), signal.SIGKILL)
        return batch.part.index


@dataclass(frozen=True)
class FailAt:
    part: int

    def __call__(self, batch: Batch) -> int:
        if batch.part.index == self.part:
            raise ValueError("row 7")
        return batch.part.index


class WhoWorks:
    """The process that works on a part."""

    def __init__(self, ballast=b""):
        self.ballast = ballast

    def __call__(self, batch):
        return os.getpid()
