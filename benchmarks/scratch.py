"""Where benchmarks leave what they write: on this disk, and out of version control even when one is killed."""

import tempfile
from pathlib import Path

__all__ = ["scratch_folder"]


def scratch_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder under `runs/`, gone when its `with` block ends."""
    Path("runs").mkdir(exist_ok=True)
    return tempfile.TemporaryDirectory(dir="runs", prefix="bench-")
