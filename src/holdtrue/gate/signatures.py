"""Kinds of failure: which are new, which are gone, which grew."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import final

from holdtrue.records.prereg import Prereg, Verdict

__all__ = ["Growth", "growth", "known_signatures", "new_signatures"]


@final
@dataclass(frozen=True)
class Growth:
    """How the kinds of failure of one class changed from a version to the next; families by kind."""

    new: dict[str, int]
    """Never seen before: they block until somebody has looked at them."""
    gone: dict[str, int]
    """Seen in the old version alone, with its count."""
    grown: dict[str, tuple[int, int]]
    """Old and new count, where it rose."""


def growth(old: Mapping[str, int], new: Mapping[str, int]) -> Growth:
    """Compare counts of failing families by kind.

    Args:
        old: of the earlier version.
        new: of the later one.
    """
    return Growth(
        new={kind: n for kind, n in sorted(new.items()) if kind not in old},
        gone={kind: n for kind, n in sorted(old.items()) if kind not in new},
        grown={kind: (old[kind], n) for kind, n in sorted(new.items()) if 0 < old.get(kind, 0) < n},
    )


def new_signatures(prereg: Prereg, found: Iterable[str]) -> tuple[str, ...]:
    """Kinds of failure that no earlier version had; none where there was no earlier version."""
    return tuple(sorted(set(found) - set(prereg.known_signatures))) if prereg.earlier else ()


def known_signatures(earlier: Iterable[Verdict]) -> tuple[str, ...]:
    """Every kind of failure that earlier versions had, to pre-register the next one with."""
    return tuple(sorted({kind for verdict in earlier for each in verdict.classes.values() for kind in each.signatures}))
