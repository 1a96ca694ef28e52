"""Choose the adherence check by its name on the command line."""

from pathlib import Path

from holdtrue.engines import Engine
from holdtrue.errors import SettingError
from holdtrue.judges import RoleJudge
from holdtrue.rollouts import Adherence, NoCheck, Plan, Pmi

__all__ = ["choose_adherence"]


def choose_adherence(name: str, engine: Engine, plan: Plan, folder: Path, seed: int) -> Adherence:
    """The check that `name` stands for.

    Args:
        name: `pmi`, `none` or `judge:MODEL`, MODEL being any string that Inspect knows.
        engine: scores likelihoods for `pmi`.
        plan: roles and questions that a judge is told.
        folder: where a judge's scores are kept.
        seed: of the run.

    Raises:
        SettingError: another name.
        MissingExtra: a judge without the `judge` extra.
    """
    if name == "pmi":
        return Pmi(engine, plan.default_prompts)
    if name == "none":
        return NoCheck()
    if name.startswith("judge:") and len(name) > len("judge:"):
        return RoleJudge(
            name.removeprefix("judge:"),
            questions={question.id: question.text for question in plan.personas.questions},
            roles={role.name: f"{role.description} {role.prompts[0]}" for role in plan.personas.roles},
            scores=folder / "scores.jsonl",
            seed=seed,
        )
    message = f"adherence '{name}' is unknown; known: pmi, none, judge:MODEL (such as judge:openai/gpt-4o-mini)"
    raise SettingError(message)
