"""What a release gate found, to look at: its page, its summary for the terminal, and versions side by side.

The verdict is taken as it was decided: no figure is computed here that isn't in the records.
"""

from holdtrue.report.gate.comparison import comparison_page
from holdtrue.report.gate.page import gate_page
from holdtrue.report.gate.summary import gate_summary

__all__ = ["comparison_page", "gate_page", "gate_summary"]
