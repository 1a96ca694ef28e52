"""What differs without being an alarm, in sentences."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from holdtrue.audit.population.material import FEATURES, Material
from holdtrue.audit.population.pairs import MOST_PAIRS, Pairs
from holdtrue.audit.population.result import Channel, WordShift

__all__ = ["named", "pair_notes", "preparation_notes", "shift_notes"]

SHOWN: Final = 10
APART: Final = 0.05
"""Shares of replies with repeated phrases; any language has some."""
SLIGHT: Final = 0.1
"""Standard deviations of a paired difference that aren't worth a word."""


def named(words: Sequence[str]) -> str:
    """Some words, and how many more."""
    shown = ", ".join(words[:SHOWN])
    return f"{shown} and {len(words) - SHOWN} more" if len(words) > SHOWN else shown


def pair_notes(pairs: Pairs) -> list[str]:
    """How many pairs were compared, and why not all.

    Args:
        pairs: those compared.
    """
    if pairs.n == MOST_PAIRS:
        return [f"{pairs.n:,} pairs were compared, a random sample of {pairs.found:,}, at most one a family"]
    if pairs.n < pairs.found:
        return [f"{pairs.n:,} of {pairs.found:,} pairs were compared: one a family of near-duplicates"]
    return []


def preparation_notes(material: Material) -> list[str]:
    """What was folded or left out before words were compared.

    Args:
        material: both sides.
    """
    notes = []
    column = FEATURES.index("repeated phrases")
    ours, theirs = (float((each.layout[:, column] > 0).mean()) for each in (material.suspect, material.control))
    if abs(ours - theirs) > APART:
        notes.append(
            f"repeated phrases were left out, in {ours:.0%} of the suspect's replies and {theirs:.0%} of "
            f"the control's: {named([repr(each) for each in material.phrases])}"
        )
    if material.variants:
        pairs = [f"{ours}/{theirs}" for ours, theirs in material.variants]
        notes.append(f"counted as spellings of one word, the suspect's first: {named(pairs)}")
    return notes


def shift_notes(material: Material, channels: Sequence[Channel], words: Sequence[WordShift], alpha: float) -> list[str]:
    """Shifts that don't alarm: layout, evenly used words, words too rare to tell, topical words that fall.

    Args:
        material: both sides.
        channels: how far each tells the sides apart.
        words: all that were tested, strongest rise first.
        alpha: level.
    """
    notes = []
    for channel in channels:
        if channel.p_value <= alpha and channel.name != "content":
            what = f": {named(_layout(material))}" if channel.name == "format" else ""
            what = "" if what == ": " else what
            notes.append(f"the {channel.name} differs, AUROC {channel.auroc:.2f} for a single reply{what}; no alarm")
    moved = [each for each in words if min(each.q, each.p_max_t) <= alpha]
    for kind, says in (
        ("style", "words used evenly over topics"),
        ("undecided", "words too rare in the control to tell whether they follow the topic"),
    ):
        rise = [each.word for each in moved if each.kind == kind and each.z > 0]
        fall = [each.word for each in reversed(moved) if each.kind == kind and each.z < 0]
        if rise or fall:
            notes.append(f"{says}: more {named(rise) or 'of none'}; less {named(fall) or 'of none'}; no alarm")
    if fallen := [each.word for each in reversed(moved) if each.kind == "topical" and each.z < 0]:
        notes.append(f"words that follow the topic and fall: {named(fallen)}; a fall alone is no alarm")
    return notes


def _layout(material: Material) -> list[str]:
    gap = material.suspect.layout - material.control.layout
    spread = gap.std(axis=0)
    d = np.divide(gap.mean(axis=0), spread, out=np.zeros(len(spread)), where=spread > 0)
    order = np.argsort(-np.abs(d), kind="stable")[:4]
    return [f"{'more' if d[at] > 0 else 'less'} {FEATURES[at]}" for at in order if abs(d[at]) > SLIGHT]
