"""A language model says how far each response played its role, 0 to 3."""

import asyncio
import hashlib
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol, final, runtime_checkable

import numpy as np

from holdtrue.errors import JudgeError, SettingError, did_you_mean
from holdtrue.judges.asking import MENDS, Backoff, Generate, Refused, ask, inspect_generate
from holdtrue.judges.background import BackgroundLoop
from holdtrue.judges.rubric import MAX_SCORE, RUBRIC_DIGEST, Material, compose, parse_score
from holdtrue.judges.score_log import RAW_CHARACTERS, JudgeScore, ScoreKey, ScoreLog

__all__ = ["Judged", "JudgedCell", "JudgedCompletion", "RoleJudge"]

_UNPARSED_SHARE: Final = 0.2


@runtime_checkable
class JudgedCell(Protocol):
    """Where a response stands in the design."""

    @property
    def id(self) -> str:
        """Of the rollout, unique in a run."""

    @property
    def role(self) -> str:
        """A name in the judge's `roles`."""

    @property
    def question_id(self) -> str:
        """An id in the judge's `questions`."""


@runtime_checkable
class JudgedCompletion(Protocol):
    """What was answered."""

    @property
    def text(self) -> str:
        """The response."""


@runtime_checkable
class Judged(Protocol):
    """A response to judge; whatever draws rollouts hands these over."""

    @property
    def cell(self) -> JudgedCell:
        """Where it stands."""

    @property
    def completion(self) -> JudgedCompletion:
        """What it says."""


@final
class RoleJudge:
    """Scores role rollouts with a model behind Inspect.

    Every score is on the disk before the next one counts: a run that was killed asks only about what has no score yet.
    An answer without a readable score is asked for once more. Where that fails too the rollout scores 0.0, which no
    role's vector counts, and its answer is kept in the log. When that happens to more than 20% of a batch (and to more
    than one response) the judge itself is at fault, and `score` raises.
    """

    def __init__(
        self,
        model: str,
        *,
        questions: Mapping[str, str],
        roles: Mapping[str, str],
        scores: Path,
        seed: int,
        least: float = float(MAX_SCORE),
        concurrency: int = 8,
        backoff: Backoff | None = None,
        generate: Generate | None = None,
    ) -> None:
        """Set the judge up; nothing is asked yet.

        Args:
            model: any model string that Inspect knows, such as ``openai/gpt-4o-mini``.
            questions: text by question id.
            roles: description, or system prompt, by role name.
            scores: the log of this judge's scores, made or gone on with.
            seed: of the delimiters and the jitter.
            least: a score of at least this is accepted; 3 takes only responses that are fully the role.
            concurrency: requests under way at once.
            backoff: the patience with a failing model.
            generate: runs the model, in place of Inspect.

        Raises:
            MissingExtra: Inspect, or the provider's package, isn't installed.
            SettingError: no such model, or an impossible number.
            JudgeError: the provider can't be set up.
            RunError: the log is damaged.
        """
        if concurrency < 1 or not 0 <= least <= MAX_SCORE:
            message = f"judge {model}: needs concurrency >= 1 and 0 <= least <= {MAX_SCORE}, got {concurrency}, {least}"
            raise SettingError(message)
        self.name = f"judge:{model}"
        self.least = least
        self._model, self._questions, self._roles = model, questions, roles
        self._seed, self._concurrency, self._backoff = seed, concurrency, backoff or Backoff()
        timeout = self._backoff.timeout_seconds
        self._generate = generate or inspect_generate(model, concurrency=concurrency, timeout_seconds=timeout)
        self._log = ScoreLog(scores)
        self._background = BackgroundLoop("holdtrue-judge")

    def score(self, drawn: Sequence[Judged]) -> list[float | None]:
        """One score per response, 0.0 to 3.0; never None.

        Raises:
            JudgeError: the model refuses, is out of quota, or too many of its answers can't be read.
            SettingError: a role or a question that the judge wasn't given.
            StorageError: a score can't be saved.
        """
        items = [self._item(d) for d in drawn]
        pending = {key: material for key, material in items if key not in self._log.scores}
        if pending:
            self._background.run(self._ask_all(pending))
        missing = sum(key not in self._log.scores for key, _ in items)
        if missing > max(1, _UNPARSED_SHARE * len(items)):
            message = (
                f"judge {self._model}: no score can be read from {missing} of {len(items)} answers; {self._saved()}, "
                "with the answers: choose a judge that ends with a line 'SCORE: n'"
            )
            raise JudgeError(message)
        return [float(self._log.scores.get(key, 0)) for key, _ in items]

    def _item(self, drawn: Judged) -> tuple[ScoreKey, Material]:
        role, question = drawn.cell.role, drawn.cell.question_id
        for kind, name, known in (("role", role, self._roles), ("question", question, self._questions)):
            if name not in known:
                message = f"judge {self._model}: {kind} '{name}' is unknown; {did_you_mean(name, list(known))}"
                raise SettingError(message)
        material = Material(self._roles[role], self._questions[question], drawn.completion.text)
        return (drawn.cell.id, material.digest, self._model, RUBRIC_DIGEST), material

    def _saved(self) -> str:
        n_scores = len(self._log.scores)
        return f"{n_scores} score{'s are' if n_scores != 1 else ' is'} saved in {self._log.path}"

    async def _ask_all(self, pending: Mapping[ScoreKey, Material]) -> None:
        queue = deque(pending.items())
        try:
            # The first failure cancels the rest: nobody pays for answers to a run that has stopped.
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._concurrency, len(queue))):
                    group.create_task(self._work(queue))
        except BaseExceptionGroup as group_error:
            first = group_error.exceptions[0]
        else:
            return
        if not isinstance(first, Refused):
            raise first
        tries = f"still failing after {first.attempts} tries: " if first.attempts > 1 else ""
        message = f"judge {self._model}: {tries}{first.failure.said}; {self._saved()}: {MENDS[first.failure.kind]}"
        # The provider's own exception may print a key.
        raise JudgeError(message) from None

    async def _work(self, queue: deque[tuple[ScoreKey, Material]]) -> None:
        try:
            while queue:
                await self._ask_one(*queue.popleft())
        except BaseException:
            # The group cancels a moment later; until then another worker would begin a request.
            queue.clear()
            raise

    async def _ask_one(self, key: ScoreKey, material: Material) -> None:
        prompt = compose(material, self._seed)
        named = hashlib.sha256(f"{self._seed}/{'/'.join(key)}".encode("utf-8", "backslashreplace")).digest()
        rng = np.random.default_rng(int.from_bytes(named[:8], "big"))
        answer = await ask(self._generate, prompt, self._backoff, rng)
        score = parse_score(answer, prompt.key)
        if score is None:
            answer = await ask(self._generate, prompt.reminded(), self._backoff, rng)
            score = parse_score(answer, prompt.key)
        id_, digest, model, rubric = key
        raw = answer[-RAW_CHARACTERS:].encode("utf-8", "replace").decode()
        self._log.append(JudgeScore(id=id_, material=digest, score=score, model=model, rubric=rubric, raw=raw))
