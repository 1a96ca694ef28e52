"""Kernels of the gate: hand-written families with a stakes-free twin each, a line of a file."""

from holdtrue.scenarios.kernels.files import CANARY, gate_items
from holdtrue.scenarios.kernels.kernel import Kernel

__all__ = ["CANARY", "Kernel", "gate_items"]
