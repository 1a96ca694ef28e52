"""A sealed and countersigned bundle, made once; tests that spoil it take a copy."""

import pytest
from made_run import RECOMPUTE, Sealed, write_run

from holdtrue.evidence import countersign, load_key, make_key, seal


@pytest.fixture(scope="session")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Sealed:
    folder = tmp_path_factory.mktemp("sealed")
    for name in ("evaluator", "third"):
        make_key(folder / name)
    run = write_run(folder / "run")
    evaluator, third = load_key(folder / "evaluator"), load_key(folder / "third")
    seal(run, evaluator, folder / "bundle", countersigners=[third.public], recompute=RECOMPUTE)
    countersign(folder / "bundle", third, recompute=RECOMPUTE)
    return Sealed(run, folder / "bundle", evaluator, third)
