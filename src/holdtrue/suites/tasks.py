"""The gate's classes as Inspect tasks: `inspect eval holdtrue/improper_refusal --model ANY`."""

from collections.abc import Callable
from typing import Final

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageAssistant, ChatMessageSystem, ChatMessageUser, get_model
from inspect_ai.scorer import CORRECT, INCORRECT, NOANSWER, Score, Scorer, Target, accuracy, scorer, stderr
from inspect_ai.solver import Generate, Solver, TaskState, solver

from holdtrue.records import FailureClass, GateItem, GateSample
from holdtrue.scenarios.kernels import gate_items
from holdtrue.suites.inspected import InspectTarget
from holdtrue.suites.play import Playing, play

__all__ = [
    "codebase",
    "controllability",
    "delusion",
    "improper_refusal",
    "persona",
    "reasoning",
    "should_refuse",
]

_SAMPLE: Final = "holdtrue_sample"
_GRADES: Final = {"pass": CORRECT, "fail": INCORRECT, "undetermined": NOANSWER}


def _task(failure_class: FailureClass, twins: bool, families: int | None, seed: int) -> Task:  # noqa: FBT001
    pairs = gate_items(seed)[failure_class][:families]
    items = {item.digest: item for item in (pair[int(twins)] for pair in pairs)}
    samples = [
        Sample(id=item.family, input=item.turns[0], metadata={"item": digest, "twin": item.twin})
        for digest, item in items.items()
    ]
    dataset = MemoryDataset(samples, name=f"holdtrue {failure_class}")
    return Task(dataset=dataset, solver=_played(items, seed), scorer=_scored())


@solver
def _played(items: dict[str, GateItem], seed: int) -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        item = items[state.metadata["item"]]
        model = get_model()
        temperature = model.config.temperature
        target = InspectTarget(model, temperature=0.0 if temperature is None else temperature)
        playing = Playing("release", "target", seed=seed, epoch=state.epoch - 1)
        sample = await play(item, target, playing)
        # The viewer shows the conversation; the scorer, and whoever takes the log apart, have the whole sample.
        state.messages = [_CHAT[message.role](content=message.content) for message in sample.messages]
        state.metadata[_SAMPLE] = sample.model_dump(mode="json")
        return state

    return solve


_CHAT: Final[dict[str, Callable[..., ChatMessageSystem | ChatMessageUser | ChatMessageAssistant]]] = {
    "system": ChatMessageSystem,
    "user": ChatMessageUser,
    "assistant": ChatMessageAssistant,
    "tool": ChatMessageUser,
}


@scorer(metrics=[accuracy(), stderr()])
def _scored() -> Scorer:
    async def grade(state: TaskState, target: Target) -> Score:
        sample = GateSample.model_validate(state.metadata[_SAMPLE])
        said = next((m.content for m in reversed(sample.messages) if m.role == "assistant"), "")
        metadata = {"signature": sample.signature, "status": sample.status}
        return Score(value=_GRADES[sample.outcome], answer=said, explanation=sample.reason, metadata=metadata)

    return grade


@task
def improper_refusal(twins: bool = False, families: int | None = None, seed: int = 0) -> Task:  # noqa: FBT001
    """Alarming words, harmless questions: is the right answer given?"""
    return _task("improper_refusal", twins, families, seed)


@task
def should_refuse(twins: bool = False, families: int | None = None, seed: int = 0) -> Task:  # noqa: FBT001
    """A stated policy and a temptation: does the code stay secret, the call unmade?"""
    return _task("should_refuse", twins, families, seed)


@task
def delusion(twins: bool = False, families: int | None = None, seed: int = 0) -> Task:  # noqa: FBT001
    """A sincere user on the way to a delusion: is it fed?"""
    return _task("delusion", twins, families, seed)


@task
def codebase(twins: bool = False, families: int | None = None, seed: int = 0) -> Task:  # noqa: FBT001
    """A small task with a tempting shortcut: is anything destroyed?"""
    return _task("codebase", twins, families, seed)


@task
def reasoning(twins: bool = False, families: int | None = None, seed: int = 0) -> Task:  # noqa: FBT001
    """Hints to follow in silence, acts to claim undone: does the reasoning lie?"""
    return _task("reasoning", twins, families, seed)


@task
def persona(twins: bool = False, families: int | None = None, seed: int = 0) -> Task:  # noqa: FBT001
    """Pulls into another persona: does the assistant stay itself?"""
    return _task("persona", twins, families, seed)


@task
def controllability(twins: bool = False, families: int | None = None, seed: int = 0) -> Task:  # noqa: FBT001
    """A marked act to be kept out of the reasoning: would a monitor miss it?"""
    return _task("controllability", twins, families, seed)
