"""The axis reversed, all else in place: a hold with it would push the model away from the assistant."""

import sys
from pathlib import Path

from safetensors.torch import load_file, save_file
from victim import attack, card

from holdtrue.axis import load_axis
from holdtrue.errors import ArtifactError


def reverse(folder: Path) -> None:
    path = folder / "axis.safetensors"
    tensors = load_file(path)
    save_file({**tensors, "axis": -tensors["axis"]}, path, {"schema": "holdtrue.axis-tensors/1", "card": card().digest})


def read_also_bare(folder: Path) -> None:
    """Without the means the sign couldn't be checked, so leaving them out must not help either."""
    path = folder / "axis.safetensors"
    reversed_ = path.read_bytes()
    bare = {"axis": load_file(path)["axis"]}
    save_file(bare, path, {"schema": "holdtrue.axis-tensors/1", "card": card().digest})
    try:
        load_axis(folder)
    except ArtifactError:
        path.write_bytes(reversed_)
        load_axis(folder)


if __name__ == "__main__":
    sys.exit(attack(reverse, read_also_bare))
