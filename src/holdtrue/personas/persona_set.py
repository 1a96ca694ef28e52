"""What a persona set holds, and how a smaller one is drawn from it."""

import hashlib
from collections import defaultdict
from random import Random

from pydantic import BaseModel, ConfigDict

from holdtrue.errors import SettingError
from holdtrue.records import canonical_json

__all__ = ["DefaultPrompt", "PersonaSet", "Question", "Request", "Role"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Role(_Frozen):
    """A character that the model is asked to be."""

    name: str
    category: str
    """A heading of the taxonomy; roles are drawn stratified by it."""
    description: str
    prompts: tuple[str, ...]
    """System prompts, each of which puts the model in the role by itself."""


class Question(_Frozen):
    """A user message put alike to every role and to the default assistant."""

    id: str
    theme: str
    text: str


class Request(_Frozen):
    """An ordinary request, of the kind that assistants get all day."""

    id: str
    kind: str
    text: str


class DefaultPrompt(_Frozen):
    """A system prompt under which the model is its plain assistant self."""

    id: str
    text: str | None
    """None: no system prompt at all."""


class PersonaSet(_Frozen):
    """Roles, questions and default prompts: the crossed design's margins."""

    roles: tuple[Role, ...]
    questions: tuple[Question, ...]
    defaults: tuple[DefaultPrompt, ...]

    @property
    def digest(self) -> str:
        """sha256 of the canonical JSON, as hex: two equal sets have the same digest."""
        return hashlib.sha256(canonical_json(self.model_dump(mode="json")).encode()).hexdigest()

    def subset(self, n_roles: int, n_questions: int, seed: int) -> "PersonaSet":
        """A smaller set: roles drawn stratified by category, the first questions, all default prompts.

        Every category's share is within one or two roles of its share of the whole. With the same seed the smaller
        of two subsets lies within the larger, so that a map can grow without losing what it has. Roles keep this
        set's order.

        Args:
            n_roles: how many roles; all of them when there are no more than that.
            n_questions: how many questions, from the top of the file; all of them likewise.
            seed: of the draw.

        Raises:
            SettingError: a count below 1.
        """
        for name, count in (("n_roles", n_roles), ("n_questions", n_questions)):
            if count < 1:
                message = f"{name} is {count}; a persona set needs at least 1: raise it"
                raise SettingError(message)
        kept = set(self._drawing_order(seed)[:n_roles])
        return PersonaSet(
            roles=tuple(role for role in self.roles if role.name in kept),
            questions=self.questions[:n_questions],
            defaults=self.defaults,
        )

    def _drawing_order(self, seed: int) -> list[str]:
        """All role names in the order in which a subset takes them up."""
        strata: dict[str, list[str]] = defaultdict(list)
        for role in self.roles:
            strata[role.category].append(role.name)
        rng = Random(seed)  # noqa: S311 - a reproducible draw, no secret
        places: list[tuple[float, float, str]] = []
        # Sorted, so that the draw depends on the roles and never on the order of files and lines.
        for category in sorted(strata):
            names = sorted(strata[category])
            rng.shuffle(names)
            # Each category's roles stand evenly along the unit interval: any prefix is close to proportional.
            # The tie-break is drawn per category, or the first of the alphabet would lead in every subset.
            tie = rng.random()
            places += [((rank + 0.5) / len(names), tie, name) for rank, name in enumerate(names)]
        return [name for _, _, name in sorted(places)]
