"""An axis made on the spot for a model at hand: random directions, calibrated on one plain answer."""

from collections.abc import Sequence

import torch

from holdtrue.axis import Axis, bare_card, calibrate, unit
from holdtrue.engines.hf import HFEngine
from holdtrue.models import ChatModel

WINDOWS = tuple(slice(at, at + 20) for at in range(0, 120, 20))


def made_axis(
    chat: ChatModel,
    layer: int,
    band: tuple[int, int],
    *,
    seed: int = 0,
    asked: str = "Hi",
    said: str = "Hello! " * 60,
    windows: Sequence[slice] = WINDOWS,
) -> Axis:
    """No claim beyond having a direction and, where there are windows of the answer to calibrate on, floors."""
    vectors = torch.randn(chat.n_layers, chat.d_model, generator=torch.Generator().manual_seed(seed))
    card = bare_card(
        model=chat.name,
        weights_digest=chat.weights_digest,
        config_digest=chat.config_digest,
        template_digest=chat.template.digest,
        dtype="float32",
        norms=vectors.norm(dim=1).tolist(),
        d_model=chat.d_model,
        origin="made for a test",
        layer=layer,
        band=band,
        reason="a test",
    )
    if windows:
        ids = chat.template.encode([{"role": "user", "content": asked}, {"role": "assistant", "content": said}])
        found = HFEngine(chat).project(ids[: max(each.stop for each in windows)], unit(vectors)).numpy()
        card = card.model_copy(update={"calibration": calibrate([found[:, each] for each in windows])})
    return Axis(vectors, None, None, card)
