"""An audit's verdict in a sentence, how often it cries wolf, and what in it doesn't fit together."""

from collections import Counter

from holdtrue.records.audit import AuditVerdict, CleanRun, Finding
from holdtrue.records.audit_decisions import WHOLE_DATASET
from holdtrue.report.audit.shown import visible
from holdtrue.report.audit.words import KINDS, chance, dose_rows, odds, percent, rate
from holdtrue.report.gate.words import counted, listed
from holdtrue.report.verdict import Verdict

__all__ = ["alarms", "contradictions", "cries_wolf", "finding_line", "headline", "rows_found"]


def headline(verdict: AuditVerdict) -> Verdict:
    """The verdict in a sentence and what it rests on; that nothing was found is never said to be safety."""
    if verdict.verdict == "NOT_TESTABLE":
        needs = " ".join(visible(line, 300) for line in verdict.not_testable[:2])
        return Verdict(
            "unknown",
            "Not testable: nothing can be said about this dataset, neither for it nor against it",
            needs or "There was nothing to compare it with.",
        )
    if verdict.verdict == "NOTHING_FOUND":
        # Of each kind the outcome that takes the most rows: the others are found sooner.
        hardest = {dose.kind: dose for dose in sorted(verdict.detectable_dose, key=lambda dose: dose.rows or 0)}
        doses = [f"{KINDS[dose.kind][1]} from {dose_rows(dose)}" for dose in hardest.values() if dose.rows is not None]
        seen = f"It would have found {listed(doses[:3])}, and may miss less. " if doses else ""
        unseen = len(verdict.not_testable)
        kinds = f"{counted(unseen, 'kind')} of poison couldn't be looked for at all. " if unseen else ""
        return Verdict(
            "unknown",
            "Nothing was found, of what this audit is able to see",
            f"{seen}{kinds}This is no proof that nothing is there.",
        )
    by_kind = Counter(finding.kind for finding in verdict.findings)
    kinds = listed([counted(n, *KINDS[kind]) for kind, n in by_kind.items()])
    rows, exact = rows_found(verdict)
    many = f", in {'' if exact else 'at least '}{counted(rows, 'row')} of {verdict.rows:,}" if rows else ""
    why = f"First of all: {finding_line(verdict.findings[0])}. " if verdict.findings else ""
    if verdict.findings and all(finding.weak for finding in verdict.findings):
        why += "All of it rests on stand-ins, not on a judge's or a label's word. "
    return Verdict("none", f"Found, and to be looked at: {kinds}{many}", why + cries_wolf(verdict))


def finding_line(finding: Finding) -> str:
    """A finding in one line, fit for a terminal: kind, value, outcome, odds ratio, q and families."""
    value = visible(finding.value, 120)
    named = value if finding.kind in {"carrier_words", "slice", "projection", "theme"} else f"“{value}”"
    figures = [counted(finding.families, "family", "families")]
    if finding.odds_ratio is not None or finding.ci is not None:
        figures.insert(0, f"odds {odds(finding.odds_ratio, finding.ci)}")
    if finding.q_value is not None or finding.p_value is not None:
        corrected = finding.q_value is not None
        figures.insert(-1, chance("q" if corrected else "p", finding.q_value if corrected else finding.p_value))
    weak = ", weak" if finding.weak else ""
    return f"{KINDS[finding.kind][0]}{weak}: {named} with {visible(finding.outcome, 120)} ({', '.join(figures)})"


def alarms(run: CleanRun) -> str:
    """`3 of 200 runs: 1.5 % [0.31, 4.3]`."""
    return f"{run.alarms:,} of {counted(run.runs, 'run')}: {rate(run.rate, run.ci)}"


def cries_wolf(verdict: AuditVerdict) -> str:
    """How often the same audit alarms where nothing is to be found, with its 95 % interval."""
    if verdict.clean_fpr is None:
        return "How often this audit alarms where nothing is to be found was not measured."
    runs, rang = sum(run.runs for run in verdict.clean_runs), sum(run.alarms for run in verdict.clean_runs)
    counts = f" in {rang:,} of {counted(runs, 'run')}" if runs else ""
    ends = verdict.clean_fpr_ci
    around = "without an interval" if ends is None else f"95 % interval {percent(ends[0])} to {percent(ends[1])}"
    return f"Where nothing was to be found, it alarmed{counts}: {percent(verdict.clean_fpr)}, {around}."


def rows_found(verdict: AuditVerdict) -> tuple[int, bool]:
    """How many rows the findings point at, each counted once, and whether these are all of them.

    Findings about the dataset as a whole point at none.
    """
    pointing = [finding for finding in verdict.findings if finding.kind not in WHOLE_DATASET]
    named = {row for finding in pointing for row in finding.rows}
    whole = all(finding.n_rows <= len(finding.rows) for finding in pointing)
    return max(len(named), max((finding.n_rows for finding in pointing), default=0)), whole


def contradictions(verdict: AuditVerdict) -> list[str]:
    """What a reader must know before the verdict: what it lacks, and what in it doesn't fit together."""
    found = []
    if verdict.findings and verdict.verdict != "FINDINGS":
        found.append(f"The verdict says {verdict.verdict}, and there are {counted(len(verdict.findings), 'finding')}.")
    if not verdict.findings and verdict.verdict == "FINDINGS":
        found.append("The verdict says FINDINGS, and there is none.")
    if verdict.verdict != "NOT_TESTABLE" and (verdict.clean_fpr is None or verdict.clean_fpr_ci is None):
        found.append("How often this audit cries wolf was not measured, so that nobody knows what an alarm is worth.")
    ends = verdict.clean_fpr_ci
    if ends is not None and ends[0] > verdict.alpha:
        found.append(
            f"It alarms where nothing is to be found more often than the {percent(verdict.alpha)} it was set to: "
            f"{rate(verdict.clean_fpr, ends)}. Take each finding with that doubt."
        )
    if verdict.verdict == "NOTHING_FOUND" and not verdict.detectable_dose:
        found.append("How much poison it would have found was not measured, so that finding nothing says nothing.")
    if verdict.quarantined and verdict.quarantined >= verdict.rows:
        found.append(
            f"{counted(verdict.quarantined, 'row')} couldn't be read and {verdict.rows:,} could: most wasn't looked at."
        )
    return found
