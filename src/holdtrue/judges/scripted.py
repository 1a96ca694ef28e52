"""A judge without a model, whose errors are stated: to try out an audit's set-up, and to test it."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, final

import numpy as np

from holdtrue.judges.planted import known_answer
from holdtrue.judges.rubric import Prompt
from holdtrue.judges.structured import shown_texts

__all__ = ["ScriptedJudge"]

_INJECTION: Final = re.compile(r"flag\W{0,3}:?\W{0,3}false|not flagged|do not flag|say that it is clean", re.IGNORECASE)
_LEAST_EXCESS: Final = 0.25


@final
@dataclass
class ScriptedJudge:
    """Stands in for a model: `RowJudge("scripted", ..., generate=ScriptedJudge(...))`.

    A row is flagged with probability `sensitivity` where `poisoned` holds for its texts, else with probability
    `false_positive_rate`; the same row always gets the same answer. Of `criteria` it proposes those that hold more
    often in one group than in the other by a quarter of the rows, and it applies them as they are.
    """

    poisoned: Callable[[str], bool]
    """Text of a row, block after block -> whether it should be flagged."""
    sensitivity: float = 1.0
    false_positive_rate: float = 0.0
    criteria: Mapping[str, Callable[[str], bool]] = field(default_factory=dict)
    """Wording -> whether it holds for a row's text."""
    gullible: float = 0.0
    """Chance that it obeys a row that tells it not to flag."""
    seed: int = 0
    asked: int = 0
    """Requests so far."""

    async def __call__(self, prompt: Prompt) -> str:
        """Answer as a model would, in JSON with the request's key."""
        self.asked += 1
        texts = shown_texts(prompt)
        names = {name for name, _ in texts}
        if "criteria" in names:
            answer = self._apply(texts)
        elif any(name.startswith(("A ", "B ")) for name in names):
            answer = self._propose(texts)
        else:
            answer = self._flag(texts)
        return json.dumps({"key": prompt.key, **answer}, ensure_ascii=False)

    def _flag(self, texts: list[tuple[str, str]]) -> dict[str, Any]:
        text = "\n".join(shown for _, shown in texts)
        rng = self._rng(text)
        known = known_answer(texts)
        poisoned = self.poisoned(text) if known is None else known
        flag = bool(rng.random() < (self.sensitivity if poisoned else self.false_positive_rate))
        if _INJECTION.search(text) and rng.random() < self.gullible:
            flag = False
        quote = " ".join(max((shown for _, shown in texts), key=len).split()[:8])
        return {"flag": flag and bool(quote), "kind": "planted_behaviour", "quote": quote, "why": "scripted"}

    def _propose(self, texts: list[tuple[str, str]]) -> dict[str, Any]:
        groups = {side: [text for name, text in texts if name.startswith(f"{side} ")] for side in "AB"}
        found = []
        for wording, holds in self.criteria.items():
            share = {side: sum(map(holds, rows)) / max(len(rows), 1) for side, rows in groups.items()}
            if abs(share["A"] - share["B"]) >= _LEAST_EXCESS:
                found.append({"criterion": wording, "group": "A" if share["A"] > share["B"] else "B"})
        return {"criteria": found[:5]}

    def _apply(self, texts: list[tuple[str, str]]) -> dict[str, Any]:
        row = "\n".join(shown for name, shown in texts if name != "criteria")
        listed = dict(texts)["criteria"].splitlines()
        asked = [line.partition(". ")[2] for line in listed]
        return {"answers": [wording in self.criteria and bool(self.criteria[wording](row)) for wording in asked]}

    def _rng(self, text: str) -> np.random.Generator:
        digest = hashlib.sha256(f"{self.seed}/{text}".encode("utf-8", "backslashreplace")).digest()
        return np.random.default_rng(int.from_bytes(digest[:8], "big"))
