"""Is a whole dataset tilted against a control, in ways that no single row shows?"""

from collections.abc import Callable
from typing import Final, Literal

import numpy as np
from jaxtyping import Bool

from holdtrue.audit.population.bags import bag_scores
from holdtrue.audit.population.benign import compare_controls, compare_slices
from holdtrue.audit.population.decision import alarming
from holdtrue.audit.population.findings import carrier_finding
from holdtrue.audit.population.material import Material, prepare
from holdtrue.audit.population.notes import named, pair_notes, preparation_notes, shift_notes
from holdtrue.audit.population.pairs import Pairs, match_rows, read_texts
from holdtrue.audit.population.power import detectable_dose, swapped_runs
from holdtrue.audit.population.result import Channel, PopulationResult, WordKind, WordShift, untestable
from holdtrue.audit.population.two_sample import Features, two_sample
from holdtrue.audit.population.unpaired import compare_unpaired
from holdtrue.audit.population.words import FLIPS, WordTest, flips_for, paired_words
from holdtrue.audit.rows import Rows
from holdtrue.errors import SettingError

__all__ = ["MIN_PAIRS", "compare_population"]

MIN_PAIRS: Final = 200
MIN_TOPICAL: Final = 30
"""Topical words tested; with fewer nothing says what is usual among them."""


def compare_population(
    suspect: Rows,
    control: Rows | None,
    *,
    seed: int,
    alpha: float = 0.01,
    second_control: Rows | None = None,
    one_a_family: bool = True,
    progress: Callable[[str], None] | None = None,
) -> PopulationResult:
    """Compare the suspect's replies with a trusted model's to the same prompts.

    It alarms if at least 3 words that follow the prompts' topic rise significantly over the control (max-T or false
    discovery rate at alpha), given the replies' lengths, and more of them than benign slices of the control show among
    themselves; or if one or two rise overwhelmingly that no slice moves: max-T at a tenth of alpha, and odds above
    twice those to be expected. Layout, spelling, templates and evenly used words never alarm: they are notes.

    Args:
        suspect: the dataset in question.
        control: the same prompts answered by a trusted model, or a trusted earlier version; None for none.
        seed: of topics, swaps and halves.
        alpha: level.
        second_control: another trusted set of answers; what differs between the two is benign.
        one_a_family: compare the first pair of each family only.
        progress: told what is being done, a line each.

    Returns:
        With under 200 pairs a comparison of words within topics, which can't alarm; with no control what would be
        needed.

    Raises:
        SettingError: alpha is no level.
    """
    if not 0 < alpha < 1:
        message = f"alpha {alpha} must lie between 0 and 1, such as 0.01"
        raise SettingError(message)
    tell = progress or _silent
    if control is None:
        return PopulationResult(0, not_testable=(untestable("there is no control"),))
    if suspect.card.kind == "label":
        return PopulationResult(0, not_testable=(untestable("labelled texts have no replies"),))
    rng = np.random.default_rng(seed)
    pairs = match_rows(suspect, control, rng, one_a_family=one_a_family)
    if pairs.n < MIN_PAIRS:
        return compare_unpaired(suspect, control, pairs.n, seed, alpha, rng)
    tell(f"population: {pairs.n:,} pairs")
    theirs = read_texts(control, pairs.control)
    material = prepare(read_texts(suspect, pairs.suspect), theirs, seed)
    topical, style = material.kinds.topical, material.kinds.style
    tell("population: words")
    tests: dict[WordKind, tuple[WordTest, Bool[np.ndarray, " words"]]] = {
        "topical": (_test(material, topical, pairs, rng, flips_for(alpha)), topical),
        "style": (_test(material, style, pairs, rng), style),
        "undecided": (_test(material, ~(topical | style), pairs, rng), ~(topical | style)),
    }
    test = tests["topical"][0]
    tell("population: classifiers")
    channels = _channels(material, pairs, rng)
    words = _table(material, tests)
    notes = (*pair_notes(pairs), *preparation_notes(material), *shift_notes(material, channels, words, alpha))
    if len(test.words) < MIN_TOPICAL:
        reason = (
            f"only {len(test.words)} words that follow the prompts' topic occur often enough ({MIN_TOPICAL} needed)"
        )
        return PopulationResult(
            pairs.n, notes=notes, not_testable=(untestable(reason),), channels=channels, words=words
        )  # fmt: skip
    tell("population: benign differences")
    names = [material.words[at] for at in np.flatnonzero(topical)]
    benign = compare_slices(material.control, theirs.slices, names, topical, alpha, rng)
    if second_control is not None:
        benign = (*benign, compare_controls(second_control, control, seed, alpha, rng))
    rising = np.flatnonzero(test.rising(alpha))
    ordered = rising[np.argsort(-test.z[rising], kind="stable")]
    known = frozenset[str]().union(*(each.words for each in benign))
    usual = [names[at] for at in test.words[ordered] if names[at] in known]
    unusual = np.array([at for at in ordered if names[test.words[at]] not in known], dtype=np.int64)
    most = max((each.most for each in benign), default=0)
    carriers, short = alarming(test, unusual, most, alpha, names)
    notes += short
    if usual:
        notes += (f"these rise, but differ as much where nothing is wrong: {named(usual)}",)
    tell("population: what would have been found")
    clean_runs = (swapped_runs(test.swapped, test.null, alpha), *(each.run for each in benign))
    dose = detectable_dose(
        material, topical, test, alpha, rng, pairs=pairs, rows=len(suspect), most=most,
        unusual=np.array([names[at] not in known for at in test.words]),
    )  # fmt: skip
    found = PopulationResult(
        pairs.n, notes=notes, clean_runs=clean_runs, doses=(dose,), channels=channels, words=words
    )  # fmt: skip
    if not len(carriers):
        return found
    columns = np.flatnonzero(topical)
    finding, scores = carrier_finding(
        material.suspect.present[:, columns], material.control.present[:, columns],
        (material.suspect.length, material.control.length), test, carriers, names, suspect, pairs,
    )  # fmt: skip
    return PopulationResult(
        pairs.n, (finding,), notes, (), clean_runs, (dose,), channels, words, pairs.suspect, scores
    )  # fmt: skip


