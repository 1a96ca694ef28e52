"""Axes to and from other people's formats: the reference project's .pt files, llama.cpp, model hubs."""

from holdtrue.axis.interop.assistant_axis import import_axis, read_axis_pt, write_axis_pt
from holdtrue.axis.interop.capping import CappingConfig, read_capping_pt, to_floors, write_capping_pt
from holdtrue.axis.interop.gguf import write_control_vector
from holdtrue.axis.interop.hub import write_hub_folder

__all__ = [
    "CappingConfig",
    "import_axis",
    "read_axis_pt",
    "read_capping_pt",
    "to_floors",
    "write_axis_pt",
    "write_capping_pt",
    "write_control_vector",
    "write_hub_folder",
]
