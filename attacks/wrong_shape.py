"""Tensors for another width than the card's: a broadcast would quietly steer along nonsense."""

import sys
from pathlib import Path

from safetensors.torch import save_file
from victim import D_MODEL, attack, card, sound


def narrow(folder: Path) -> None:
    axis = sound()
    metadata = {"schema": "holdtrue.axis-tensors/1", "card": card().digest}
    half = {
        "axis": axis.vectors[:, : D_MODEL // 2].contiguous(),
        "default_mean": axis.default_mean[:, : D_MODEL // 2].contiguous(),
        "role_means": axis.role_means[:, :, : D_MODEL // 2].contiguous(),
    }
    save_file(half, folder / "axis.safetensors", metadata)


if __name__ == "__main__":
    sys.exit(attack(narrow))
