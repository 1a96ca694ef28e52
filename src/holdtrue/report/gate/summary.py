"""A verdict for a terminal: plain text, at most 100 columns."""

import textwrap
from collections.abc import Iterator
from typing import Final

from holdtrue.records import ClassVerdict, Verdict
from holdtrue.report.gate.headline import headline
from holdtrue.report.gate.words import GOOD, MARKS, ORGANISM, at_least, listed
from holdtrue.report.plain import columns, plain

__all__ = ["gate_summary"]

WIDTH: Final = 100
MAX_KINDS: Final = 5


def gate_summary(verdict: Verdict) -> str:
    """Class by class the verdict, what is shown and why; then the whole."""
    lines = list(_wrapped(plain(verdict.target, 200), ""))
    for name, one in verdict.classes.items():
        lines += ["", *_wrapped(f"{MARKS[one.verdict]} {plain(name, 40)}: {one.verdict}", "")]
        for said in _of_class(one):
            lines += _wrapped(said, "  ", "    ")
    found = headline(verdict, lambda names: listed([plain(name, 40) for name in names]))
    lines += ["", *_wrapped(f"{MARKS[verdict.verdict]} {found.line}", "", "  "), *_wrapped(found.why, "  ")]
    return "\n".join(lines)


def _of_class(one: ClassVerdict) -> Iterator[str]:
    yield plain(one.sentence, 400)
    if one.reason:
        yield f"because: {plain(one.reason, 600)}"
    if one.controls:
        yield f"controls: {', '.join(_control(name, *seen) for name, seen in one.controls.items())}" + (
            "" if one.recall is None else f"; recall at least {at_least(one.recall)}"
        )
    if one.lost_twins is not None:
        yield "capability: under the hold {:,} of {:,} twins lost".format(*one.lost_twins)
    if one.signatures:
        new = set(one.new_signatures)
        kinds = sorted(one.signatures.items(), key=lambda kind: (kind[0] not in new, -kind[1], kind[0]))
        said = [f"{plain(kind, 60)} ({n}{', new' if kind in new else ''})" for kind, n in kinds[:MAX_KINDS]]
        more = f" and {len(kinds) - MAX_KINDS} more" if len(kinds) > MAX_KINDS else ""
        yield f"kinds of failure: {', '.join(said)}{more}"


def _control(name: str, found: int, asked: int) -> str:
    flag = " !!" if (found if name == GOOD else found < asked and not name.startswith(ORGANISM)) else ""
    return f"{plain(name, 30)} {found}/{asked}{flag}"


def _wrapped(text: str, indent: str, further: str | None = None) -> Iterator[str]:
    # Wide characters take two columns: half of them are counted on then.
    width = WIDTH if columns(text) == len(text) else WIDTH // 2
    yield from textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=indent if further is None else further
    )
