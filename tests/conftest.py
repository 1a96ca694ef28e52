"""Shape annotations are checked while the tests run, and the real small model is loaded once."""

import os
from pathlib import Path

from jaxtyping import install_import_hook

SOURCE = Path(__file__).parents[1] / "src" / "holdtrue"
# What generates test data is called for every word of it: checking each call would take most of the tests' time.
UNCHECKED = "holdtrue.audit.fixtures"
ROOMS = [f"holdtrue.{path.stem}" for path in SOURCE.iterdir() if path.stem not in {"__init__", "audit", "__pycache__"}]
AUDIT = [f"holdtrue.audit.{path.stem}" for path in (SOURCE / "audit").iterdir() if path.stem != "__pycache__"]
# Before anything of holdtrue is imported: jaxtyping wraps its functions, beartype checks what they are given.
install_import_hook([name for name in ROOMS + AUDIT if name != UNCHECKED], "beartype.beartype")

import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

from holdtrue.axis import Axis  # noqa: E402
from holdtrue.engines.hf import HFEngine  # noqa: E402
from holdtrue.models import ChatModel, load  # noqa: E402
from made_axis import made_axis  # noqa: E402

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Two workers share the machine: how long an example takes says nothing about it.
settings.register_profile("shared", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")


@pytest.fixture(scope="session")
def smollm() -> ChatModel:
    """The bundled model, on the CPU in fp32."""
    return load("smollm2-135m", device="cpu", dtype="float32")


@pytest.fixture(scope="session")
def engine(smollm: ChatModel) -> HFEngine:
    """The transformers engine over it."""
    return HFEngine(smollm)


ASKED = "How do tides work?"
SAID = "The moon pulls the sea a little, and the sea follows it round. " * 8


@pytest.fixture(scope="session")
def held_axis(smollm: ChatModel) -> Axis:
    """An axis of it with plausible floors."""
    windows = [slice(at, at + 20) for at in range(40, 120, 16)]
    return made_axis(smollm, 20, (10, 24), seed=5, asked=ASKED, said=SAID, windows=windows)
