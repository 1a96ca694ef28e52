"""What a stress run found, to look at: one HTML page, one picture, a summary for the terminal.

The results come as the plain values of `results.json`, the trials as records: no figure is computed here that isn't in
the file, and any part of it may be missing.
"""

from holdtrue.report.stress.overview import stress_overview
from holdtrue.report.stress.page import stress_page
from holdtrue.report.stress.summary import stress_summary

__all__ = ["stress_overview", "stress_page", "stress_summary"]
