"""Small axes with everything a fitted one has, and one as bare as an imported one."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from holdtrue.axis import Axis, bare_card, calibrate, histogram, unit
from holdtrue.records import AxisCard, RolePosition, SelfTest

N_LAYERS, D_MODEL, N_ROLES = 6, 16, 5


def make_axis(seed: int = 0) -> Axis:
    """A fitted, calibrated axis of random means; a seed is a fit."""
    generator = torch.Generator().manual_seed(seed)
    default = 3 + torch.randn(N_LAYERS, D_MODEL, generator=generator)
    roles = torch.randn(N_ROLES, N_LAYERS, D_MODEL, generator=generator)
    vectors = default - roles.mean(dim=0)
    return Axis(vectors, default, roles, _card(vectors, seed))


def _card(vectors: Tensor, seed: int) -> AxisCard:
    rng = np.random.default_rng(seed)
    units = unit(vectors).numpy()
    responses = [units @ (2 + rng.normal(size=(D_MODEL, 40)) * 3) for _ in range(8)]
    bare = bare_card(
        model="example/tiny-model",
        weights_digest="a" * 64,
        config_digest="b" * 64,
        template_digest="c" * 64,
        dtype="float32",
        norms=vectors.norm(dim=1).tolist(),
        d_model=D_MODEL,
        origin="fitted",
        layer=3,
        band=(2, 4),
        reason="block 3 has the highest lower bound.",
        warnings=("TOO FEW ACCEPTED ROLLOUTS: 1 of 5 roles.",),
    )
    measured = {
        "auroc": 0.93,
        "auroc_ci": (0.90, 0.96),
        "d_prime": 1.7,
        "split_half": 0.62,
        "split_half_ci": (0.41, 0.78),
        "random_auroc": 0.64,
        "pc1_share": 0.35,
        "cos_pc1": 0.7,
    }
    return bare.model_copy(
        update={
            "layers": tuple(check.model_copy(update=measured) for check in bare.layers),
            "roles": tuple(
                RolePosition(
                    name=f"role {k}", category="fantasy", n_rollouts=12, projection=-1.0 - k, pc=(-1.0, float(k))
                )
                for k in range(N_ROLES)
            ),
            "default_pc": (2.0, 0.5),
            "default_rank": 1,
            "calibration": calibrate([np.asarray(r, dtype=np.float32) for r in responses]),
            "histograms": (histogram("default", rng.normal(size=50)),),
            "self_test": SelfTest(layer=3, default_mean=2.0, role_mean=-1.0, passed=True),
            "n_rollouts": 60,
            "n_accepted": 58,
        }
    )


@pytest.fixture
def axis() -> Axis:
    return make_axis()


@pytest.fixture
def another_fit() -> Axis:
    return make_axis(seed=1)


@pytest.fixture
def bare_axis(axis: Axis) -> Axis:
    """Without means, roles or calibration, as an imported axis is."""
    card = axis.card.model_copy(update={"roles": (), "calibration": (), "self_test": None, "design": None})
    return replace(axis, default_mean=None, role_means=None, card=card)
