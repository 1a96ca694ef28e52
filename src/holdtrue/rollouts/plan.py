"""The crossed design, laid out as rounds of batches before anything runs.

Everything a rollout depends on is fixed here: its prompt, its seed and its batch. So a run that was interrupted draws
the same responses as one that was not.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from holdtrue.personas import PersonaSet
from holdtrue.records import DEFAULT_ROLE
from holdtrue.rollouts.presets import Preset

__all__ = ["Batch", "Cell", "Plan", "build_plan", "derive_seed"]

QUESTION_GROUPS = 8
ROUND_QUESTIONS = 4
RESERVE = 1024
"""Single rollouts kept whole for the held-out checks."""

Encode = Callable[[str | None, str], tuple[int, ...]]
"""(system prompt or None, question) -> prompt token ids."""


@final
@dataclass(frozen=True)
class Cell:
    """One rollout to draw."""

    id: str
    role: str
    row: int
    """0 for the default, k + 1 for role k."""
    prompt_id: str
    question: int
    """Index in the design."""
    question_id: str
    prompt_token_ids: tuple[int, ...]
    seed: int
    reserved: bool


@final
@dataclass(frozen=True)
class Batch:
    """Rollouts that are drawn together."""

    index: int
    cells: tuple[Cell, ...]


@final
@dataclass(frozen=True)
class Plan:
    """All rounds of a design; a round brings further questions to every role."""

    personas: PersonaSet
    rounds: tuple[tuple[Batch, ...], ...]
    n_groups: int
    default_prompts: tuple[tuple[int, ...], ...]
    """By question: prompt token ids under the first default prompt, what adherence compares with."""

    @property
    def n_rollouts(self) -> int:
        """Of the whole design."""
        return sum(len(batch.cells) for round_ in self.rounds for batch in round_)


def derive_seed(seed: int, name: str) -> int:
    """A 63-bit seed for one named draw: the same on every machine and in any order."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8], "big") >> 1


def build_plan(personas: PersonaSet, preset: Preset, encode: Encode, seed: int) -> Plan:
    """Lay out the design: every default prompt and every role answer every question.

    A role's system prompts take turns over the questions, so that roles x questions stay crossed at one rollout each.

    Args:
        personas: roles, questions and default prompts, already cut to size.
        preset: batch size.
        encode: builds prompt token ids once, from the model's chat template.
        seed: of the whole run.
    """
    n_questions = len(personas.questions)
    quota = max(len(personas.defaults) + 4, RESERVE // n_questions)
    rounds: list[tuple[Batch, ...]] = []
    n_batches = 0
    for start in range(0, n_questions, ROUND_QUESTIONS):
        cells: list[Cell] = []
        for question in range(start, min(start + ROUND_QUESTIONS, n_questions)):
            cells += _question_cells(personas, question, encode, seed, quota)
        # Rows of a batch are padded to its longest prompt: neighbours in length waste the least.
        cells.sort(key=lambda cell: (len(cell.prompt_token_ids), cell.id))
        size = preset.batch_size
        batches = [tuple(cells[i : i + size]) for i in range(0, len(cells), size)]
        rounds.append(tuple(Batch(n_batches + i, batch) for i, batch in enumerate(batches)))
        n_batches += len(batches)
    plain = personas.defaults[0].text
    return Plan(
        personas=personas,
        rounds=tuple(rounds),
        n_groups=min(QUESTION_GROUPS, n_questions),
        default_prompts=tuple(encode(plain, question.text) for question in personas.questions),
    )


def _question_cells(personas: PersonaSet, question: int, encode: Encode, seed: int, quota: int) -> list[Cell]:
    asked = personas.questions[question]
    drawn: list[tuple[int, str, str, str | None]] = [
        (0, DEFAULT_ROLE, default.id, default.text) for default in personas.defaults
    ]
    for index, role in enumerate(personas.roles):
        turn = (question + index) % len(role.prompts)
        drawn.append((index + 1, role.name, f"p{turn}", role.prompts[turn]))
    # As many drawn from each question, so that centring by question leaves no trace of who was kept.
    roles = sorted(drawn[len(personas.defaults) :], key=lambda row: derive_seed(seed, f"reserve/{question}/{row[1]}"))
    kept = {row[0] for row in roles[: quota - len(personas.defaults)]} | {0}
    cells = []
    for row, name, prompt_id, text in drawn:
        id_ = f"{name}/{prompt_id}/{asked.id}"
        ids = encode(text, asked.text)
        seeded = derive_seed(seed, id_)
        cells.append(Cell(id_, name, row, prompt_id, question, asked.id, ids, seeded, reserved=row in kept))
    return cells
