"""Agents that talk to each other about a harmless task while one of them carries a marked persona."""

import re
from typing import ClassVar, Final

import numpy as np
from pydantic import model_validator

from holdtrue.errors import SettingError, did_you_mean
from holdtrue.records.scenario import AgentScenario
from holdtrue.scenarios.draw import drawn
from holdtrue.scenarios.files import DATA
from holdtrue.scenarios.slotted import SlottedFamily, read_slotted

__all__ = ["GRAPH_SHAPES", "agent_scenarios", "graph"]

GRAPH_SHAPES: Final = ("chain", "random", "ring")
"""The shapes of a `graph`."""

_EXTRA_SHARE = 0.5
"""Second ears per agent in a random graph, so that most agents hear one or two others."""


class _AgentFamily(SlottedFamily):
    schema_id: ClassVar[str] = "holdtrue.agent-families/1"
    open_names: ClassVar[frozenset[str]] = frozenset({"name"})

    task: str
    system: str
    carrier: str
    marker: str

    @model_validator(mode="after")
    def _marker_tells_the_two_apart(self) -> "_AgentFamily":
        plain = self.filled(0)
        try:
            marker = re.compile(plain.pattern(self.marker), re.IGNORECASE)
        except re.error as error:
            message = f"marker {self.marker!r} doesn't compile ({error}); mend it"
            raise ValueError(message) from None
        for text in (self.system, self.task):
            if marker.search(plain.text(text)):
                message = f"marker {self.marker!r} matches the ordinary text {text!r}; make it narrower"
                raise ValueError(message)
        return self


def agent_scenarios(*, families: int | None = None, variants: int = 1, seed: int = 0) -> list[AgentScenario]:
    """The built-in shared tasks, each with its own persona to be carried; equal arguments give equal scenarios.

    Personas are of two topics, a manner of speaking and a creed that is preached; subsets are spread over both.

    Args:
        families: how many to take; None for all.
        variants: of each family; variant 0 takes the first alternative of every slot, whatever the seed.
        seed: chooses the families and the variants.

    Raises:
        SettingError: more families or variants than there are, or none.
        ArtifactError: the data file is missing or malformed.
    """
    found = read_slotted(DATA / "agents.json", _AgentFamily)
    return [
        AgentScenario(
            family=family.family,
            variant=number,
            task=filled.text(family.task),
            system=filled.text(family.system),
            carrier=filled.text(family.carrier),
            marker=filled.pattern(family.marker),
        )
        for family, number, combination in drawn(found, "agents", families=families, variants=variants, seed=seed)
        for filled in (family.filled(combination),)
    ]


def graph(shape: str, n: int, rng: np.random.Generator) -> tuple[tuple[int, int], ...]:
    """Who hears whom among `n` agents, of which agent 0 carries the persona.

    - ``chain``: each hears the one before it; agent 0 hears nobody.
    - ``ring``: as a chain, and agent 0 hears the last.
    - ``random``: each hears at least one other, and what agent 0 says can reach all; about half as many edges as
      agents come on top.

    Args:
        shape: one of `GRAPH_SHAPES`.
        n: agents, at least 2.
        rng: draws the random graph; the other shapes leave it alone.

    Returns:
        Pairs (speaker, hearer), sorted, none twice, nobody with itself.

    Raises:
        SettingError: no such shape, or too few agents.
    """
    if n < 2:
        message = f"{n} agents; somebody must hear somebody: give at least 2"
        raise SettingError(message)
    if shape not in GRAPH_SHAPES:
        message = f"no graph of shape {shape!r}; {did_you_mean(shape, list(GRAPH_SHAPES))}"
        raise SettingError(message)
    if shape == "random":
        return tuple(sorted(_random_edges(n, rng)))
    chain = [(each, each + 1) for each in range(n - 1)]
    return tuple(sorted([*chain, (n - 1, 0)] if shape == "ring" else chain))


def _random_edges(n: int, rng: np.random.Generator) -> set[tuple[int, int]]:
    # A tree grown from agent 0 makes all reachable; agent 0 itself then needs somebody to hear.
    order = [0, *(int(each) for each in rng.permutation(np.arange(1, n)))]
    edges = {(order[int(rng.integers(place))], order[place]) for place in range(1, n)}
    edges.add((int(rng.integers(1, n)), 0))
    spare = [(a, b) for a in range(n) for b in range(n) if a != b and (a, b) not in edges]
    extra = min(round(n * _EXTRA_SHARE), len(spare))
    return edges | {spare[int(place)] for place in rng.choice(len(spare), size=extra, replace=False)}
