"""A stress run for a terminal: plain text, at most 100 columns."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from holdtrue.report.plain import columns, fit, plain
from holdtrue.report.stress.arms import Arm, arms_of, free_of
from holdtrue.report.stress.kinds import ALL, kinds_of
from holdtrue.report.stress.opening import asked, gaps
from holdtrue.report.stress.verdicts import arm_verdicts, blindness, contrast_of, headline, outcome
from holdtrue.report.stress.words import estimate, p_value, part, points, share, span, times

__all__ = ["stress_summary"]

WIDTH: Final = 100
_NAME, _CELL, _ACROSS = 17, 15, 5
_MARKS: Final = {"found": "✓", "none": "✗", "unknown": "?"}


def stress_summary(results: Mapping[str, Any]) -> str:
    """Controls, failing families by arm and kind, what survives correction, costs, and what was not shown."""
    arms = arms_of(results)
    verdict = blindness(results)
    lines = list(_wrapped(asked(results, arms), ""))
    for gap in gaps(results):
        lines += _wrapped(f"!! {gap}", "  ", "     ")
    lines += ["", *_wrapped(f"{_MARKS[verdict.state]} {verdict.line}. {verdict.why}", "")]
    for one in part(results, "controls") or ():
        mark = {True: "ok", False: "!!"}.get(one.get("ok"), "??")
        lines += _wrapped(f"{mark} {plain(str(one.get('sentence') or ''), 600)}", "  ", "     ")
    for heading, block in (
        ("failing families by kind, 95 % intervals in %", _rates(results, arms)),
        ("against doing nothing", _verdicts(results, arms)),
        ("differences in single kinds that survive Holm", _survivors(results, arms)),
        ("capability: right answers", _capability(results, arms)),
        ("tokens and seconds, against free", _overhead(results, arms)),
        ("not shown", _not_shown(results)),
    ):
        if found := list(block):
            lines += ["", heading, *found]
    return "\n".join(lines).replace("\u00a0", " ")


def _wrapped(text: str, indent: str, further: str | None = None) -> Iterator[str]:
    # Wide characters take two columns: half of them are counted on then.
    width = WIDTH if columns(text) == len(text) else WIDTH // 2
    yield from textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=indent if further is None else further
    )


def _rates(results: Mapping[str, Any], arms: Sequence[Arm]) -> Iterator[str]:
    kinds = kinds_of(results)
    for start in range(0, len(kinds), _ACROSS):
        block = kinds[start : start + _ACROSS]
        if start:
            yield ""
        yield ("  " + fit("", _NAME) + "".join(" " + fit(kind, _CELL) for kind in block)).rstrip()
        for arm in arms:
            cells = (" " + fit(_cell(part(results, "arms", arm.name, kind)), _CELL) for kind in block)
            yield ("  " + fit(arm.label, _NAME) + "".join(cells)).rstrip()


def _cell(rate: Mapping[str, Any] | None) -> str:
    if not part(rate, "families"):
        return "-"
    ci = span(part(rate, "ci"))
    around = "" if ci is None else f" {100 * ci[0]:.0f}-{100 * ci[1]:.0f}"
    return f"{part(rate, 'failures') or 0}/{part(rate, 'families')}{around}"


def _verdicts(results: Mapping[str, Any], arms: Sequence[Arm]) -> Iterator[str]:
    found, free = arm_verdicts(results, arms), free_of(arms)
    if free is None:
        yield "  no arm leaves the model free, so nothing is compared"
        return
    for each in found:
        row = contrast_of(results, each.arm, free)
        line = f"  {fit(each.arm.label, _NAME)} {fit(each.outcome, 13)}"
        if part(row, "difference") is not None:
            line += fit(f" {points(part(row, 'difference'), part(row, 'ci'))}, {p_value(part(row, 'p_holm'))}", 36)
        margin = contrast_of(results, each.arm, free, measure="margin")
        if part(margin, "difference") is not None:
            line += f" probe {estimate(part(margin, 'difference'), part(margin, 'ci'))}"
        yield line.rstrip()
    if found:
        yield from _wrapped(headline(found, arms), "  ")


def _survivors(results: Mapping[str, Any], arms: Sequence[Arm]) -> Iterator[str]:
    free, own = free_of(arms), {arm.name: arm for arm in arms}
    if free is None:
        return
    none = True
    for row in part(results, "contrasts") or ():
        said = outcome(row)
        if row.get("against") != free.name or row.get("kind") == ALL or row.get("arm") not in own:
            continue
        if said in {"better", "worse"}:
            none = False
            yield (
                f"  {fit(own[row['arm']].label, _NAME)} {fit(str(row.get('kind')), 20)} {fit(said, 7)} "
                f"{points(row.get('difference'), row.get('ci'))}, {p_value(row.get('p_holm'))}"
            )
    if none and len(arms) > 1:
        yield "  none"


def _capability(results: Mapping[str, Any], arms: Sequence[Arm]) -> Iterator[str]:
    found = [(arm, part(results, "capability", arm.name)) for arm in arms]
    tried = [(arm, able) for arm, able in found if part(able, "items")]
    if not tried:
        yield "  not tried"
    for arm, able in tried:
        line = f"  {fit(arm.label, _NAME)} {fit(share(able.get('rate'), able.get('ci')), 16)}"
        if able.get("difference") is not None:
            margin = f"{100 * (able.get('margin') or 0):g} points"
            verdict = {True: f"within {margin}", False: f"worse by more than {margin}"}
            line += f" {fit(points(able['difference'], able.get('difference_ci')), 22)} "
            line += verdict.get(able.get("non_inferior"), f"open: not shown within {margin}")
        yield line.rstrip()


def _overhead(results: Mapping[str, Any], arms: Sequence[Arm]) -> Iterator[str]:
    for arm in arms:
        cost = part(results, "overhead", arm.name)
        if part(cost, "tokens_ratio") is None and part(cost, "seconds_ratio") is None:
            continue
        tokens, seconds = (times(cost.get(f"{of}_ratio"), cost.get(f"{of}_ratio_ci")) for of in ("tokens", "seconds"))
        yield f"  {fit(arm.label, _NAME)} tokens {fit(tokens, 20)} seconds {seconds}".rstrip()


def _not_shown(results: Mapping[str, Any]) -> Iterator[str]:
    for line in filter(None, part(results, "not_shown") or ()):
        yield from _wrapped(f"- {plain(str(line), 1000)}", "  ", "    ")
