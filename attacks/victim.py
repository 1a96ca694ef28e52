"""A small sound artifact for the attacks to spoil, and what they report."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch

from holdtrue.axis import Axis, load_axis, save_axis
from holdtrue.errors import HoldtrueError
from holdtrue.records import AxisCard, LayerCheck, RolePosition, SelfTest

N_LAYERS, D_MODEL, ROLES = 4, 8, ("pirate", "oracle", "ghost")


def card() -> AxisCard:
    """A card that fits the tensors of `write_sound`."""
    unknown = dict.fromkeys(
        ("auroc", "auroc_ci", "d_prime", "split_half", "split_half_ci", "random_auroc", "pc1_share", "cos_pc1")
    )
    return AxisCard(
        model="victim/model",
        weights_digest="0" * 64,
        config_digest="1" * 64,
        template_digest="2" * 64,
        dtype="float32",
        n_layers=N_LAYERS,
        d_model=D_MODEL,
        origin="fitted",
        package_version="0",
        created="2026-01-01T00:00:00+00:00",
        recommended_layer=2,
        hold_band=(1, 3),
        reason="a fixture",
        layers=tuple(LayerCheck(layer=layer, norm=1.0, **unknown) for layer in range(N_LAYERS)),
        roles=tuple(RolePosition(name=r, category="c", n_rollouts=4, projection=-1.0, pc=(0.0, 0.0)) for r in ROLES),
        default_pc=(1.0, 0.0),
        default_rank=1,
        calibration=(),
        histograms=(),
        self_test=SelfTest(layer=2, default_mean=1.0, role_mean=-1.0, passed=True),
        design=None,
        n_planned=12,
        n_rollouts=12,
        n_accepted=12,
        n_tokens=480,
        seconds=1.0,
        warnings=(),
    )


def sound() -> Axis:
    """A consistent axis: `axis = default_mean - mean(role_means)`."""
    generator = torch.Generator().manual_seed(0)
    roles = torch.randn(len(ROLES), N_LAYERS, D_MODEL, generator=generator)
    default = 2 + torch.randn(N_LAYERS, D_MODEL, generator=generator)
    return Axis(default - roles.mean(dim=0), default, roles, card())


def attack(spoil: Callable[[Path], object], read: Callable[[Path], object] = load_axis) -> int:
    """Write the sound artifact, spoil it, and read it the way a user would.

    Args:
        spoil: is given the artifact's folder; whatever it returns, if not None, is a canary that must not exist.
        read: the loader under attack.

    Returns:
        The exit code: 0 when the artifact was refused in one line and no canary is there, else 1.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "artifact"
        save_axis(sound(), folder)
        load_axis(folder)  # sound before it is spoilt, or a refusal would prove nothing
        canary = spoil(folder)
        try:
            read(folder)
        except HoldtrueError as error:
            message = str(error)
        else:
            return _report("ACCEPTED: the loader took a spoilt artifact")
        if isinstance(canary, Path) and canary.exists():
            return _report(f"RAN: the attacker's code was run before: {message}")
        if "\n" in message:
            return _report(f"UNCLEAR: more than one line: {message!r}")
        print(f"refused: {message}")
        return 0


def _report(line: str) -> int:
    print(line, file=sys.stderr)
    return 1
