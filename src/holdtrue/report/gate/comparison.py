"""One HTML page on two versions or more: rates, kinds of failure, and whether failures got harder to see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

from holdtrue.report.failure_classes import label_of
from holdtrue.report.gate.growth import ClassGrowth, growths, summed_up
from holdtrue.report.gate.page import drawn_page
from holdtrue.report.gate.words import at_least, at_most, counted
from holdtrue.report.plain import plain
from holdtrue.report.stress.table import Row, Table
from holdtrue.report.stress.words import part
from holdtrue.report.theme import CSS

__all__ = ["comparison_page"]

MAX_DRAWN: Final = 12
"""Versions in the charts: the last ones; the tables have all."""

Rates = Sequence[tuple[str, Mapping[str, Any]]]


@final
@dataclass(frozen=True)
class ClassView:
    """One class of the page."""

    label: str
    growth: ClassGrowth
    table: Table


def comparison_page(found: Mapping[str, Any]) -> str:
    """The report on successive versions; parts that the comparison doesn't have are left out.

    The page is one file that loads nothing: a content security policy admits only its own two scripts, by their hash.

    Args:
        found: the values of a comparison: `versions` oldest first, `alpha`, and `classes` with their `failing` rates,
            `signatures`, `found` planted failures, `detection` and `evidence`.

    Returns:
        HTML text, for a file in UTF-8; the same for the same input.
    """
    versions = [plain(str(name), 60) or "unnamed" for name in part(found, "versions") or ()]
    classes: Mapping[str, Mapping[str, Any]] = part(found, "classes") or {}
    alpha = float(part(found, "alpha") or 0.05)
    grown = growths(versions, classes, alpha)
    path = [versions[0], versions[-1]] if versions else ["nothing", "nothing"]
    return drawn_page(
        "comparison.html.j2",
        _figures(versions, classes),
        title=f"holdtrue: {counted(len(versions), 'version')} compared",
        path=path,
        n_versions=len(versions),
        verdict=summed_up(grown),
        views=[ClassView(label_of(name), grown[name], _table(versions, one)) for name, one in classes.items()],
        more=max(0, len(versions) - MAX_DRAWN),
    )


def _figures(versions: Sequence[str], classes: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    from holdtrue.report.charts import dress
    from holdtrue.report.gate.charts import version_rates

    failing = [(label_of(name), _drawn(versions, part(one, "failing"))) for name, one in classes.items()]
    planted = [
        (f"{label_of(name)}: {plain(control, 24)}", _drawn(versions, rates))
        for name, one in classes.items()
        for control, rates in (part(one, "found") or {}).items()
    ]
    charts = {
        "failing": version_rates(failing, "failing families", CSS, "container"),
        "planted": version_rates(planted, "planted failures found", CSS, "container", whole=True),
    }
    return {name: dress(chart, CSS, responsive=True) for name, chart in charts.items() if chart is not None}


def _drawn(versions: Sequence[str], rates: Sequence[Mapping[str, Any]] | None) -> Rates:
    return list(zip(versions, rates or (), strict=False))[-MAX_DRAWN:]


def _table(versions: Sequence[str], one: Mapping[str, Any]) -> Table:
    """A line for each version."""
    planted: Mapping[str, Sequence[Mapping[str, Any]]] = part(one, "found") or {}
    columns = [
        "version",
        "families failing",
        "rate, 95 %",
        *(f"planted “{plain(control, 30)}” found" for control in planted),
        "evidence above p0",
    ]
    failing, evidence = part(one, "failing") or (), part(one, "evidence") or ()
    rows = []
    for at, version in enumerate(versions):
        own = failing[at] if at < len(failing) else None
        cells = [version, _of(own), _share(own)]
        for rates in planted.values():
            rate = rates[at] if at < len(rates) else None
            cells.append(f"{_of(rate)}\n{_share(rate)}" if part(rate, "n") else "none planted")
        cells.append(f"{evidence[at]:.3g}" if at < len(evidence) else "not measured")
        rows.append(Row(cells))
    return Table(columns, rows, frozenset(range(1, len(columns))))


def _of(rate: Mapping[str, Any] | None) -> str:
    n = part(rate, "n")
    return f"{part(rate, 'count') or 0:,} of {n:,}" if n else "none asked"


def _share(rate: Mapping[str, Any] | None) -> str:
    n = part(rate, "n")
    if not n:
        return "not measured"
    return (
        f"{100 * (part(rate, 'count') or 0) / n:.2f} % [{at_least(part(rate, 'low'))}, {at_most(part(rate, 'high'))}]"
    )
