"""A pickle runs code when it is read: as a .pt file, and dressed up as axis.safetensors."""

import pickle
import sys
from pathlib import Path

import torch
from victim import attack

from holdtrue.axis import load_axis, read_axis_pt, read_capping_pt
from holdtrue.errors import ArtifactError


class Bomb:
    """Creates a file when it is unpickled; an attacker would do worse."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (self.canary,))


def plant(folder: Path) -> Path:
    canary = folder / "canary"
    bomb = Bomb(canary)
    (folder / "raw.pt").write_bytes(pickle.dumps(bomb))
    torch.save({"axis": torch.ones(4, 8), "note": bomb}, folder / "archive.pt")
    torch.save({"vectors": {}, "experiments": bomb}, folder / "capping_config.pt")
    # The last one lies where the artifact's tensors belong.
    torch.save(bomb, folder / "axis.safetensors")
    return canary


def read_all(folder: Path) -> None:
    for read, name in ((read_axis_pt, "raw.pt"), (read_axis_pt, "archive.pt"), (read_capping_pt, "capping_config.pt")):
        try:
            read(folder / name)
        except ArtifactError:
            continue
        return
    pickled = folder / "axis.safetensors"
    archive = pickled.read_bytes()
    pickled.write_bytes((folder / "raw.pt").read_bytes())
    try:
        load_axis(folder)
    except ArtifactError:
        pickled.write_bytes(archive)
        load_axis(folder)


if __name__ == "__main__":
    sys.exit(attack(plant, read_all))
