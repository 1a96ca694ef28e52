"""An axis of the small model with plausible floors: random directions, calibrated on one plain answer."""

import pytest
import torch

from holdtrue.axis import Axis, bare_card, calibrate, unit
from holdtrue.engines.hf import HFEngine
from holdtrue.models import ChatModel

TALK = [
    {"role": "user", "content": "How do tides work?"},
    {"role": "assistant", "content": "The moon pulls the sea a little, and the sea follows it round. " * 8},
]


@pytest.fixture(scope="session")
def held_axis(smollm: ChatModel, engine: HFEngine) -> Axis:
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
