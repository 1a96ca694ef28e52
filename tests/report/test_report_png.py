"""Pictures: valid, at twice the size, and with something on them."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from holdtrue.errors import EvidenceError, StorageError
from holdtrue.records import AxisCard, Reading
from holdtrue.report import overview_png, write_pngs


def pixels(png: bytes) -> np.ndarray:
    """Decode an 8-bit RGBA picture, without trusting the library that wrote it."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, data, head = 8, b"", b""
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kind, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert zlib.crc32(kind + body) == struct.unpack(">I", png[at + 8 + length : at + 12 + length])[0]
        head, data = (body if kind == b"IHDR" else head), data + (body if kind == b"IDAT" else b"")
        at += 12 + length
    width, height, depth, colour = struct.unpack(">IIBB", head[:10])
    assert (depth, colour) == (8, 6)
    # Filters only shift bytes about: whether there is ink shows without undoing them.
    return np.frombuffer(zlib.decompress(data), np.uint8).reshape(height, 1 + 4 * width)


def test_every_figure_is_written(tmp_path: Path, card: AxisCard, readings: tuple[Reading, Reading]) -> None:
    written = write_pngs(card, readings, tmp_path / "new")
    assert {p.name for p in written} == {"persona-map.png", "roles.png", "checks.png", "calibration.png", "drift.png"}
    assert {p.name for p in (tmp_path / "new").iterdir()} == {p.name for p in written}
    for path in written:
        rows = pixels(path.read_bytes())
        assert rows.shape[1] > 4 * 1200
        assert len(np.unique(rows)) > 60


def test_only_figures_with_data_are_written(
    tmp_path: Path, imported_card: AxisCard, readings: tuple[Reading, ...]
) -> None:
    assert write_pngs(imported_card, (), tmp_path) == ()
    assert [p.name for p in write_pngs(None, readings, tmp_path, "dark")] == ["drift.png"]


def test_missing_panels_do_not_stop_the_others(tmp_path: Path, card: AxisCard) -> None:
    layers = tuple(check.model_copy(update={"auroc": None, "auroc_ci": None, "d_prime": None}) for check in card.layers)
    bare = card.model_copy(update={"layers": layers, "roles": (), "histograms": ()})
    assert [p.name for p in write_pngs(bare, (), tmp_path)] == ["checks.png"]


def test_overview_in_both_themes(card: AxisCard, readings: tuple[Reading, Reading]) -> None:
    light, dark = overview_png(card, readings), overview_png(card, readings, "dark")
    assert pixels(light).shape == pixels(dark).shape
    assert light != dark
    assert pixels(overview_png(card)).shape[0] > 800


def test_overview_of_nothing_is_refused(imported_card: AxisCard) -> None:
    with pytest.raises(EvidenceError, match="nothing to draw"):
        overview_png(imported_card)


def test_hostile_names_are_drawn(tmp_path: Path, card: AxisCard) -> None:
    names = ("\x00\x0b<svg onload=x>", "]]>&amp;<", "\ufffe\uffff", "x" * 100_000)
    roles = tuple(
        role.model_copy(update={"name": names[i % 4], "category": names[i % 3]}) for i, role in enumerate(card.roles)
    )
    written = write_pngs(card.model_copy(update={"roles": roles, "model": names[0]}), (), tmp_path)
    assert len(written) == 4


def test_unwritable_folder_is_a_storage_error(tmp_path: Path, card: AxisCard) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="can't write"):
        write_pngs(card, (), tmp_path / "file" / "below")
