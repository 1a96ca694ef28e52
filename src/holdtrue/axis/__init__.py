"""The assistant axis: fit, check, calibrate, recommend, store. Tensors in, tensors out: it never sees a model."""

from holdtrue.axis.assess import Assessment, assess
from holdtrue.axis.axis import Axis
from holdtrue.axis.bare import bare_card
from holdtrue.axis.calibrate import calibrate, floor_for, histogram, quantiles
from holdtrue.axis.cells import CellSums, MeanBatch
from holdtrue.axis.checks import default_rank, reliability, separation
from holdtrue.axis.fit import RawAxis, fit_axis, persona_space, unit
from holdtrue.axis.interop import (
    CappingConfig,
    import_axis,
    read_axis_pt,
    read_capping_pt,
    to_floors,
    write_axis_pt,
    write_capping_pt,
    write_control_vector,
    write_hub_folder,
)
from holdtrue.axis.recommend import advise, warnings_for
from holdtrue.axis.store import load_axis, save_axis

__all__ = [
    "Assessment",
    "Axis",
    "CappingConfig",
    "CellSums",
    "MeanBatch",
    "RawAxis",
    "advise",
    "assess",
    "bare_card",
    "calibrate",
    "default_rank",
    "fit_axis",
    "floor_for",
    "histogram",
    "import_axis",
    "load_axis",
    "persona_space",
    "quantiles",
    "read_axis_pt",
    "read_capping_pt",
    "reliability",
    "save_axis",
    "separation",
    "to_floors",
    "unit",
    "warnings_for",
    "write_axis_pt",
    "write_capping_pt",
    "write_control_vector",
    "write_hub_folder",
]
