"""The finding: carrier words, how strong they are together, and where to look."""

import re
from typing import Final, Literal

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import csr_matrix
from scipy.special import bdtrc

from holdtrue.audit.population.decision import ALARM
from holdtrue.audit.population.pairs import Pairs
from holdtrue.audit.population.power import OUTCOME
from holdtrue.audit.population.spelling import fold_spelling
from holdtrue.audit.population.words import WordTest, residuals
from holdtrue.audit.rows import Rows
from holdtrue.records.audit import Example, Finding
from holdtrue.stats.exact import clopper_pearson

__all__ = ["carrier_finding", "row_scores"]

MOST_WORDS: Final = 40
MOST_ROWS: Final = 10_000
EXAMPLES: Final = 5
EXCERPT: Final = 600


def row_scores(
    suspect: csr_matrix, control: csr_matrix, carriers: Int[np.ndarray, " carriers"], z: Float[np.ndarray, " carriers"]
) -> Float[np.ndarray, " pairs"]:
    """Sum of z over the carrier words that only the suspect's reply has: weak, a clean reply has some too.

    Args:
        suspect: presence of words, pairs x words.
        control: the same.
        carriers: columns.
        z: their statistics.
    """
    only = (suspect[:, carriers] - control[:, carriers]).maximum(0)
    return np.asarray(only @ z, dtype=float)


def carrier_finding(
    suspect: csr_matrix,
    control: csr_matrix,
    lengths: tuple[Float[np.ndarray, " pairs"], Float[np.ndarray, " pairs"]],
    test: WordTest,
    carriers: Int[np.ndarray, " carriers"],
    names: list[str],
    rows: Rows,
    pairs: Pairs,
) -> tuple[Finding, Float[np.ndarray, " pairs"]]:
    """The one finding of a population that alarms.

    Its odds ratio is McNemar's, `b / c` over pairs of which one reply alone has any of the words. The words were chosen
    by these pairs, so each half of the pairs is counted with the words that the other half puts first.

    Args:
        suspect: presence of the topical words, pairs x words.
        control: the same.
        lengths: words of each reply on both sides.
        test: of those words.
        carriers: places in the test, strongest first.
        names: of the topical words.
        rows: the suspect, for examples.
        pairs: which rows were compared.

    Returns:
        The finding, and every pair's score.
    """
    beyond, expected = residuals(suspect, control, *lengths)
    b, c, share = _held_out(suspect, control, beyond, expected, test, len(carriers), pairs)
    ours, z = test.words[carriers], test.z[carriers]
    scores = row_scores(suspect, control, ours, z)
    has = np.asarray(suspect[:, ours].sum(axis=1)).ravel()
    least = 2 if (has >= 2).any() else 1
    order = np.argsort(-scores, kind="stable")
    carrying = order[(has >= least)[order]]
    words = [names[at] for at in ours[:MOST_WORDS]]
    low, high = clopper_pearson(b, b + c)
    strongest = carriers[0]
    finding = Finding(
        kind="carrier_words",
        value=", ".join(words),
        outcome=OUTCOME,
        p_value=float(np.clip(bdtrc(b - 1.0, b + c, share), 0, 1)) if b + c else 1.0,
        q_value=float(np.sort(np.minimum(test.q, test.p_max_t)[carriers])[min(ALARM, len(carriers)) - 1]),
        odds_ratio=b / c if c else None,
        ci=(low / (1 - low) if low < 1 else 0.0, high / (1 - high) if high < 1 else None) if b + c else None,
        families=len(np.unique(pairs.families[carrying])),
        rows=tuple(pairs.suspect[carrying[:MOST_ROWS]].tolist()),
        n_rows=len(carrying),
        examples=_examples(rows, pairs.suspect[order[:EXAMPLES]], set(words)),
        evidence=(
            f"{_rising(len(carriers))}; strongest "
            f"'{names[test.words[strongest]]}', in {int(test.suspect_only[strongest])} pairs only in the suspect's "
            f"reply and in {int(test.control_only[strongest])} only in the control's; words chosen on one half of "
            f"{pairs.n:,} pairs stand {b} to {c} on the other. Single rows can't be told apart: those listed have "
            f"{least} of the words or more, as clean replies may"
        ),
    )
    return finding, scores


def _rising(n: int) -> str:
    if n >= ALARM:
        return f"{n} words that follow the prompt's topic rise over the control"
    what = "one word that follows the prompt's topic rises" if n == 1 else "two words that follow the topic rise"
    return f"{what} over the control, to more than twice the odds and at a tenth of the level"


def _held_out(
    suspect: csr_matrix, control: csr_matrix, beyond: csr_matrix, expected: Float[np.ndarray, " pairs"],
    test: WordTest, n_words: int, pairs: Pairs,
) -> tuple[int, int, float]:  # fmt: skip
    """Pairs of which the suspect's or the control's reply alone has words that the other half chose."""
    b = c = 0
    chances: list[float] = []
    # Families lie in one half: their numbers are of rows, and say nothing of the replies.
    half = np.unique(pairs.families, return_inverse=True)[1] % 2
    for at in (0, 1):
        chosen, held = beyond[np.flatnonzero(half != at)][:, test.words], np.flatnonzero(half == at)
        sums = np.asarray(chosen.sum(axis=0), dtype=float).ravel()
        scale = np.sqrt(np.maximum(np.asarray(chosen.multiply(chosen).sum(axis=0), dtype=float).ravel(), 1e-9))
        top = test.words[np.argsort(-sums / scale, kind="stable")[:n_words]]
        ours = np.asarray(suspect[held][:, top].sum(axis=1)).ravel() > 0
        theirs = np.asarray(control[held][:, top].sum(axis=1)).ravel() > 0
        b, c = b + int((ours & ~theirs).sum()), c + int((theirs & ~ours).sum())
        chances += expected[held][ours != theirs].tolist()
    return b, c, float(np.mean(chances)) if chances else 0.5


def _examples(rows: Rows, wanted: Int[np.ndarray, " wanted"], words: set[str]) -> tuple[Example, ...]:
    found = []
    taken = rows.take(wanted.tolist(), ["source", "line", "prompt", "response"])
    for row, fields in zip(wanted.tolist(), taken, strict=True):
        reply = fields["response"][:EXCERPT]
        spans: tuple[tuple[Literal["response"], int, int], ...] = tuple(
            ("response", each.start(), each.end())
            for each in re.finditer(r"[^\W\d_]+", reply)
            if fold_spelling(each.group().lower()) in words
        )
        found.append(
            Example(
                row=row, source=fields["source"], line=int(fields["line"]), prompt=fields["prompt"][:EXCERPT],
                response=reply, spans=spans,
            )
        )  # fmt: skip
    return tuple(found)
