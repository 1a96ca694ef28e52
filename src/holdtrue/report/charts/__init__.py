"""Records drawn as Vega-Lite charts: one definition for pages, pictures and notebooks, in either theme."""

from holdtrue.report.charts.base import Width, dress, headed, title
from holdtrue.report.charts.calibration import calibration_histograms, floors
from holdtrue.report.charts.checks import PANELS, checks_picture, panel
from holdtrue.report.charts.drift import drift
from holdtrue.report.charts.persona_map import persona_map
from holdtrue.report.charts.roles import role_bars, role_strip

__all__ = [
    "PANELS",
    "Width",
    "calibration_histograms",
    "checks_picture",
    "dress",
    "drift",
    "floors",
    "headed",
    "panel",
    "persona_map",
    "role_bars",
    "role_strip",
    "title",
]
