"""Stress a persona: the same trials under every way of holding it, scored alike, compared honestly.

Names load on first use: the figures of a finished run (`results`) need no model, and so no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdtrue.stress.session import StressOptions, finished, plan_stress, stress

__all__ = ["StressOptions", "finished", "plan_stress", "stress"]


def __getattr__(name: str) -> object:
    if name in __all__:
        return getattr(import_module("holdtrue.stress.session"), name)
    message = f"module 'holdtrue.stress' has no attribute '{name}'"
    raise AttributeError(message)
