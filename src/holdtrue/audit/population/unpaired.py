"""Suspect and control that answer different prompts: words compared within topics, which can't alarm."""

from typing import Final

import numpy as np
from scipy.sparse import vstack

from holdtrue.audit.population.material import prepare
from holdtrue.audit.population.notes import named, preparation_notes
from holdtrue.audit.population.pairs import read_texts, unmatched_rows
from holdtrue.audit.population.result import PopulationResult, untestable
from holdtrue.audit.population.stratified import stratified_words
from holdtrue.audit.rows import Rows

__all__ = ["compare_unpaired"]

FEWEST: Final = 100
"""Families a side; under this not even a hint is worth printing."""


def compare_unpaired(
    suspect: Rows, control: Rows, pairs: int, seed: int, alpha: float, rng: np.random.Generator
) -> PopulationResult:
    """Compare words within topics where too few prompts are answered on both sides.

    Prompts that differ within a topic ask for different words, so that nothing here is evidence of a tilt.

    Args:
        suspect: the dataset in question.
        control: the one it is compared with.
        pairs: prompts that both answer.
        seed: of the topics.
        alpha: level.
        rng: source of samples and shuffles.
    """
    reason = f"prompts differ: the control answers {pairs} of the same prompts, and words can't be laid to the replies"
    ours, theirs = unmatched_rows(suspect, rng), unmatched_rows(control, rng)
    if min(len(ours), len(theirs)) < FEWEST:
        return PopulationResult(pairs, not_testable=(untestable(reason),))
    material = prepare(read_texts(suspect, ours), read_texts(control, theirs), seed, paired=False)
    topical = np.flatnonzero(material.kinds.topical)
    notes = preparation_notes(material)
    if len(topical):
        present = vstack([material.suspect.present[:, topical], material.control.present[:, topical]]).tocsr()
        first = np.repeat([True, False], [len(ours), len(theirs)])
        topics = np.concatenate([material.suspect.topics, material.control.topics])
        found = stratified_words(present, first, topics, rng)
        order = np.argsort(-found.z, kind="stable")
        rising = [
            material.words[topical[found.words[at]]] for at in order if found.z[at] > 0 and found.moved(alpha)[at]
        ]
        if rising:
            notes.append(
                f"prompts differ; within topics the suspect has more of {named(rising)}; no alarm can rest on it"
            )
    return PopulationResult(pairs, notes=tuple(notes), not_testable=(untestable(reason),))
