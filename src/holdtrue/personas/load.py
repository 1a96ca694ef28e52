"""Load persona sets: the built-in one, one's own, or any mixture of the two."""

from importlib.resources import files
from pathlib import Path

from holdtrue.errors import PersonaError, did_you_mean
from holdtrue.personas.imported import questions_beside
from holdtrue.personas.persona_set import PersonaSet, Request
from holdtrue.personas.questions import read_defaults, read_questions, read_requests
from holdtrue.personas.roles import read_roles

__all__ = ["demo_conversation", "load_benign", "load_personas"]


def load_personas(roles: Path | None = None, questions: Path | None = None, defaults: Path | None = None) -> PersonaSet:
    """The roles, questions and default prompts of a map; each part that isn't given is the built-in one.

    A `roles` folder in the layout of the public assistant-axis project brings its own company: with `questions` None,
    the ``extraction_questions.jsonl`` in that folder or up to two levels above is used; with `defaults` None, the
    ``default.json`` among the role files is, less any prompt with the placeholder ``{model_name}``.

    Args:
        roles: a ``holdtrue.roles/1`` file, a folder of them, or a folder that is or holds ``roles/instructions``.
        questions: a JSONL file of ``{"id", "theme", "text"}`` or of ``{"question", "id"}``.
        defaults: a ``holdtrue.defaults/1`` file, or the reference project's ``default.json``.

    Raises:
        PersonaError: a part is missing or malformed; one line with the file, the place and the mend.
    """
    found, beside, folder = read_roles(_data() / "roles" if roles is None else roles)
    if questions is None and roles is not None and folder is not None:
        questions = questions_beside(folder, roles)
    asked = read_questions(_data() / "questions.jsonl" if questions is None else questions)
    if defaults is not None or not beside:
        beside = read_defaults(_data() / "defaults.json" if defaults is None else defaults)
    return PersonaSet(roles=found, questions=asked, defaults=beside)


def load_benign() -> tuple[Request, ...]:
    """The built-in ordinary requests, which show where plain assistant talk projects; kinds are interleaved."""
    return read_requests(_data() / "benign.jsonl")


def demo_conversation(name: str) -> Path:
    """The file of a built-in conversation, as OpenAI-style messages.

    Args:
        name: ``drift``, which slides out of the assistant persona, or ``steady``, which doesn't.

    Raises:
        PersonaError: there is no such conversation.
    """
    known = {path.stem: path for path in sorted((_data() / "demo").glob("*.json"))}
    if name not in known:
        message = f"no demo conversation {name!r}; {did_you_mean(name, list(known))}"
        raise PersonaError(message)
    return known[name]


def _data() -> Path:
    return Path(str(files("holdtrue.personas"))) / "data"
