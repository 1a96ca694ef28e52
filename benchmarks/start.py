"""How long until `holdtrue --help` has answered? Whole processes, against a bare interpreter."""

import subprocess
import sys
import time
from pathlib import Path

from benchmarks.spread import ratio_line


def seconds(words: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    command = str(Path(sys.executable).with_name("holdtrue"))
    bare, ours = [], []
    for _ in range(10):
        bare.append(seconds([sys.executable, "-c", "pass"]))
        ours.append(seconds([command, "--help"]))
    print(
        ratio_line("holdtrue --help against an empty interpreter", bare, ours)
        .replace("ours", "python")
        .replace("theirs", "holdtrue")
    )


if __name__ == "__main__":
    main()
