"""Map a model's persona end to end: sample, fit, check, calibrate, report. The rooms do the work; this joins them."""

from holdtrue.mapping.demo import run_demo
from holdtrue.mapping.firing import firing_rate, firing_rates, known_firing_rate
from holdtrue.mapping.fit import calibrate_model, fit
from holdtrue.mapping.output import write_readings, write_report
from holdtrue.mapping.reference import import_reference

__all__ = [
    "calibrate_model",
    "firing_rate",
    "firing_rates",
    "fit",
    "import_reference",
    "known_firing_rate",
    "run_demo",
    "write_readings",
    "write_report",
]
