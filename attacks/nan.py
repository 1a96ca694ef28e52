"""One NaN in the axis: every projection would be NaN, and no floor would ever fire."""

import sys
from pathlib import Path

from safetensors.torch import load_file, save_file
from victim import attack, card


def poison(folder: Path) -> None:
    path = folder / "axis.safetensors"
    tensors = load_file(path)
    tensors["axis"][1, 3] = float("nan")
    save_file(tensors, path, {"schema": "holdtrue.axis-tensors/1", "card": card().digest})


if __name__ == "__main__":
    sys.exit(attack(poison))
