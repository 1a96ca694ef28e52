"""The whole of the stage: mine, peel, compare with the control, say what could have been found."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import final

from jaxtyping import Int
from numpy import ndarray

from holdtrue.audit.association.control import Control
from holdtrue.audit.association.excuses import excuse
from holdtrue.audit.association.findings import finding
from holdtrue.audit.association.grams import topic_gram
from holdtrue.audit.association.growing import Association
from holdtrue.audit.association.mining import mine
from holdtrue.audit.association.outcome import Outcome
from holdtrue.audit.association.peeling import peel
from holdtrue.audit.association.power import doses
from holdtrue.audit.association.tested import Mined
from holdtrue.audit.association.words import split_words
from holdtrue.audit.maps.base import Maps
from holdtrue.audit.rows import Rows
from holdtrue.errors import SettingError
from holdtrue.records.audit import CleanRun, Dose, Finding
from holdtrue.stats import clopper_pearson

__all__ = ["AssociationResult", "associate"]


@final
@dataclass(frozen=True)
class AssociationResult:
    """What goes with what, and how far that can be trusted."""

    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    """Habits of a provenance value, and what the control dismissed."""
    associations: tuple[Association, ...]
    """Everything that passed, notes included."""
    clean_run: CleanRun | None
    """None where no outcome could be tested."""
    doses: tuple[Dose, ...]
    untested: tuple[str, ...]
    """Outcomes with too few families, and where the search ended early, in a sentence each."""
    mined: Mined


def associate(
    rows: Rows,
    maps: Maps,
    outcomes: Sequence[Outcome],
    *,
    seed: int,
    alpha: float = 0.01,
    control: Control | None = None,
    topics: Int[ndarray, " rows"] | None = None,
    topic_names: Sequence[str] = (),
    progress: Callable[[str], None] | None = None,
) -> AssociationResult:
    """Find phrases, provenance values and topics of prompts that go with an outcome.

    Args:
        rows: the dataset.
        maps: what runs passes over it.
        outcomes: over its rows, each name once.
        seed: of the draws; the same seed gives the same result on every engine.
        alpha: chance of any alarm in data without association.
        control: trusted data; what holds there too is a note.
        topics: a topic for each row; below 0 for none.
        topic_names: what findings call them; `topic=7` where they aren't given.
        progress: told of each reading and each association.

    Raises:
        SettingError: an impossible level, a name given twice, or arrays that don't fit the rows.
    """
    names = [outcome.name for outcome in outcomes]
    if not 0 < alpha < 1 or len(set(names)) < len(names):
        message = f"alpha {alpha} must lie between 0 and 1, and outcomes need a name each; got {', '.join(names)}"
        raise SettingError(message)
    if topics is not None and topics.size != len(rows):
        message = f"{topics.size} topics for {len(rows)} rows; give one each, -1 for none"
        raise SettingError(message)
    if progress is not None:
        progress("association: splitting prompts into words")
    named = {topic_gram(at): name for at, name in enumerate(topic_names)}

    def readable(association: Association) -> Association:
        phrase = association.phrase
        return replace(association, phrase=replace(phrase, value=named.get(phrase.gram, phrase.value)))

    def noted(outcome: Outcome) -> bool:
        return outcome.everyday and control is None

    with split_words(rows, maps, topics) as words:
        mined = mine(words, outcomes, seed=seed, alpha=alpha, progress=progress)

        def why_not(association: Association) -> str | None:
            return excuse(readable(association), words, mined, alpha, control)

        peeled, stopped = peel(words, mined, alpha=alpha, excuse=why_not, noted=noted, progress=progress)
    never = {outcome.name for outcome in outcomes if noted(outcome)}
    few = tuple(f"{outcome.name}: too few families to tell anything" for outcome in mined.untested)
    return AssociationResult(
        findings=tuple(finding(readable(association), rows) for association, why in peeled if why is None),
        notes=tuple(why for _, why in peeled if why is not None),
        associations=tuple(readable(association) for association, _ in peeled),
        clean_run=_clean_run(mined, alpha),
        doses=tuple(each for each in doses(mined, alpha, len(rows)) if each.outcome not in never),
        untested=(*few, *stopped),
        mined=mined,
    )


def _clean_run(mined: Mined, alpha: float) -> CleanRun | None:
    """The same decision on draws that the yardstick hasn't seen."""
    runs = int(mined.measured.size)
    if not runs:
        return None
    alarms = sum(mined.adjusted(float(p)) <= alpha for p in mined.measured)
    return CleanRun(
        what="outcomes permuted over families", runs=runs, alarms=alarms, rate=alarms / runs,
        ci=clopper_pearson(alarms, runs),
    )  # fmt: skip
