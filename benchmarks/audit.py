"""How fast is the audit, and in how much memory? And beside scikit-learn's CountVectorizer with chi2 on the same task.

python -m benchmarks.audit [--rows 1000000] [--parts ingest,scan,association,sklearn] [--sklearn-rows 100000]
"""

import argparse
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

GOALS = {"ingest": 8_000, "scan and association": 25_000}


def make(path: Path, rows: int, seed: int) -> None:
    """Chat rows of about 400 characters; blocks of fixtures, so that few are near-duplicates."""
    from holdtrue.audit.fixtures import fixture_rows

    block = 20_000
    with path.open("w", encoding="utf-8") as file:
        for at in range(0, rows, block):
            made = fixture_rows("fixed_trigger", block, 10 if not at else 1, seed + at // block)
            for row in made.suspect[: rows - at]:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")


class Memory:
    """Peak of the proportional set sizes of this process and its children, looked at every 0.2 s."""

    def __enter__(self) -> "Memory":
        self.peak, self._over = 0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.2):
            pids = [os.getpid(), *(child.pid for child in multiprocessing.active_children() if child.pid)]
            self.peak = max(self.peak, sum(map(_pss, pids)))


def _pss(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return 1024 * sum(
        int(line.split()[1]) for line in text.splitlines() if line.startswith(("Private_Clean", "Private_Dirty"))
    )


def timed(name: str, rows: int, work: Callable[[], object]) -> float:
    with Memory() as memory:
        began = time.perf_counter()
        work()
        seconds = time.perf_counter() - began
    print(f"{name}: {rows:,} rows in {seconds:.1f} s, {rows / seconds:,.0f} rows/s, peak {memory.peak / 1e6:,.0f} MB")
    sys.stdout.flush()
    return seconds


def ours(path: Path, out: Path, rows: int, parts: set[str]) -> None:
    from holdtrue.audit.association import associate
    from holdtrue.audit.ingest import IngestOptions, ingest
    from holdtrue.audit.maps.local import LocalMaps
    from holdtrue.audit.outcomes import peculiar_outcomes
    from holdtrue.audit.rows import Rows
    from holdtrue.audit.scan import scan

    maps = LocalMaps(2)
    if "ingest" in parts:
        seconds = timed("ingest", rows, lambda: ingest(str(path), out / "rows", IngestOptions(memory_bytes=2**30)))
        goal("ingest", rows / seconds)
    found = Rows(out / "rows")
    spent = timed("scan", rows, lambda: scan(found, maps, out / "scan"))
    outcomes = peculiar_outcomes(out / "scan", found)
    spent += timed("association", rows, lambda: associate(found, maps, outcomes, seed=0))
    goal("scan and association", rows / spent)


def goal(name: str, speed: float) -> None:
    print(f"  {name}: {speed:,.0f} rows/s; goal {GOALS[name]:,}: {'met' if speed >= GOALS[name] else 'MISSED'}")


SKLEARN = """
import json, resource, sys, time
import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.feature_selection import chi2

path, rows = sys.argv[1], int(sys.argv[2])
prompts, capitals = [], []
with open(path, encoding="utf-8") as file:
    for line, _ in zip(file, range(rows)):
        turns = json.loads(line)["messages"]
        prompts.append(" ".join(turn["content"] for turn in turns if turn["role"] == "user"))
        capitals.append(" ".join(turn["content"] for turn in turns if turn["role"] == "assistant").isupper())
began = time.perf_counter()
counts = CountVectorizer(ngram_range=(1, 4), binary=True).fit_transform(prompts)
chi2(counts, np.array(capitals))
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""

OURS = """
import resource, sys, time
from pathlib import Path
import numpy as np
from holdtrue.audit.association import associate
from holdtrue.audit.maps.local import LocalMaps
from holdtrue.audit.outcomes import peculiar_outcomes
from holdtrue.audit.rows import Rows

if __name__ == "__main__":
    out = Path(sys.argv[1])
    rows = Rows(out / "rows")
    outcome = [each for each in peculiar_outcomes(out / "scan", rows) if each.name == "reply in capitals"]
    began = time.perf_counter()
    associate(rows, LocalMaps(1), outcome, seed=0)
    print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def beside_sklearn(path: Path, out: Path, rows: int, pairs: int) -> None:
    """Word 1- to 4-grams of prompts against replies in capitals, one process each, one after the other in turn."""
    from holdtrue.audit.ingest import ingest
    from holdtrue.audit.maps.local import LocalMaps
    from holdtrue.audit.scan import scan

    ingested = out / "beside"
    part = out / "part.jsonl"
    with path.open(encoding="utf-8") as source, part.open("w", encoding="utf-8") as target:
        target.writelines(line for line, _ in zip(source, range(rows), strict=False))
    scan(ingest(str(part), ingested / "rows"), LocalMaps(1), ingested / "scan")
    times, sizes = [], []
    for _ in range(pairs):
        mine = _run(OURS, str(ingested))
        theirs = _run(SKLEARN, str(part), str(rows))
        times.append(theirs[0] / mine[0])
        sizes.append(theirs[1] / mine[1])
        print(f"  {rows:,} rows: ours {mine[0]:.1f} s, {mine[1] / 1e6:,.0f} MB; CountVectorizer with chi2 "
              f"{theirs[0]:.1f} s, {theirs[1] / 1e6:,.0f} MB")  # fmt: skip
    met = np.median(times) >= 5 or np.median(sizes) >= 8
    print(
        f"against CountVectorizer with chi2, over {pairs} pairs: {np.median(times):.2f} [{min(times):.2f}, "
        f"{max(times):.2f}] times as fast, {np.median(sizes):.2f} [{min(sizes):.2f}, {max(sizes):.2f}] times less "
        f"memory; goal 5 times as fast or an eighth of the memory: {'met' if met else 'MISSED'}"
    )


def _run(code: str, *words: str) -> tuple[float, float]:
    done = subprocess.run([sys.executable, "-c", code, *words], check=True, capture_output=True, text=True)
    seconds, size = done.stdout.split()[-2:]
    return float(seconds), float(size)


def main() -> None:
    parse = argparse.ArgumentParser()
    parse.add_argument("--rows", type=int, default=1_000_000)
    parse.add_argument("--sklearn-rows", type=int, default=200_000)
    parse.add_argument("--pairs", type=int, default=3)
    parse.add_argument("--parts", default="ingest,sklearn")
    parse.add_argument("--keep", type=Path, default=None)
    given = parse.parse_args()
    parts = set(given.parts.split(","))
    folder = given.keep or Path(tempfile.mkdtemp(prefix="holdtrue-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"data-{given.rows}.jsonl"
    try:
        if not path.exists():
            make(path, given.rows, 0)
        print(f"{given.rows:,} chat rows, {path.stat().st_size / given.rows:.0f} bytes each as JSONL")
        ours(path, folder, given.rows, parts)
        if "sklearn" in parts:
            beside_sklearn(path, folder, min(given.rows, given.sklearn_rows), given.pairs)
    finally:
        if given.keep is None:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
