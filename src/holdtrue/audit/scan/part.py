"""One part's scan: its features' file, and the counts that are added up over parts."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from holdtrue.audit.rows import Batch, Part
from holdtrue.audit.scan.features import FEATURES, features
from holdtrue.audit.scan.habits import Habits
from holdtrue.audit.scan.hidden import Hidden, hidden_text
from holdtrue.audit.scan.layout import Text, chunks
from holdtrue.audit.scan.peculiar import OUTCOMES, PeculiarOutcome, asked
from holdtrue.audit.scan.report import HiddenText, PartCounts
from holdtrue.audit.scan.slices import SliceCounts, count_slices, merge_slices
from holdtrue.audit.scan.templates import TemplateCounts, count_templates, merge_templates
from holdtrue.errors import ArtifactError
from holdtrue.records import storage_error

__all__ = ["COLUMNS", "PartScan", "features_path"]

COLUMNS: Final = ("system", "prompt", "response", "slices")
MOST_HIDDEN_ROWS: Final = 10_000
MOST_CODE_POINTS: Final = 1_000
_COUNTS: Final = b"holdtrue.counts"
_MADE_FROM: Final = b"holdtrue.made-from"


def features_path(out: Path, part: Part) -> Path:
    """Where a part's features lie."""
    return out / f"features-{part.index:05d}.parquet"


@final
@dataclass(frozen=True)
class PartScan:
    """The scan's work on a part: a file of features, which isn't written twice.

    Args:
        out: the folder for the files.
        reply: the column that is looked at: `response`, or `prompt` for labelled texts.
        habits: how the dataset's replies are spelt.
        made_from: digest of everything that the features follow from but the code.
    """

    out: Path
    reply: str
    habits: Habits
    made_from: str

    def __call__(self, batch: Batch) -> PartCounts:
        """Scan a part, or read what an earlier scan counted there.

        Raises:
            StorageError: the file can't be written.
        """
        path = features_path(self.out, batch.part)
        before = self._counted(path, batch.part)
        if before is not None:
            return before
        pieces = [self._scan(piece) for piece in chunks(batch.table.select(COLUMNS))]
        table = pa.concat_tables([piece.table for piece in pieces])
        counts = _added_up(table, batch.first, pieces)
        metadata = {_COUNTS: counts.to_json(indent=None).encode(), _MADE_FROM: self.made_from.encode()}
        _write(table.replace_schema_metadata(metadata), path)
        return counts

    def _counted(self, path: Path, part: Part) -> PartCounts | None:
        try:
            file = pq.read_metadata(path)
            held = file.metadata or {}
            if file.num_rows == part.rows and held.get(_MADE_FROM) == self.made_from.encode():
                return PartCounts.from_json(held[_COUNTS].decode(), str(path))
        except (OSError, pa.ArrowInvalid, KeyError, UnicodeDecodeError, ArtifactError):
            pass  # not there, or not whole: made again
        return None

    def _scan(self, piece: pa.Table) -> "_Piece":
        system, prompt, response = (
            Text.of(piece.column(name).combine_chunks()) for name in ("system", "prompt", "response")
        )
        hidden = tuple(hidden_text(text) for text in (system, prompt, response))
        if self.reply == "prompt":  # a labelled text has no prompt that could ask for anything
            reply, reply_hidden = prompt, hidden[1]
            prompt = system = Text.of(pa.array([""] * len(piece)))
        else:
            reply, reply_hidden = response, hidden[2]
        of = dict(features(reply, prompt, self.habits))
        seen = {**of, "hidden": reply_hidden.rows}
        columns = {outcome.name: outcome.flagged(seen) for outcome in OUTCOMES}
        columns |= {f"asked_{outcome.name}": _asked(outcome, system, prompt) for outcome in OUTCOMES}
        columns["hidden_prompt"] = hidden[0].rows | hidden[1].rows
        columns["hidden_response"] = hidden[2].rows
        slices = count_slices(piece.column("slices").combine_chunks(), np.stack([of[name] for name in FEATURES], 1))
        return _Piece(pa.table(columns | of), hidden, count_templates(reply), slices)


@final
@dataclass(frozen=True)
class _Piece:
    """What a stretch of a part gave."""

    table: pa.Table
    hidden: tuple[Hidden, ...]
    templates: TemplateCounts
    slices: SliceCounts


def _asked(outcome: PeculiarOutcome, system: Text, prompt: Text) -> np.ndarray:
    told = pc.dictionary_encode(system.column)  # system prompts are few
    always = asked(outcome, told.dictionary)[told.indices.to_numpy(zero_copy_only=False)]
    either: np.ndarray = always | asked(outcome, prompt.column)
    return either


def _added_up(table: pa.Table, first: int, pieces: Sequence[_Piece]) -> PartCounts:
    held = {name: table.column(name).to_numpy() for name in table.column_names}
    either = np.flatnonzero(held["hidden_prompt"] | held["hidden_response"])
    templates: TemplateCounts = {}
    slices: SliceCounts = {}
    classes: Counter[str] = Counter()
    points: Counter[str] = Counter()
    by_class: dict[str, set[int]] = {}
    begins = first
    for piece in pieces:
        merge_templates(templates, piece.templates)
        merge_slices(slices, piece.slices)
        for hidden in piece.hidden:
            classes += hidden.classes
            points += hidden.code_points
            for name, rows in hidden.by_class.items():
                by_class.setdefault(name, set()).update((rows + begins).tolist())
        begins += piece.table.num_rows
    return PartCounts(
        rows=table.num_rows,
        flagged={each.name: int((held[each.name] & ~held[f"asked_{each.name}"]).sum()) for each in OUTCOMES},
        asked={each.name: int(held[f"asked_{each.name}"].sum()) for each in OUTCOMES},
        sums={name: float(held[name].sum(dtype=np.float64)) for name in FEATURES},
        hidden=HiddenText(
            n_rows=int(either.size),
            rows=tuple((either[:MOST_HIDDEN_ROWS] + first).tolist()),
            in_prompt=int(held["hidden_prompt"].sum()),
            in_response=int(held["hidden_response"].sum()),
            classes=dict(sorted(classes.items())),
            code_points=dict(sorted(points.most_common(MOST_CODE_POINTS))),
            class_n={name: len(rows) for name, rows in sorted(by_class.items())},
            class_rows={name: tuple(sorted(rows)[:MOST_HIDDEN_ROWS]) for name, rows in sorted(by_class.items())},
        ),
        templates=templates,
        slices=slices,
    )


def _write(table: pa.Table, path: Path) -> None:
    # Beside its place and renamed: whoever looks, after a kill as well, sees a whole file or none.
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        pq.write_table(table, beside, compression="lz4", use_dictionary=False)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise storage_error(path, error) from None
