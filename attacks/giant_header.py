"""A safetensors header that says it is a terabyte long: a trusting reader would allocate it."""

import sys
from pathlib import Path

from victim import attack


def inflate(folder: Path) -> None:
    (folder / "axis.safetensors").write_bytes((2**40).to_bytes(8, "little") + b"{" + b" " * 1000)


if __name__ == "__main__":
    sys.exit(attack(inflate))
