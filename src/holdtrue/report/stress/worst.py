"""The worst talks of the free arm beside the same talks under the best arm, tinted token by token."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final, final

from holdtrue.records import SpokenTurn, Trial
from holdtrue.report.plain import number, plain, printable
from holdtrue.report.stress.arms import Arm, free_of, rivals
from holdtrue.report.stress.kinds import ALL, head, heading, is_cost, kinds_of
from holdtrue.report.stress.words import part
from holdtrue.report.transcript import CUTS, MAX_TINTED_TOKENS, Piece

__all__ = ["Side", "SpokenView", "WorstPair", "worst_pairs"]

MAX_TURNS: Final = 12
"""Of one talk; the last ones are shown, since that is where it is judged."""
MAX_CHARS: Final = 1200


@final
@dataclass(frozen=True)
class SpokenView:
    """One exchange."""

    number: int
    speaker: str
    """Empty where one assistant talks alone."""
    said: str
    figures: tuple[str, ...]
    reminded: bool
    pieces: tuple[Piece, ...]
    answer: str


@final
@dataclass(frozen=True)
class Side:
    """One arm's talk."""

    arm: Arm
    failed: bool
    facts: str
    left_out: int
    """Earlier exchanges that aren't shown."""
    turns: tuple[SpokenView, ...]


@final
@dataclass(frozen=True)
class WorstPair:
    """The same scenario under the free arm and under the best one."""

    title: str
    facts: str
    sides: tuple[Side, ...]


def worst_pairs(results: Mapping[str, Any], trials: Sequence[Trial], arms: Sequence[Arm]) -> list[WorstPair]:
    """For each stability kind, the trial on which the free arm failed worst; kinds where it never failed have none.

    Worst is: ended in the lowest probe margin or the likeliest act, then for the most reasons, then at the lowest z.
    The best arm of a kind failed the fewest of its families, then the fewest of all, then kept the most probe margin.
    """
    free = free_of(arms)
    if free is None:
        return []
    by_key = {trial.key: trial for trial in trials}
    lost: dict[str, list[Trial]] = {}
    for trial in trials:
        if trial.arm == free.name and trial.failed and trial.turns and not is_cost(trial.kind):
            lost.setdefault(head(trial.kind), []).append(trial)
    found = []
    left = MAX_TINTED_TOKENS
    order = [head(kind) for kind in kinds_of(results)]
    for kind in sorted(lost, key=lambda one: (order.index(one) if one in order else len(order), one)):
        worst = min(lost[kind], key=_badness)
        best = _best(results, [arm for arm in rivals(arms) if (arm.name, *worst.key[1:]) in by_key], worst.kind)
        shown = [(free, worst)] + ([(best, by_key[best.name, *worst.key[1:]])] if best is not None else [])
        left -= sum(len(turn.pieces) for _, trial in shown for turn in trial.turns[-MAX_TURNS:])
        facts = f"family {plain(worst.family, 60)}, variant {worst.variant}"
        facts += f", about {plain(worst.topic, 60)}" if worst.topic else ""
        sides = tuple(_side(arm, trial, tinted=left >= 0) for arm, trial in shown)
        found.append(WorstPair(heading(worst.kind), facts, sides))
    return found


def _badness(trial: Trial) -> tuple[float, float, float, tuple[str, str, str, int]]:
    end = max(trial.probes, key=lambda probe: probe.after_turn).margin if trial.probes else None
    if end is None and trial.act_margin is not None:
        end = -trial.act_margin
    read = [turn.z for turn in trial.turns if turn.z is not None]
    return (0.0 if end is None else end, -float(len(trial.reasons)), min(read, default=0.0), trial.key)


def _best(results: Mapping[str, Any], among: Sequence[Arm], kind: str) -> Arm | None:
    def rate(arm: Arm, of: str) -> float:
        found = part(results, "arms", arm.name, of, "rate")
        return 1.0 if found is None else found

    def margin(arm: Arm) -> float:
        return part(results, "measures", arm.name, ALL, "margin", "mean") or 0.0

    return min(among, key=lambda arm: (rate(arm, kind), rate(arm, ALL), -margin(arm)), default=None)


def _side(arm: Arm, trial: Trial, *, tinted: bool) -> Side:
    facts = [f"failed: {', '.join(trial.reasons)}" if trial.failed else "did not fail"]
    if trial.probes:
        facts.append(
            f"probe margin {number(max(trial.probes, key=lambda probe: probe.after_turn).margin)} nats at the end"
        )
    if trial.act_margin is not None:
        facts.append(f"destructive act {number(trial.act_margin)} nats against the safe one")
    if trial.infected:
        # Agent 0 carries the persona: it isn't one of the others.
        others = list(zip(*trial.infected, strict=False))[1:]
        facts.append(f"{sum(any(one) for one in others)} of {len(others)} other agents ever infected")
    if trial.error is not None:
        facts.append(f"error: {plain(trial.error, 200)}")
    several = len({turn.speaker for turn in trial.turns}) > 1
    shown = trial.turns[-MAX_TURNS:]
    skipped = len(trial.turns) - len(shown)
    turns = tuple(_spoken(turn, at, several=several, tinted=tinted) for at, turn in enumerate(shown, 1 + skipped))
    return Side(arm, trial.failed, " · ".join(facts), skipped, turns)


def _spoken(turn: SpokenTurn, at: int, *, several: bool, tinted: bool) -> SpokenView:
    figures = [f"z {number(turn.z)}"] if turn.z is not None else []
    if turn.fired:
        figures.append(f"cap fired on {100 * turn.fired:.0f} %")
    pieces = tuple(_pieces(turn)) if tinted else ()
    return SpokenView(
        number=at,
        speaker=plain(turn.speaker, 40) if several else "",
        said=_cut(turn.said),
        figures=tuple(figures),
        reminded=turn.reminded,
        pieces=pieces,
        answer=_cut(turn.answer) or "(empty answer)",
    )


def _pieces(turn: SpokenTurn) -> list[Piece]:
    """Tokens that weren't read stay plain; none where nothing was read, so that the answer's own text is shown."""
    if all(z is None for z in turn.piece_z):
        return []
    pairs = zip_longest(turn.pieces, turn.piece_z[: len(turn.pieces)])
    return [
        Piece(printable(text), 3 if z is None else bisect_right(CUTS, z), "" if z is None else number(z, 1))
        for text, z in pairs
    ]


def _cut(text: str) -> str:
    shown = printable(text[: 8 * MAX_CHARS]).strip()
    return shown if len(shown) <= MAX_CHARS else shown[: MAX_CHARS - 1].rstrip() + "…"
