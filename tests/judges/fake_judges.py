"""Responses to judge, and a judge model that answers from a script."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from holdtrue.judges import Backoff, Prompt, RoleJudge

MODEL = "mockllm/model"
ROLES = {"pirate": "You are a pirate of the old sort.", "oracle": "You are an oracle who speaks in riddles."}
QUESTIONS = {"q0": "How do I bake bread?", "q1": "What should I read next?"}


@dataclass(frozen=True)
class Cell:
    id: str
    role: str = "pirate"
    question_id: str = "q0"


@dataclass(frozen=True)
class Completion:
    text: str


@dataclass(frozen=True)
class Drawn:
    cell: Cell
    completion: Completion


def drawn(n: int) -> list[Drawn]:
    return [Drawn(Cell(f"pirate/p0/{i}"), Completion(f"Arr, loaf number {i}!")) for i in range(n)]


@dataclass
class Scripted:
    """Answers the n-th request with `answer(n, prompt)`; an exception there is raised."""

    answer: Callable[[int, Prompt], str | BaseException]
    asked: list[Prompt] = field(default_factory=list)

    async def __call__(self, prompt: Prompt) -> str:
        self.asked.append(prompt)
        answer = self.answer(len(self.asked) - 1, prompt)
        if isinstance(answer, BaseException):
            raise answer
        return answer


@dataclass
class Waits:
    """Stands in for sleeping."""

    seconds: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def says(text: str) -> Scripted:
    return Scripted(lambda _n, _prompt: text)


def judge(scores: Path, generate: Any, **changed: Any) -> RoleJudge:
    settings: dict[str, Any] = {
        "questions": QUESTIONS,
        "roles": ROLES,
        "scores": scores,
        "seed": 7,
        "generate": generate,
        "backoff": Backoff(sleep=Waits()),
    }
    return RoleJudge(MODEL, **{**settings, **changed})
