"""Torch archives that unfold in memory: a compressed one, and a four-byte tensor posing as four terabytes."""

import sys
import zipfile
from pathlib import Path

import torch
from victim import attack

from holdtrue.axis import read_axis_pt
from holdtrue.errors import ArtifactError


def fold(folder: Path) -> None:
    torch.save(torch.ones(1).expand(2**20, 2**20), folder / "posing.pt")
    torch.save(torch.ones(4, 8), folder / "plain.pt")
    with (
        zipfile.ZipFile(folder / "plain.pt") as plain,
        zipfile.ZipFile(folder / "folded.pt", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as folded,
    ):
        for entry in plain.infolist():
            is_data = entry.filename.endswith("/data/0")
            folded.writestr(entry.filename, bytes(2**26) if is_data else plain.read(entry))


def read_both(folder: Path) -> None:
    try:
        read_axis_pt(folder / "posing.pt")
    except ArtifactError:
        read_axis_pt(folder / "folded.pt")


if __name__ == "__main__":
    sys.exit(attack(fold, read_both))
