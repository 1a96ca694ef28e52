"""Map a model's persona end to end: sample, fit, check, calibrate, report. The rooms do the work; this joins them."""

from holdtrue.mapping.demo import run_demo
from holdtrue.mapping.fit import calibrate_model, fit
from holdtrue.mapping.output import write_readings, write_report
from holdtrue.mapping.reference import import_reference

__all__ = ["calibrate_model", "fit", "import_reference", "run_demo", "write_readings", "write_report"]
