"""The dataset once more, without the rows that somebody decided to remove."""

import hashlib
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Final

from pydantic import Field

from holdtrue.audit.copying import copy_without
from holdtrue.audit.ingest.lines import survey
from holdtrue.audit.ingest.sources import Source, find_sources
from holdtrue.audit.removal import checked_copy, lines_to_remove, removed_lines
from holdtrue.audit.rows import Rows
from holdtrue.errors import ArtifactError, SettingError, StorageError
from holdtrue.records import Record, check_writable, storage_error, write_atomic

__all__ = ["CARD_FILE", "DATA_FOLDER", "REMOVED_FILE", "CleanedCard", "export_cleaned"]

CARD_FILE: Final = "cleaned.json"
REMOVED_FILE: Final = "removed.jsonl"
DATA_FOLDER: Final = "data"
"""Apart from what was removed: an audit of this folder must not read that."""
_NO_CUT: Final = 2**62


class CleanedCard(Record):
    """`cleaned.json`: what was left out, and what nobody has looked at."""

    schema_id: ClassVar[str] = "holdtrue.cleaned/1"

    dataset: str
    dataset_digest: str
    cleaned_digest: str
    """Of the files written, as an ingest of them computes it."""
    rows: int = Field(ge=0)
    """Audited rows that are left."""
    removed: int = Field(ge=0)
    unaudited: int = Field(ge=0)
    """Rows in quarantine: no audit could read them, and they stand in the copy as they came."""
    files: dict[str, int]
    """Rows of each file written, those of quarantine included."""
    notes: tuple[str, ...] = ()
    """Files that hold no rows, and so weren't copied."""


def export_cleaned(
    rows: Rows,
    dataset: str,
    remove: frozenset[int],
    out: Path,
    *,
    reasons: Mapping[int, Sequence[int]] | None = None,
) -> CleanedCard:
    """Write a dataset without some rows into `out/data`: same files, format and compression, all else as it stood.

    Lines of JSONL and CSV are kept byte for byte, and so are elements of a JSON array. `out/removed.jsonl` holds what
    was left out, with its findings. The folder appears whole or not at all; nothing of the original is touched.

    Args:
        rows: the dataset as it was audited.
        dataset: where it lies, as the ingest was told.
        remove: numbers of rows.
        out: a folder that isn't there yet, or is empty.
        reasons: for a row the places of its findings in the verdict.

    Returns:
        The counts, checked on the files as written.

    Raises:
        ArtifactError: the dataset isn't the one that was audited, or a row can't be taken out of it.
        SettingError: a number that isn't a row's.
        StorageError: the folder has something in it, or can't be written.
    """
    wrong = [row for row in sorted(remove) if not 0 <= row < len(rows)]
    if wrong:
        message = f"row {wrong[0]} can't be removed: {rows.card.dataset} has rows 0 to {len(rows) - 1}"
        raise SettingError(message)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        message = f"{out}: has something in it, and nothing is overwritten; name a new folder"
        raise StorageError(message)
    sources, notes = find_sources(dataset)
    if _digest(sources) != rows.card.data_digest:
        message = (
            f"{dataset}: isn't as it was when audited (digest {rows.card.data_digest[:12]}), so its line numbers mean "
            "nothing; bring those files back, or audit it again"
        )
        raise ArtifactError(message)
    check_writable(out.parent / CARD_FILE)
    beside = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    try:
        card = _export(rows, dataset, sources, notes, remove, reasons or {}, beside)
        beside.chmod(0o755)
        if out.exists():
            out.rmdir()
        beside.rename(out)
    except OSError as error:
        raise storage_error(out, error) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return card


def _export(
    rows: Rows,
    dataset: str,
    sources: Sequence[Source],
    notes: Sequence[str],
    remove: frozenset[int],
    reasons: Mapping[int, Sequence[int]],
    folder: Path,
) -> CleanedCard:
    lines = lines_to_remove(rows, remove)
    written: list[Source] = []
    removed: list[str] = []
    files: dict[str, int] = {}
    for source in sources:
        target = folder / DATA_FOLDER / source.name
        target.parent.mkdir(parents=True, exist_ok=True)
        copy = replace(source, path=target)
        gone = lines.pop(source.name, {})
        if gone:
            removed += removed_lines(source, gone, reasons)
            copy_without(source, frozenset(gone), target)
        else:
            shutil.copyfile(source.path, target)
        written.append(copy)
        files[source.name] = checked_copy(source, frozenset(gone), copy)
    if lines:
        message = f"{dataset}: no file {next(iter(lines))!r} in it, and {rows.folder} has rows of it; audit it again"
        raise ArtifactError(message)
    expected = len(rows) - len(remove) + rows.card.quarantined
    if sum(files.values()) != expected:
        message = f"{dataset}: the copy has {sum(files.values())} rows, expected {expected}; audit it again"
        raise ArtifactError(message)
    card = CleanedCard(
        dataset=dataset,
        dataset_digest=rows.card.data_digest,
        cleaned_digest=_digest(written),
        rows=len(rows) - len(remove),
        removed=len(remove),
        unaudited=rows.card.quarantined,
        files=files,
        notes=tuple(notes),
    )
    write_atomic(folder / REMOVED_FILE, "".join(removed))
    write_atomic(folder / CARD_FILE, card.to_json() + "\n")
    return card


def _digest(sources: Sequence[Source]) -> str:
    """Over names and contents, as ingest makes it."""
    digest = hashlib.sha256()
    for source in sources:
        digest.update(f"{len(source.name)}:{source.name}".encode() + survey(source, _NO_CUT)[0])
    return digest.hexdigest()
