import os
import subprocess
import sys
from pathlib import Path

ATTACK = Path(__file__).parents[2] / "attacks" / "tampered_bundle.py"


def test_the_threat_model_runs_and_every_attempt_is_found() -> None:
    told = subprocess.run([sys.executable, str(ATTACK)], capture_output=True, text=True, check=False, env=os.environ)
    assert told.returncode == 0, told.stderr
    lines = told.stdout.splitlines()
    assert len(lines) >= 20
    assert all(line.startswith("refused: ") for line in lines)
