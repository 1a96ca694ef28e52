"""A small sound artifact for the attacks to spoil, and what they report."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch

from holdtrue.axis import Axis, bare_card, load_axis, save_axis
from holdtrue.errors import HoldtrueError
from holdtrue.records import AxisCard, RolePosition, SelfTest

N_LAYERS, D_MODEL, ROLES = 4, 8, ("pirate", "oracle", "ghost")


def card() -> AxisCard:
    """A card that fits the tensors of `write_sound`."""
    bare = bare_card(
        model="victim/model",
        weights_digest="0" * 64,
        config_digest="1" * 64,
        template_digest="2" * 64,
        dtype="float32",
        norms=[1.0] * N_LAYERS,
        d_model=D_MODEL,
        origin="fitted",
        layer=2,
        band=(1, 3),
        reason="a fixture",
    )
    roles = tuple(RolePosition(name=r, category="c", n_rollouts=4, projection=-1.0, pc=(0.0, 0.0)) for r in ROLES)
    test = SelfTest(layer=2, default_mean=1.0, role_mean=-1.0, passed=True)
    return bare.model_copy(update={"roles": roles, "default_pc": (1.0, 0.0), "self_test": test})


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
