"""`make bench`: every benchmark in turn. Two are long; give `quick` to leave them out."""

import subprocess
import sys

NAMES = (
    "start",
    "capture",
    "hold",
    "reader",
    "serve",
    "provider",
    "stress",
    "gate",
    "audit",
    "audit_detection",
    "adaptive",
)

for name in NAMES:
    if name in {"adaptive", "audit_detection"} and "quick" in sys.argv[1:]:
        continue
    print(f"== {name}", flush=True)
    subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=True)
