"""The seam to what runs a stage: a function over parts, results in the parts' order."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar, runtime_checkable

from holdtrue.audit.rows import Batch, Rows

__all__ = ["Maps"]

T = TypeVar("T")


@runtime_checkable
class Maps(Protocol):
    """Runs a stage over a dataset: every engine gives the same results in the same order."""

    def over(self, work: Callable[[Batch], T], rows: Rows, columns: Sequence[str]) -> Iterator[T]:
        """Apply `work` to each part.

        Args:
            work: can be pickled (a module's function, or an instance of a module's class with `__call__`); its result
                is small: counts to be added up, not rows.
            rows: the dataset.
            columns: what `work` reads.

        Yields:
            One result a part, in the parts' order.
        """
        ...
