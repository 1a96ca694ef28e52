"""Shape annotations are checked while the tests run, and the real small model is loaded once."""

import os

# Before anything of holdtrue is imported: jaxtyping wraps its functions, beartype checks what they are given.
from jaxtyping import install_import_hook

install_import_hook("holdtrue", "beartype.beartype")

import pytest  # noqa: E402
import torch  # noqa: E402

from holdtrue.axis import Axis, bare_card, calibrate, unit  # noqa: E402
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


TALK = [
    {"role": "user", "content": "How do tides work?"},
    {"role": "assistant", "content": "The moon pulls the sea a little, and the sea follows it round. " * 8},
]


@pytest.fixture(scope="session")
def held_axis(smollm: ChatModel, engine: HFEngine) -> Axis:
    """An axis of it with plausible floors: random directions, calibrated on one plain answer."""
    vectors = torch.randn(smollm.n_layers, smollm.d_model, generator=torch.Generator().manual_seed(5))
    projections = engine.project(smollm.template.encode(TALK), unit(vectors)).numpy()
    card = bare_card(
        model=smollm.name,
        weights_digest=smollm.weights_digest,
        config_digest=smollm.config_digest,
        template_digest=smollm.template.digest,
        dtype="float32",
        norms=vectors.norm(dim=1).tolist(),
        d_model=smollm.d_model,
        origin="made for a test",
        layer=20,
        band=(10, 24),
        reason="a test",
    )
    responses = [projections[:, i : i + 20] for i in range(40, 120, 16)]
    return Axis(vectors, None, None, card.model_copy(update={"calibration": calibrate(responses)}))
