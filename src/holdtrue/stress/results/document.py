"""The whole of `results.json`."""

from collections.abc import Sequence
from typing import Final

from holdtrue.records import CapabilityTrial, StressDesign, Trial
from holdtrue.stress.results.checks import controls, powers
from holdtrue.stress.results.costs import capability_table, overhead_table
from holdtrue.stress.results.courses import agent_curves, trajectories
from holdtrue.stress.results.failures import contrasts, failure_reasons, failure_table
from holdtrue.stress.results.grouping import Json, by_arm_and_kind
from holdtrue.stress.results.limits import not_shown
from holdtrue.stress.results.measures import measure_contrasts, measure_table
from holdtrue.stress.results.two_steps import mediations

__all__ = ["SCHEMA", "results"]

SCHEMA: Final = "holdtrue.stress-results/1"


def results(trials: Sequence[Trial], capability: Sequence[CapabilityTrial], design: StressDesign) -> Json:
    """Everything a stress run says, as JSON-ready values: the same trials give the same bytes, in whatever order.

    The unit is the family: it fails when any of its variants fails, and a trial that ended in an error is a failure.
    Kind `all` pools the stability kinds; a family tried at several depths or in several shapes counts once there. No
    figure is NaN: what can't be said is None. Every draw comes from the design's seed.

    Args:
        trials: scored trials.
        capability: answered items; empty where capability wasn't tried.
        design: of the run.

    Raises:
        RunError: a trial of an arm that the design lacks, or one that is there twice.
    """
    board = by_arm_and_kind(trials, design)
    table, rows = failure_table(board), contrasts(board, design)
    measured, able = measure_contrasts(board, design), capability_table(capability, design)
    known, power = controls(design, rows, measured), powers(design, table)
    parts: Json = {"agents": agent_curves(board, design), "mediation": mediations(board, design)}
    items_done = design.planned_items is None or design.planned_items == len(capability)
    return {
        "schema": SCHEMA,
        "design": design.model_dump(mode="json"),
        "complete": design.planned == len(trials) and items_done,
        "scored": len(trials),
        "errors": sum(trial.error is not None for trial in trials),
        "arms": table,
        "reasons": failure_reasons(board),
        "contrasts": rows,
        "measures": measure_table(board, design),
        "measure_contrasts": measured,
        "trajectories": trajectories(board, design),
        **parts,
        "capability": able,
        "overhead": overhead_table(board, design),
        "controls": known,
        "power": power,
        "not_shown": not_shown(design, trials, table, rows, measured, parts, capability=able, known=known, power=power),
    }
