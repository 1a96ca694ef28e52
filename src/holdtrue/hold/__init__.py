"""Hold the persona: operations on the stream, floors, presets and rules about context. Tensors and text, no model."""

from holdtrue.hold.context import HAND_OVER, Shaped, shape, summary_request, summary_tokens, with_summary
from holdtrue.hold.floors import Floors, band_of, floor_table, floors_for
from holdtrue.hold.ops import ablate, add, cap, cap_, lift, project
from holdtrue.hold.presets import PRESETS, hold_spec

__all__ = [
    "HAND_OVER",
    "PRESETS",
    "Floors",
    "Shaped",
    "ablate",
    "add",
    "band_of",
    "cap",
    "cap_",
    "floor_table",
    "floors_for",
    "hold_spec",
    "lift",
    "project",
    "shape",
    "summary_request",
    "summary_tokens",
    "with_summary",
]
