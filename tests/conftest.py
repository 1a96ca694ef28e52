"""Shape annotations are checked while the tests run, and the real small model is loaded once."""

import os

# Before anything of holdtrue is imported: jaxtyping wraps its functions, beartype checks what they are given.
from jaxtyping import install_import_hook

install_import_hook("holdtrue", "beartype.beartype")

import pytest  # noqa: E402

from holdtrue.engines.hf import HFEngine  # noqa: E402
from holdtrue.models import ChatModel, load  # noqa: E402

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


@pytest.fixture(scope="session")
def smollm() -> ChatModel:
    """The bundled model, on the CPU in fp32."""
    return load("smollm2-135m", device="cpu", dtype="float32")


@pytest.fixture(scope="session")
def engine(smollm: ChatModel) -> HFEngine:
    """The transformers engine over it."""
    return HFEngine(smollm)
