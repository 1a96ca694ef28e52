"""The assistant axis: fit, check, calibrate, recommend, store. Tensors in, tensors out: it never sees a model."""

from holdtrue.axis.assess import Assessment, assess
from holdtrue.axis.axis import Axis
from holdtrue.axis.calibrate import calibrate, floor_for, histogram, quantiles
from holdtrue.axis.cells import CellSums, MeanBatch
from holdtrue.axis.checks import default_rank, reliability, separation
from holdtrue.axis.fit import RawAxis, fit_axis, persona_space, unit
from holdtrue.axis.recommend import advise, warnings_for

__all__ = [
    "Assessment",
    "Axis",
    "CellSums",
    "MeanBatch",
    "RawAxis",
    "advise",
    "assess",
    "calibrate",
    "default_rank",
    "fit_axis",
    "floor_for",
    "histogram",
    "persona_space",
    "quantiles",
    "reliability",
    "separation",
    "unit",
    "warnings_for",
]
