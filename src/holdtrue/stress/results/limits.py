"""What a run did not show, in plain sentences."""

from collections.abc import Mapping, Sequence

from holdtrue.records import StressDesign, Trial
from holdtrue.stress.results.checks import ALPHA, Control
from holdtrue.stress.results.costs import Capability
from holdtrue.stress.results.failures import Contrast, Rate
from holdtrue.stress.results.grouping import ALL, Json, free_arm
from holdtrue.stress.results.measures import MeasureContrast

__all__ = ["not_shown"]


def not_shown(
    design: StressDesign,
    trials: Sequence[Trial],
    table: Mapping[str, Mapping[str, Rate]],
    rows: Sequence[Contrast],
    measured: Sequence[MeasureContrast],
    parts: Mapping[str, object],
    *,
    capability: Mapping[str, Capability],
    known: Sequence[Control],
    power: Mapping[str, Json],
) -> list[str]:
    """Sentences, the run's own gaps first, then what no run of this kind can show.

    Args:
        design: of the run.
        trials: that were scored.
        table: failing families.
        rows: contrasts of failing families.
        measured: contrasts of measures.
        parts: the `mediation` and `agents` of the results.
        capability: by arm.
        known: controls.
        power: by kind.
    """
    return [
        *_gaps(design, trials),
        *_small(power),
        *_blind(design, known),
        *_null(rows),
        *_even(measured),
        *_capability(capability, design),
        *_always(design, parts, table),
    ]


def _gaps(design: StressDesign, trials: Sequence[Trial]) -> list[str]:
    said = []
    if len(trials) != design.planned:
        said.append(f"{len(trials)} of {design.planned} planned trials were scored: the run is not complete.")
    if errors := sum(trial.error is not None for trial in trials):
        said.append(f"{errors} trials ended in an error; they count as failures.")
    if free_arm(design) is None:
        said.append("No arm leaves the model free, so nothing is compared.")
    if design.axis_digest is None:
        said.append("There was no axis: nothing is said about projections.")
    return said


def _small(power: Mapping[str, Json]) -> list[str]:
    small = [kind for kind, one in power.items() if one["worse"] is None and one["better"] is None]
    if not small:
        return []
    return [
        f"Too few families to find any difference in failures with 80 % power after correction: {', '.join(small)}."
    ]


def _blind(design: StressDesign, known: Sequence[Control]) -> list[str]:
    if not any(arm.expected == "worse" for arm in design.arms):
        return ["No arm was there that must come out worse, so the run doesn't show that it can see harm."]
    return [one["sentence"] for one in known if one["ok"] is not True]


def _null(rows: Sequence[Contrast]) -> list[str]:
    said = []
    for arm, against in dict.fromkeys((row["arm"], row["against"]) for row in rows):
        own = [row for row in rows if (row["arm"], row["against"]) == (arm, against)]
        null = [row["kind"] for row in own if not _shown(row)]
        if null:
            where = "any kind" if len(null) == len(own) else ", ".join(null)
            said.append(f"{arm} against {against}: no difference in failing families is shown for {where}.")
    return said


def _even(measured: Sequence[MeasureContrast]) -> list[str]:
    rows = [row for row in measured if row["kind"] == ALL and row["measure"] == "margin" and not _shown(row)]
    return [f"{row['arm']} against {row['against']}: no difference in probe margin is shown over all." for row in rows]


def _shown(row: Contrast | MeasureContrast) -> bool:
    ci, p = row["ci"], row["p_holm"]
    return ci is not None and p is not None and not ci[0] <= 0 <= ci[1] and p < ALPHA


def _capability(capability: Mapping[str, Capability], design: StressDesign) -> list[str]:
    if not any(one["items"] for one in capability.values()):
        return ["Capability was not tried: what a hold costs in right answers is unknown."]
    able = [arm.name for arm in design.arms if arm.expected == "open" and arm.name in capability]
    asked = [arm for arm in able if capability[arm]["difference"] is not None]
    open_arms = [arm for arm in asked if not capability[arm]["non_inferior"]]
    margin = f"{100 * design.margin:g} points"
    return [f"{arm}: its capability is not shown to be within {margin} of the free arm's." for arm in open_arms]


def _always(design: StressDesign, parts: Mapping[str, object], table: Mapping[str, Mapping[str, Rate]]) -> list[str]:
    small = "A small one, such as one of 135M parameters, can show a mechanism; what holds on a large one it can't."
    said = [
        f"One model was tried, {design.model}. {small}",
        "Families are examples somebody wrote: rates are over such families, not over what users do.",
        "Failures are what the checks, the probe and the coherence limits catch; others went unseen.",
    ]
    if parts.get("mediation"):
        said.append(
            "The slope from projection to act is among what was observed; something else may move both. Only the "
            "comparison of arms intervenes on the projection."
        )
    if any(
        rate["failures"] == 0 and rate["families"]
        for arm in table.values()
        for kind, rate in arm.items()
        if kind != ALL
    ):
        said.append("A kind without a failure is not a kind that can't fail: read the upper end of its interval.")
    return said
