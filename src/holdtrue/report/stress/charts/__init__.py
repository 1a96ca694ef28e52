"""A stress run drawn as Vega-Lite charts, in any theme."""

from holdtrue.report.stress.charts.courses import course, course_labels
from holdtrue.report.stress.charts.rates import rates
from holdtrue.report.stress.charts.spread import shapes_of, spread
from holdtrue.report.stress.charts.trade import trade

__all__ = ["course", "course_labels", "rates", "shapes_of", "spread", "trade"]
