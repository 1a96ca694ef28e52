"""Pure results: trials and the design in, every figure of `results.json` out; no model, no clock, no file."""

from holdtrue.stress.results.document import results
from holdtrue.stress.results.grouping import ALL, COST_KINDS

__all__ = ["ALL", "COST_KINDS", "results"]
