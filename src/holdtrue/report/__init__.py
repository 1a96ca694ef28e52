"""Records -> something to look at: one HTML page, pictures, a terminal summary, notebook fragments.

Nothing here loads a model. Names, excerpts and transcripts are hostile input: they reach a page escaped, a chart as
data, a terminal without control characters. A figure that is missing is 'not measured', never a zero.
"""

from holdtrue.report.gate import comparison_page, gate_page, gate_summary
from holdtrue.report.hold import hold_json, hold_summary
from holdtrue.report.notebook import axis_html, reading_html, rollouts_html
from holdtrue.report.page import axis_page, reading_page
from holdtrue.report.png import overview_png, write_pngs
from holdtrue.report.stress import stress_overview, stress_page, stress_summary
from holdtrue.report.terminal import axis_summary, reading_summary
from holdtrue.report.verdict import Verdict, verdict_on

__all__ = [
    "Verdict",
    "axis_html",
    "axis_page",
    "axis_summary",
    "comparison_page",
    "gate_page",
    "gate_summary",
    "hold_json",
    "hold_summary",
    "overview_png",
    "reading_html",
    "reading_page",
    "reading_summary",
    "rollouts_html",
    "stress_overview",
    "stress_page",
    "stress_summary",
    "verdict_on",
    "write_pngs",
]
