"""What every spawned process of an audit does first."""

import signal
import threading
from functools import lru_cache
from multiprocessing import parent_process
from os import _exit

import pyarrow as pa

from holdtrue.audit.memory import give_back

__all__ = ["begin_stage", "begin_worker"]


def begin_worker() -> None:
    """Leave Ctrl-C to the parent, work on one core, and end when the parent does, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    pa.set_cpu_count(1)  # the processes are the parallelism
    threading.Thread(target=_end_with_parent, daemon=True).start()


@lru_cache(maxsize=1)
def begin_stage(_stage: str) -> None:
    """Return what the stage before left behind: once for as long as the same one is named."""
    give_back()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()  # a killed parent sends no word, and would leave its processes behind
        _exit(1)
