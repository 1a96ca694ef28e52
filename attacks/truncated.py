"""A file cut short, as a broken download or a full disk leaves it: at every place that matters."""

import sys
from pathlib import Path

from victim import attack

from holdtrue.axis import load_axis
from holdtrue.errors import ArtifactError


def read_cut(folder: Path) -> None:
    tensors = folder / "axis.safetensors"
    whole = tensors.read_bytes()
    for kept in (0, 5, 8, 40, len(whole) // 2):
        tensors.write_bytes(whole[:kept])
        try:
            load_axis(folder)
        except ArtifactError:
            continue
        return
    tensors.write_bytes(whole[:-1])
    load_axis(folder)


if __name__ == "__main__":
    sys.exit(attack(lambda _: None, read_cut))
