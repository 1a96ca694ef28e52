"""The association put to the control itself: how often it alarms on data that is supposed to be clean."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Bool, Int

from holdtrue.audit.association import Control, Outcome, associate
from holdtrue.audit.maps.base import Maps
from holdtrue.audit.population.benign import large_slices
from holdtrue.audit.row_set import RowSet
from holdtrue.audit.rows import SCHEMA, Rows
from holdtrue.records.audit import CleanRun
from holdtrue.stats import clopper_pearson

__all__ = ["control_runs"]

MOST_FAMILIES: Final = 10_000
"""Drawn of the control for the run on the whole, which reads them dozens of times."""
MOST_IN_PARTS: Final = 2_500
"""Drawn of those for the runs on parts. All runs together take about four seconds."""
FEWEST_FAMILIES: Final = 200
"""Of the control, and of a slice."""
MOST_SLICES: Final = 8
NAMED: Final = 5
"""Alarms told in a note of their own."""

Mask = Bool[np.ndarray, " rows"]


def control_runs(
    control: Control, maps: Maps, out: Path, *, seed: int, alpha: float
) -> tuple[tuple[CleanRun, ...], tuple[str, ...]]:
    """Run the association on the control with its own outcomes, and on parts of it.

    The whole runs without a control: two halves would both hold what poison there is, and excuse it in each other.
    Nothing is excused there, so that it alarms rather more often than the audit does; but everyday outcomes never alarm
    without a control. So up to 8 provenance slices run as the suspect did, each with the rest as its control; or two
    halves by family, where there are no two slices.

    Args:
        control: trusted data with its outcomes.
        maps: what runs it.
        out: the audit's folder, for the drawn rows while this works.
        seed: of the draws.
        alpha: level.

    Returns:
        The runs, and a note for each thing that alarmed; nothing of a control of fewer than 200 families.
    """
    if control.rows.card.families < FEWEST_FAMILIES:
        return (), ()
    rng = np.random.default_rng([seed, 0xC0])
    with TemporaryDirectory(prefix="control-", dir=out) as folder:
        whole = _drawn(control, MOST_FAMILIES, rng, Path(folder) / "whole")
        found = associate(whole.rows, maps, whole.outcomes, seed=seed, alpha=alpha)
        told = [("", found.findings)]
        fewer = _drawn(whole, MOST_IN_PARTS, rng, Path(folder) / "parts")
        for name, part in _parts(fewer.rows, rng):
            outcomes, rest = (_within(fewer.outcomes, RowSet.of(side)) for side in (part, ~part))
            trusted = Control(fewer.rows, rest)
            found = associate(fewer.rows, maps, outcomes, seed=seed, alpha=alpha, control=trusted)
            told.append((f", {name} against the rest", found.findings))
    alarms = [f"the control itself{where}: {each.evidence}" for where, findings in told for each in findings]
    notes = alarms[:NAMED]
    if alarms:
        notes.append("the control itself alarms: don't trust it blindly, for it excuses the same in the dataset")
    runs = (
        _run("the control, audited itself without a control", [bool(told[0][1])]),
        _run("slices or halves of the control, audited with the rest as control", [bool(each) for _, each in told[1:]]),
    )
    return runs, tuple(notes)


def _run(what: str, alarmed: list[bool]) -> CleanRun:
    alarms, runs = sum(alarmed), len(alarmed)
    return CleanRun(what=what, runs=runs, alarms=alarms, rate=alarms / runs, ci=clopper_pearson(alarms, runs))


def _parts(rows: Rows, rng: np.random.Generator) -> list[tuple[str, Mask]]:
    """Slices with enough families on either side, the largest first; two halves where there are no two slices."""
    texts = [each for batch in rows.batches(["slices"]) for each in batch.texts("slices")]
    slices = [
        (name, inside)
        for name, inside in large_slices(texts)
        if min(np.unique(rows.families[side]).size for side in (inside, ~inside)) >= FEWEST_FAMILIES
    ]
    if slices:  # of two values only one is listed: the other is its rest
        return slices[:MOST_SLICES]
    half = (rng.permutation(len(rows)) % 2 == 0)[rows.families]
    return [("a half", half), ("the other half", ~half)]


def _within(outcomes: Sequence[Outcome], part: RowSet) -> tuple[Outcome, ...]:
    return tuple(
        replace(each, population=each.population & part, alike=each.alike and each.alike & part) for each in outcomes
    )


def _drawn(control: Control, most: int, rng: np.random.Generator, folder: Path) -> Control:
    """Some families of the control as a dataset of its own, and its outcomes."""
    rows = control.rows
    families = np.unique(rows.families)
    if families.size <= most:
        return control
    folder.mkdir()
    chosen = np.isin(rows.families, rng.choice(families, most, replace=False))
    kept = np.flatnonzero(chosen)
    batches = [
        batch.table.filter(pa.array(chosen[batch.first : batch.first + batch.table.num_rows]))
        for batch in rows.batches(SCHEMA.names)
    ]
    pq.write_table(pa.concat_tables(batches), folder / "part-00000.parquet")
    # A family's number is that of its first row, which is kept with all others of it.
    numbers = np.searchsorted(kept, rows.families[kept])
    pq.write_table(pa.table({"family": numbers}), folder / "family-00000.parquet")
    card = rows.card.model_copy(update={"part_rows": (kept.size,), "families": most})
    (folder / "rows.json").write_text(card.to_json(), encoding="utf-8")
    return Control(Rows(folder), tuple(_taken(each, rows, kept) for each in control.outcomes))


def _taken(outcome: Outcome, rows: Rows, kept: Int[np.ndarray, " kept"]) -> Outcome:
    """An outcome over the drawn rows; what reads them again goes by their numbers in the control."""
    again = outcome.still_reads
    return replace(
        outcome,
        flagged=RowSet.of(outcome.flagged.has(kept)),
        population=RowSet.of(outcome.population.has(kept)),
        alike=outcome.alike and RowSet.of(outcome.alike.has(kept)),
        still_reads=None if again is None else lambda _, chosen, words: again(rows, kept[chosen], words),
    )
