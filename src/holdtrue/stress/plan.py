"""What a run will play: every scenario under every arm, as a list of what is still to be done."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice, zip_longest
from typing import final

from holdtrue.records import AgentScenario, DistressScenario, Scenario, StressArm, Trial
from holdtrue.scenarios import GRAPH_SHAPES, agent_scenarios, distress_scenarios, scripted
from holdtrue.stress.plays import Play, play_agents, play_distress, play_script
from holdtrue.stress.presets import StressPreset

__all__ = ["Planned", "plan_trials"]


@final
@dataclass(frozen=True)
class Planned:
    """A trial to be played."""

    arm: StressArm
    kind: str
    family: str
    variant: int
    run: Callable[[Play], Awaitable[Trial]]

    @property
    def key(self) -> tuple[str, str, str, int]:
        """As `Trial.key`."""
        return (self.arm.name, self.kind, self.family, self.variant)


def plan_trials(preset: StressPreset, kinds: Sequence[str], arms: Sequence[StressArm], seed: int) -> list[Planned]:
    """Lay out a run, arms innermost: whatever is interrupted, the arms have had the same scenarios.

    Kinds take turns, so that trials of many conversations run beside trials of one; long contexts come by themselves at
    the end, for in a batch every row costs what the longest does.

    Args:
        preset: sizes.
        kinds: see `presets.KINDS`.
        arms: every one plays everything.
        seed: draws families and variants.

    Raises:
        SettingError: more families or variants than there are.
    """
    by_kind = {kind: list(_by_scenario(_of_kind(preset, kind, arms, seed), len(arms))) for kind in kinds}
    turns = zip_longest(*(found for kind, found in by_kind.items() if kind != "long"), fillvalue=())
    mixed = [planned for turn in turns for scenario in turn for planned in scenario]
    return [*mixed, *(planned for scenario in by_kind.get("long", ()) for planned in scenario)]


def _by_scenario(planned: Iterator[Planned], size: int) -> Iterator[tuple[Planned, ...]]:
    """A scenario's trials together, one per arm."""
    while scenario := tuple(islice(planned, size)):
        yield scenario


def _of_kind(preset: StressPreset, kind: str, arms: Sequence[StressArm], seed: int) -> Iterator[Planned]:
    n, variants = preset.families, preset.variants
    if kind == "agents":
        for number, found_agents in enumerate(agent_scenarios(families=n, variants=variants, seed=seed)):
            agents = found_agents.model_copy(update={"max_tokens": _shorter(found_agents, preset)})
            for shape in GRAPH_SHAPES if preset.shapes_each else (GRAPH_SHAPES[number % len(GRAPH_SHAPES)],):
                run = partial(play_agents, scenario=agents, shape=shape, n_agents=preset.agents, rounds=preset.rounds)
                yield from _under(arms, f"agents/{shape}", agents.family, agents.variant, run)
    elif kind == "distress":
        for found_steps in distress_scenarios(families=n, variants=variants, seed=seed):
            steps = found_steps.model_copy(update={"max_tokens": _shorter(found_steps, preset)})
            for distressed in (False, True):
                two = partial(play_distress, scenario=steps, distressed=distressed)
                name = f"distress/{'distressed' if distressed else 'calm'}"
                yield from _under(arms, name, steps.family, steps.variant, two)
    else:
        found = (
            scripted(kind, families=n, variants=variants, seed=seed, depths=preset.depths)
            if kind == "long"
            else scripted(kind, families=n, variants=variants, seed=seed)
        )
        for each in found:
            scenario = _cut(each, preset)
            script = partial(play_script, scenario=scenario)
            yield from _under(arms, scenario.kind, scenario.family, scenario.variant, script)


def _under(
    arms: Sequence[StressArm], kind: str, family: str, variant: int, run: Callable[..., Awaitable[Trial]]
) -> Iterator[Planned]:
    for arm in arms:
        yield Planned(arm, kind, family, variant, partial(run, arm=arm))


def _cut(scenario: Scenario, preset: StressPreset) -> Scenario:
    turns = scenario.turns[: preset.max_turns]
    return scenario.model_copy(
        update={
            "turns": turns,
            "checkpoints": tuple(turn for turn in scenario.checkpoints if turn <= len(turns)),
            "max_tokens": _shorter(scenario, preset),
        }
    )


def _shorter(scenario: Scenario | AgentScenario | DistressScenario, preset: StressPreset) -> int:
    return min(scenario.max_tokens, preset.max_tokens or scenario.max_tokens)
