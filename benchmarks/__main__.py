"""`make bench`: every benchmark in turn. The adaptive one is long and resumes; give `quick` to leave it out."""

import subprocess
import sys

NAMES = ("start", "capture", "hold", "reader", "serve", "provider", "stress", "gate", "adaptive")

for name in NAMES:
    if name == "adaptive" and "quick" in sys.argv[1:]:
        continue
    print(f"== {name}", flush=True)
    subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=True)
