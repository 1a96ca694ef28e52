"""Ray Data: the same stage on one machine's workers or a cluster's."""

import logging
import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar, final

from holdtrue.audit.maps.base import Maps
from holdtrue.audit.rows import Batch, Rows, read_part
from holdtrue.errors import MissingExtra, SettingError

__all__ = ["RayMaps"]

T = TypeVar("T")

OBJECT_STORE_BYTES: Final = 256 * 2**20
"""Of a local Ray: only the parts' names and small results pass through it."""


@final
class RayMaps(Maps):
    """Runs a stage as Ray Data tasks, one a part.

    Ray is started on this machine when it isn't running, without its dashboard and without reports of use; where
    `RAY_ADDRESS` names a cluster, that one is used, and every machine of it must see the dataset's folder, and the
    folder that a stage writes to, under the same paths.

    Args:
        workers: parts worked on at once.

    Raises:
        MissingExtra: Ray isn't installed.
        SettingError: no workers.
    """

    def __init__(self, workers: int = 2) -> None:
        if workers < 1:
            message = f"{workers} Ray workers can't work on anything; give 1 or more"
            raise SettingError(message)
        self.workers = workers
        _start(workers)

    def over(self, work: Callable[[Batch], T], rows: Rows, columns: Sequence[str]) -> Iterator[T]:
        """Apply `work` to each part.

        Args:
            work: can be pickled; its result is small.
            rows: the dataset.
            columns: what `work` reads.

        Yields:
            One result a part, in the parts' order.
        """
        import ray

        if not rows.parts:
            return
        blocks = ray.data.from_items(
            [{"index": part.index} for part in rows.parts], override_num_blocks=len(rows.parts)
        )
        task = _Task(work, rows, tuple(columns))
        done = blocks.map(task, num_cpus=1, compute=ray.data.TaskPoolStrategy(size=self.workers))
        early: dict[int, bytes] = {}  # results that came before an earlier part's
        awaited = 0
        for row in done.iter_rows():
            early[row["index"]] = row["result"]
            while awaited in early:
                # In memory only, and made by our own task below: results are whatever `work` returns.
                result: T = pickle.loads(early.pop(awaited))  # noqa: S301
                yield result
                awaited += 1


@final
class _Task:
    """What a worker does with a part's number."""

    def __init__(self, work: Callable[[Batch], object], rows: Rows, columns: tuple[str, ...]) -> None:
        self._work, self._parts, self._columns = work, rows.parts, columns

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Read the part where the task runs, so that rows never pass through Ray."""
        result = self._work(read_part(self._parts[row["index"]], self._columns))
        return {"index": row["index"], "result": pickle.dumps(result)}


def _start(workers: int) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Ray would otherwise set workers apart by accelerator variables and warn of it.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
        import ray.data
    except ImportError:
        message = "Ray isn't installed: pip install 'holdtrue[ray]', or run with --engine local"
        raise MissingExtra(message) from None
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    if ray.is_initialized():
        return
    if os.environ.get("RAY_ADDRESS"):
        ray.init(log_to_driver=False, logging_level=logging.ERROR)
    else:
        ray.init(
            num_cpus=workers,
            object_store_memory=OBJECT_STORE_BYTES,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
