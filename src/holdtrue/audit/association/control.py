"""Trusted data, and the associations that it dismisses by showing them itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from holdtrue.audit.association.findings import counted, quoted
from holdtrue.audit.association.grams import TOPIC, topic_gram
from holdtrue.audit.association.growing import Association
from holdtrue.audit.association.holding import holding, rows_with
from holdtrue.audit.association.outcome import Outcome, Units, units
from holdtrue.audit.association.phrases import Phrase
from holdtrue.audit.association.words import Topics, Words
from holdtrue.audit.maps.base import Maps
from holdtrue.audit.row_set import RowSet
from holdtrue.audit.rows import Rows
from holdtrue.errors import SettingError
from holdtrue.stats.contingency import fisher_greater, homogeneity_greater

__all__ = ["Control", "dismissed", "everyday_note"]

HOLDS: Final = 0.05
"""The control shows an association itself below this p-value ..."""
DIFFERS: Final = 0.01
"""... and the suspect's is no stronger unless the exact test of equal odds says so below this."""
SEEN: Final = 5
"""Families of the control with a phrase, without which it can't say that the phrase asks for nothing."""


@final
@dataclass(frozen=True)
class Control:
    """Trusted data with the same outcomes."""

    rows: Rows
    outcomes: Sequence[Outcome]
    """Matched by name; one that is missing here dismisses nothing."""
    topics: Topics = None
    """Of its rows, told as the suspect's are."""


def dismissed(control: Control, words: Words, association: Association) -> str | None:
    """Why an association is no alarm: it holds in trusted data as well; None where it stands.

    The control must show it by Fisher's exact test, and Zelen's exact test of equal odds ratios must not tell the two
    apart. A phrase may ask for an everyday outcome: there the control must have the phrase and show the outcome less.

    Args:
        control: trusted data.
        words: the suspect.
        association: of it.

    Raises:
        SettingError: the control's outcome has another number of rows than the control.
    """
    everyday = association.outcome.everyday
    outcome = next((each for each in control.outcomes if each.name == association.outcome.name), None)
    if outcome is None:
        return everyday_note(association) if everyday else None
    if outcome.flagged.size != len(control.rows):
        message = f"control outcome {outcome.name!r} has {outcome.flagged.size} flags for {len(control.rows)} rows"
        raise SettingError(message)
    its, mine = units(outcome, control.rows.families), units(association.outcome, words.rows.families)
    phrase = association.phrase
    its_own = _table(its, _held(control, words.maps, phrase))
    # The suspect's whole table: what was taken out of it before is still in the control's.
    table = _table(mine, rows_with(words, phrase.words, phrase.gram))
    k, total = its_own[0], its_own[0] + its_own[1]
    p = float(fisher_greater(np.array([k]), np.array([total]), its.positive, its.n)[0])
    weaker = homogeneity_greater(table, its_own) <= DIFFERS
    if everyday and p > HOLDS and (total < SEEN or not weaker):
        return everyday_note(association)
    if p > HOLDS or weaker:
        return None
    return (
        f"{quoted(association)} goes with {outcome.name} in {table[0]} of {table[0] + table[1]} families, "
        f"and in the control in {k} of {total}: no alarm"
    )


def _table(its: Units, found: RowSet) -> tuple[int, int, int, int]:
    """Families with value and outcome, with the value alone, with the outcome alone, with neither."""
    k, total = its.counted(found)
    return k, total - k, its.positive - k, its.n - total - its.positive + k


def _held(control: Control, maps: Maps, phrase: Phrase) -> RowSet:
    """The control's rows that have a predictor."""
    if phrase.gram & 3 != TOPIC:
        return holding(control.rows, maps, phrase)
    topics = np.zeros(0, dtype=np.int64) if control.topics is None else control.topics
    same = [topic for topic in np.unique(topics) if topic_gram(int(topic)) == phrase.gram]
    return RowSet.numbered(np.flatnonzero(np.isin(topics, same)), len(control.rows))


def everyday_note(association: Association) -> str:
    """A sentence about a phrase that may simply ask for what it goes with."""
    return (
        f"{quoted(association)} goes with {association.outcome.name} ({counted(association)}): many honest prompts "
        "call for that; a control with the phrase would tell"
    )
