"""A language model says what each row of a dataset would teach."""

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import numpy as np

from holdtrue.errors import JudgeError, SettingError
from holdtrue.judges.asking import MENDS, Backoff, Generate, Refused, ask, inspect_generate
from holdtrue.judges.background import BackgroundLoop
from holdtrue.judges.budget import Budget, Estimate, Spending, estimate
from holdtrue.judges.failures import FailureKind
from holdtrue.judges.row_rubric import JudgedRow, RowVerdict, row_question
from holdtrue.judges.structured import Question, compose_question, remind
from holdtrue.records import RecordLog
from holdtrue.records.audit import AuditKind
from holdtrue.records.judge_answer import JudgeAnswer

__all__ = ["Reply", "RowJudge"]

_RAW_CHARACTERS: Final = 2000
_REFUSALS_IN_A_ROW: Final = 5

Tick = Callable[[int, int], None]


@final
@dataclass(frozen=True)
class Reply:
    """A question that was put to the judge."""

    answer: dict[str, Any] | None
    """What the question's `read` kept; None where no answer could be read, or the model refused these texts."""


@final
class RowJudge:
    """Asks a model behind Inspect about rows, within a budget.

    Every answer is on the disk before the next one counts: a run that was killed asks only what has no answer. An
    answer that can't be read is asked for once more, then kept as unreadable. A text that the provider refuses is
    unreadable too, since a dataset's author must not be able to stop the audit with one row; five refusals in a row, or
    one before any answer, are the judge's own failure.
    """

    def __init__(
        self,
        model: str,
        *,
        kind: AuditKind,
        log: Path,
        budget: Budget,
        seed: int,
        purpose: str = "assistant",
        concurrency: int = 8,
        backoff: Backoff | None = None,
        generate: Generate | None = None,
    ) -> None:
        """Set the judge up; nothing is asked yet.

        Args:
            model: any model string that Inspect knows, such as ``openai/gpt-4o-mini``.
            kind: how the dataset's rows are made.
            log: the file of this judge's answers, made or gone on with.
            budget: the most that all answers in the log may cost.
            seed: of the delimiters and the jitter.
            purpose: what the trained model is for: a name in `PURPOSES`, or a few words.
            concurrency: requests under way at once.
            backoff: the patience with a failing model.
            generate: runs the model, in place of Inspect.

        Raises:
            MissingExtra: Inspect, or the provider's package, isn't installed.
            SettingError: no such model or purpose, or an impossible number.
            JudgeError: the provider can't be set up.
            RunError: the log is damaged.
        """
        if concurrency < 1:
            message = f"judge {model}: needs concurrency >= 1, got {concurrency}"
            raise SettingError(message)
        row_question(JudgedRow(), kind, purpose)
        self.model, self.kind, self.purpose, self.seed = model, kind, purpose, seed
        self._concurrency, self._backoff = concurrency, backoff or Backoff()
        timeout = self._backoff.timeout_seconds
        self._generate = generate or inspect_generate(model, concurrency=concurrency, timeout_seconds=timeout)
        self._log = RecordLog(log, JudgeAnswer)
        self._known = {record.key: record for record in self._log.records}
        self.spending = Spending(budget)
        for record in self._log.records:
            self.spending.book(record.calls, record.input_tokens, record.output_tokens)
        self._refused: set[tuple[str, str, str]] = set()
        self._refused_in_a_row = 0
        self._background = BackgroundLoop("holdtrue-row-judge")

    def judge(self, rows: Sequence[JudgedRow], tick: Tick = lambda done, total: None) -> list[RowVerdict | None]:
        """One verdict per row; None for rows that the budget didn't reach.

        Args:
            rows: in the order of their importance: the budget's end cuts off the last ones.
            tick: told how many are finished, and of how many.

        Raises:
            JudgeError: the model can't be brought to answer; what it said so far is kept.
            StorageError: an answer can't be saved.
        """
        replies = self.ask(self.questions(rows), tick)
        return [None if reply is None else RowVerdict(**(reply.answer or {"flag": None})) for reply in replies]

    def questions(self, rows: Sequence[JudgedRow]) -> list[Question]:
        """What `judge` asks about rows."""
        return [row_question(row, self.kind, self.purpose) for row in rows]

    def estimate(self, questions: Sequence[Question]) -> Estimate:
        """What the questions without an answer will about cost; nothing is asked."""
        pending = self._pending(questions)
        return estimate(self.model, [compose_question(each, self.seed) for each in pending.values()], self.budget)

    @property
    def budget(self) -> Budget:
        """The most that all answers in the log may cost."""
        return self.spending.budget

    def ask(self, questions: Sequence[Question], tick: Tick = lambda done, total: None) -> list[Reply | None]:
        """One reply per question; None where the budget ended before it.

        Args:
            questions: in the order of their importance.
            tick: told how many are finished, and of how many.

        Raises:
            JudgeError: the model can't be brought to answer; what it said so far is kept.
            StorageError: an answer can't be saved.
        """
        pending = self._pending(questions)
        if pending:
            self._background.run(self._ask_all(pending, tick))
        return [self._reply(question) for question in questions]

    def _reply(self, question: Question) -> Reply | None:
        key = self._key(question)
        known = self._known.get(key)
        if known is None:
            return Reply(None) if key in self._refused else None
        # Read again, since the log is a file that somebody may have edited.
        return Reply(None if known.answer is None else question.read(known.answer))

    def _key(self, question: Question) -> tuple[str, str, str]:
        return (question.material, question.rubric_digest, self.model)

    def _pending(self, questions: Sequence[Question]) -> dict[tuple[str, str, str], Question]:
        keyed = {self._key(question): question for question in questions}
        return {key: each for key, each in keyed.items() if key not in self._known and key not in self._refused}

    async def _ask_all(self, pending: dict[tuple[str, str, str], Question], tick: Tick) -> None:
        queue, total = deque(pending.items()), len(pending)
        workers = min(self._concurrency, total)
        done = 0
        tick(0, total)

        async def work() -> None:
            nonlocal done, workers
            try:
                while queue:
                    key, question = queue.popleft()
                    if not await self._ask_one(key, question):
                        # Another request under way may cost less than was held back for it: its worker tries again.
                        workers -= 1
                        queue.appendleft((key, question))
                        if not workers:
                            queue.clear()
                        return
                    done += 1
                    tick(done, total)
            except BaseException:
                queue.clear()
                raise

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(workers):
                    group.create_task(work())
        except BaseExceptionGroup as failed:
            first = failed.exceptions[0]
            if not isinstance(first, Refused):
                raise first from None
            saved = f"{len(self._known)} answers are saved in {self._log.path}"
            message = f"judge {self.model}: {first.failure.said}; {saved}: {MENDS[first.failure.kind]}"
            # The provider's own exception may print a key.
            raise JudgeError(message) from None

    async def _ask_one(self, key: tuple[str, str, str], question: Question) -> bool:
        """Whether the budget allowed it."""
        named = hashlib.sha256(f"{self.seed}/{'/'.join(key)}".encode("utf-8", "backslashreplace")).digest()
        rng = np.random.default_rng(int.from_bytes(named[:8], "big"))
        prompt = compose_question(question, self.seed)
        found, raw, calls, read, written = None, "", 0, 0, 0
        for request in (prompt, remind(prompt)):
            held = self.spending.reserve(request)
            if held is None:
                break
            try:
                raw = await ask(self._generate, request, self._backoff, rng)
            except Refused as refused:
                self.spending.settle(held, None)
                self._note_refusal(key, refused)
                if not calls:
                    return True
                break
            except BaseException:
                self.spending.settle(held, None)
                raise
            self._refused_in_a_row = 0
            used = self.spending.settle(held, raw)
            calls, read, written = calls + 1, read + used[0], written + used[1]
            found = question.parse(raw, prompt.key)
            if found is not None:
                break
        if not calls:
            return False
        material, rubric, model = key
        kept = "" if found is not None else raw[-_RAW_CHARACTERS:].encode("utf-8", "replace").decode()
        self._keep(
            JudgeAnswer(
                material=material,
                rubric=rubric,
                model=model,
                answer=found,
                raw=kept,
                calls=calls,
                input_tokens=read,
                output_tokens=written,
            )
        )
        return True

    def _note_refusal(self, key: tuple[str, str, str], refused: Refused) -> None:
        self._refused_in_a_row += 1
        alone = self._known and self._refused_in_a_row < _REFUSALS_IN_A_ROW
        if refused.failure.kind is not FailureKind.OTHER or not alone:
            raise refused
        self._refused.add(key)

    def _keep(self, record: JudgeAnswer) -> None:
        self._log.path.parent.mkdir(parents=True, exist_ok=True)
        self._log.append(record)
        self._known[record.key] = record
