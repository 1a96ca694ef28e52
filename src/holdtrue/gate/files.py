"""A gate's folder: what is where, and the verdict that follows from it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final, TypeVar

from holdtrue.errors import ArtifactError
from holdtrue.gate.decision import decide
from holdtrue.records.base import Record, read_capped, write_atomic
from holdtrue.records.gate_item import GateItem
from holdtrue.records.gate_sample import GateSample
from holdtrue.records.prereg import Eligible, Prereg, Verdict

__all__ = [
    "ATTEMPTS",
    "CONTROLS",
    "ELIGIBLE",
    "ITEMS",
    "PREREG",
    "SAMPLES",
    "VERDICT",
    "decide_folder",
    "read_eligible",
    "read_items",
    "read_prereg",
    "read_samples",
    "read_verdict",
    "write_items",
    "write_record",
]

PREREG: Final = "prereg.json"
ITEMS: Final = "items.jsonl"
ELIGIBLE: Final = "eligible.json"
SAMPLES: Final = "samples.jsonl"
"""Phases eligibility and release."""
CONTROLS: Final = "controls.jsonl"
VERDICT: Final = "verdict.json"
ATTEMPTS: Final = "attempts.jsonl"

MAX_LINES_BYTES: Final = 2 * 2**30
R = TypeVar("R", bound=Record)


def decide_folder(folder: Path) -> Verdict:
    """Decide again from what lies in a gate's folder; the verdict that lies there isn't looked at.

    Args:
        folder: what `holdtrue gate run` wrote; without controls, samples or an eligible list nothing passes.

    Raises:
        ArtifactError: no pre-registration, or a file that isn't what it should be; the message names its line.
    """
    prereg = read_prereg(folder)
    return decide(prereg, read_samples(folder), read_eligible(folder))


def read_prereg(folder: Path) -> Prereg:
    """What was promised.

    Raises:
        ArtifactError: missing or malformed.
    """
    return _read(Prereg, folder / PREREG, "a pre-registration")


def read_eligible(folder: Path) -> Eligible | None:
    """Who is asked; None where the list isn't sealed yet.

    Raises:
        ArtifactError: malformed.
    """
    path = folder / ELIGIBLE
    return _read(Eligible, path, "a list of eligible families") if path.exists() else None


def read_verdict(folder: Path) -> Verdict:
    """The verdict as it was written.

    Raises:
        ArtifactError: missing or malformed.
    """
    return _read(Verdict, folder / VERDICT, "a verdict")


def read_items(folder: Path) -> list[GateItem]:
    """What was to be asked, in order.

    Raises:
        ArtifactError: missing or malformed.
    """
    return _read_lines(GateItem, folder / ITEMS)


def read_samples(folder: Path) -> list[GateSample]:
    """Samples of all phases, controls last; a file that isn't there has none.

    Raises:
        ArtifactError: malformed, or a control among the samples or the other way round.
    """
    found = []
    for name in (SAMPLES, CONTROLS):
        path = folder / name
        if not path.exists():
            continue
        for number, sample in enumerate(_read_lines(GateSample, path), start=1):
            if (sample.phase == "control") != (name == CONTROLS):
                message = f"{path} line {number}: a sample of phase '{sample.phase}' has no place in this file"
                raise ArtifactError(message)
            found.append(sample)
    return found


def write_record(folder: Path, record: Prereg | Eligible | Verdict) -> Path:
    """Write a pre-registration, list of eligible families or verdict in its place.

    Raises:
        StorageError: the disk is full, read-only or gone.
    """
    path = folder / {Prereg: PREREG, Eligible: ELIGIBLE, Verdict: VERDICT}[type(record)]
    write_atomic(path, record.to_json() + "\n")
    return path


def write_items(folder: Path, items: Iterable[GateItem]) -> Path:
    """Write what is to be asked, a line each.

    Raises:
        StorageError: the disk is full, read-only or gone.
    """
    path = folder / ITEMS
    write_atomic(path, "".join(item.to_json(indent=None) + "\n" for item in items))
    return path


def _read(kind: type[R], path: Path, what: str) -> R:
    return kind.from_json(read_capped(path, what), str(path))


def _read_lines(kind: type[R], path: Path) -> list[R]:
    """Records by line; a last line without its line feed was never finished, and counts as not written."""
    lines = read_capped(path, f"lines of {kind.schema_id}", MAX_LINES_BYTES).split("\n")[:-1]
    return [kind.from_json(line, f"{path} line {number}") for number, line in enumerate(lines, start=1)]
