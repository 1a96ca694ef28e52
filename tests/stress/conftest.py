"""A target that needs no model, and a small run on the real one."""

from collections.abc import Callable, Sequence

import pytest

from holdtrue.stress.held_model import Answer


class Said:
    """Answers as it is told, and remembers what it was asked."""

    def __init__(self, says: Callable[[list[dict[str, str]], str], str] = lambda messages, arm: "All right.") -> None:
        self.says, self.asked, self.scored = says, [], []
        self.likes = 0

    def count_tokens(self, messages) -> int:
        return sum(len(message["content"].split()) for message in messages)

    def drift(self):
        return None

    async def answer(self, messages, arm, *, drifting, seed, max_tokens, temperature):
        self.asked.append((arm.name, seed, [dict(message) for message in messages]))
        text = self.says(list(messages), arm.name)
        return Answer(text, self.count_tokens(messages), len(text.split()))

    async def margins(self, messages, answers: Sequence[str], arm, *, drifting):
        self.scored.append((arm.name, [dict(message) for message in messages], tuple(answers)))
        return [-1.0 if at == self.likes else -2.0 for at in range(len(answers))]


@pytest.fixture
def said() -> type[Said]:
    return Said
