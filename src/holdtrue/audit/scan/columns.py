"""A scan's columns, over all rows of the dataset."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from jaxtyping import Bool, Float32

from holdtrue.audit.rows import Rows
from holdtrue.audit.scan.features import FEATURES
from holdtrue.audit.scan.part import features_path
from holdtrue.audit.scan.peculiar import outcome_named
from holdtrue.errors import ArtifactError, SettingError, did_you_mean

__all__ = ["asked_column", "feature_column", "outcome_column"]


def outcome_column(out: Path, rows: Rows, name: str) -> Bool[np.ndarray, " rows"]:
    """Which rows have a peculiar outcome.

    Args:
        out: the scan's folder.
        rows: the dataset that was scanned.
        name: of `OUTCOMES`, or `hidden_prompt` or `hidden_response`.

    Raises:
        SettingError: there is no such outcome.
        ArtifactError: the scan isn't finished, or is another dataset's.
    """
    if name not in {"hidden_prompt", "hidden_response"}:
        outcome_named(name)
    return _column(out, rows, name).astype(bool)


def asked_column(out: Path, rows: Rows, name: str) -> Bool[np.ndarray, " rows"]:
    """Which rows' prompts ask for an outcome, so that they are left out of its test.

    Args:
        out: the scan's folder.
        rows: the dataset that was scanned.
        name: of `OUTCOMES`.

    Raises:
        SettingError: there is no such outcome.
        ArtifactError: the scan isn't finished, or is another dataset's.
    """
    return _column(out, rows, f"asked_{outcome_named(name).name}").astype(bool)


def feature_column(out: Path, rows: Rows, name: str) -> Float32[np.ndarray, " rows"]:
    """A feature of every row's reply.

    Args:
        out: the scan's folder.
        rows: the dataset that was scanned.
        name: of `FEATURES`.

    Raises:
        SettingError: there is no such feature.
        ArtifactError: the scan isn't finished, or is another dataset's.
    """
    if name not in FEATURES:
        message = f"'{name}' is no feature of the scan: {did_you_mean(name, list(FEATURES))}"
        raise SettingError(message)
    return _column(out, rows, name).astype(np.float32)


def _column(out: Path, rows: Rows, name: str) -> np.ndarray:
    found = [np.zeros(0, bool)]
    for part in rows.parts:
        path = features_path(out, part)
        try:
            column = pq.read_table(path, columns=[name]).column(name).to_numpy()
        except (OSError, ValueError, KeyError) as error:  # Arrow's own errors are ValueErrors
            message = f"{path}: can't be read ({error}); scan the dataset again"
            raise ArtifactError(message) from None
        if column.size != part.rows:
            message = f"{path}: {column.size} rows where {part.path} has {part.rows}; scan the dataset again"
            raise ArtifactError(message)
        found.append(column)
    return np.concatenate(found[1:] or found)
