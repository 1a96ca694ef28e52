"""How a persona spreads among agents that talk to each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from holdtrue.stats.clusters import Estimate, cluster_bootstrap

__all__ = ["Epidemic", "Outbreak", "spread"]


@final
@dataclass(frozen=True)
class Outbreak:
    """One trial: who spoke as the persona, and who heard whom."""

    family: str
    infected: tuple[tuple[bool, ...], ...]
    """By round and agent; the first round is before anybody spoke, and agent 0 carries the persona."""
    edges: tuple[tuple[int, int], ...]
    """(speaker, hearer)."""


@final
@dataclass(frozen=True)
class Epidemic:
    """How far the persona came."""

    shares: tuple[Estimate, ...]
    """Share of the other agents that spoke as the persona, by round, the first before anybody spoke."""
    ever: Estimate
    """Share of the other agents that ever did."""
    reproduction: Estimate | None
    """New infections caused by each agent that spoke as the persona; None where no such agent could be followed."""
    carrier: Estimate
    """Share of trials in which the carrier itself ever spoke as the persona: where it is low, nothing could spread."""
    spontaneous: int
    """Agents that spoke as the persona without having heard it: false alarms of the marker."""


def spread(
    outbreaks: Sequence[Outbreak], rng: np.random.Generator, level: float = 0.95, followed_rounds: int = 1
) -> Epidemic | None:
    """Share infected by round and the reproduction number, with bootstrap intervals over families.

    Agents speak at once, and hear in a round what was said in the one before. A *case* is an agent, the carrier among
    them, at the first round in which it speaks as the persona, provided that `followed_rounds` rounds follow and that
    somebody hears it who hadn't spoken so by then. A *new infection* is another agent's first round as the persona; it
    is shared equally among those it hears that spoke so in the round before. The reproduction number of a family is
    what its cases caused within `followed_rounds` rounds, over the number of its cases; the figure is the mean over
    families, and its bound the largest number of agents that any one case could have infected. A carrier that never
    speaks as the persona is no case.

    Args:
        outbreaks: trials; variants of a family share its name.
        rng: source of the resamples.
        level: coverage.
        followed_rounds: rounds of its infection in which a case is followed.

    Returns:
        None without a trial that has another agent than the carrier and a round in which somebody spoke.
    """
    usable = [trial for trial in outbreaks if len(trial.infected) > 1 and len(trial.infected[0]) > 1]
    if not usable:
        return None
    families = sorted({trial.family for trial in usable})
    own = {family: [trial for trial in usable if trial.family == family] for family in families}

    def over_families(figures: dict[str, list[float]], most: float = 1.0) -> Estimate:
        return cluster_bootstrap(figures, rng, level, (0.0, most))

    rounds = max(len(trial.infected) for trial in usable)
    # Nobody has spoken in round 0, so nothing was drawn there and its share has no interval to speak of.
    begin = float(np.mean([_share(trial.infected[0]) for trial in usable]))
    shares = (
        Estimate(begin, (begin, begin), len(families)),
        *(
            over_families(
                {
                    name: [_share(trial.infected[at]) for trial in own[name] if at < len(trial.infected)]
                    for name in families
                }
            )
            for at in range(1, rounds)
        ),
    )
    ever = {name: [_share(tuple(map(any, zip(*trial.infected, strict=True)))) for trial in own[name]] for name in own}
    carrier = {name: [float(any(row[0] for row in trial.infected[1:])) for trial in own[name]] for name in families}
    followed = {name: [_follow(trial, followed_rounds) for trial in own[name]] for name in families}
    numbers: dict[str, list[float]] = {}
    for name, found in followed.items():
        cases = sum(trial.cases for trial in found)
        if cases:
            numbers[name] = [sum(trial.caused for trial in found) / cases]
    most = max(trial.most for found in followed.values() for trial in found)
    return Epidemic(
        shares=shares,
        ever=over_families(ever),
        reproduction=over_families(numbers, float(most)) if numbers else None,
        carrier=over_families(carrier),
        spontaneous=sum(trial.spontaneous for found in followed.values() for trial in found),
    )


@final
@dataclass(frozen=True)
class _Followed:
    cases: int
    caused: float
    most: int
    """Agents that one case could have infected, at most."""
    spontaneous: int


def _share(row: Sequence[bool]) -> float:
    return sum(row[1:]) / (len(row) - 1)


def _follow(trial: Outbreak, followed_rounds: int) -> _Followed:
    n_agents, last = len(trial.infected[0]), len(trial.infected) - 1
    hears: list[set[int]] = [set() for _ in range(n_agents)]
    for speaker, hearer in trial.edges:
        if speaker != hearer:
            hears[hearer].add(speaker)
    # Round 0 says who carries the persona, not who spoke.
    first = [next((at for at in range(1, last + 1) if trial.infected[at][agent]), None) for agent in range(n_agents)]
    caused, spontaneous = [0.0] * n_agents, 0
    for agent, at in list(enumerate(first))[1:]:
        if at is None:
            continue
        sources = [other for other in hears[agent] if at > 1 and trial.infected[at - 1][other]]
        spontaneous += not sources
        for source in sources:
            begun = first[source]
            if begun is not None and at - begun <= followed_rounds:
                caused[source] += 1 / len(sources)
    cases, total, most = 0, 0.0, 0
    for agent, begun in enumerate(first):
        if begun is None or begun + followed_rounds > last:
            continue
        hearers = [first[other] for other in range(1, n_agents) if agent in hears[other]]
        susceptible = sum(1 for heard in hearers if heard is None or heard > begun)
        if susceptible:
            cases, total, most = cases + 1, total + caused[agent], max(most, susceptible)
    return _Followed(cases, total, most, spontaneous)