def _silent(_: str) -> None:
    """Progress that nobody asked for."""


def _test(
    material: Material, columns: Bool[np.ndarray, " words"], pairs: Pairs, rng: np.random.Generator, flips: int = FLIPS
) -> WordTest:
    at = np.flatnonzero(columns)
    ours, theirs = material.suspect, material.control
    return paired_words(
        ours.present[:, at], theirs.present[:, at], (ours.length, theirs.length), pairs.families, rng, flips
    )  # fmt: skip


def _channels(material: Material, pairs: Pairs, rng: np.random.Generator) -> tuple[Channel, ...]:
    def words(columns: Bool[np.ndarray, " words"]) -> tuple[Features, Features]:
        at = np.flatnonzero(columns)
        return material.suspect.present[:, at], material.control.present[:, at]

    sides: dict[Literal["format", "style", "content"], tuple[Features, Features]] = {
        "format": (material.suspect.layout, material.control.layout),
        "style": words(material.kinds.style),
        "content": words(material.kinds.topical),
    }
    found = []
    for name, (ours, theirs) in sides.items():
        if ours.shape[1]:
            told = two_sample(ours, theirs, pairs.families, rng)
            found.append(Channel(name, told.auroc, told.p_value, bag_scores(told.halves, rng)))
    return tuple(found)


def _table(
    material: Material, tests: dict[WordKind, tuple[WordTest, Bool[np.ndarray, " words"]]]
) -> tuple[WordShift, ...]:
    shifts = []
    for kind, (test, columns) in tests.items():
        at = np.flatnonzero(columns)
        for place, word in enumerate(test.words):
            shifts.append(
                WordShift(
                    material.words[at[word]], kind, int(test.suspect_only[place]), int(test.control_only[place]),
                    float(test.expected[place]), float(test.z[place]), float(test.p_exact[place]),
                    float(test.p_max_t[place]), float(test.q[place]),
                )
            )  # fmt: skip
    return tuple(sorted(shifts, key=lambda shift: (-shift.z, shift.word)))
