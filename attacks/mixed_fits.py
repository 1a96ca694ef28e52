"""The card of one fit beside the tensors of another: its figures would vouch for a direction they never measured."""

import sys
from pathlib import Path

from victim import attack, card


def mix(folder: Path) -> None:
    other = card().model_copy(update={"recommended_layer": 1, "reason": "another fit"})
    (folder / "axis.json").write_text(other.to_json(), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(attack(mix))
