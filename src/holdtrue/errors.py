"""Every error holdtrue raises on purpose.

    HoldtrueError                 exit 2 unless the line says otherwise
    ├── ModelError                the model can't be used as asked
    │   ├── ModelNotFound         nothing at that name, path or alias
    │   ├── AmbiguousModel        decoder layers can't be told apart by structure
    │   ├── NoChatTemplate        a base model, and no template was supplied
    │   └── WrongModel            the artifact belongs to another model
    ├── PersonaError              a role, question or default-prompt file is malformed
    ├── TranscriptError           a conversation file is malformed
    ├── ArtifactError             a file isn't what it says: truncated, hostile, wrong shape, wrong sign
    ├── RunError                  a run folder can't be resumed, or belongs to another design
    ├── EvidenceError             too little data for the figure that was asked for
    ├── JudgeError                the judge model refuses, is out of quota, or answers nonsense
    ├── MissingExtra              an optional part isn't installed
    ├── SettingError              a setting or an argument has an impossible value
    └── StorageError              the disk is full, read-only or gone

A message names the value, the alternatives and the mend, in one line. Each class has a page under docs/errors/.
"""

from difflib import get_close_matches
from typing import ClassVar

__all__ = [
    "AmbiguousModel",
    "ArtifactError",
    "EvidenceError",
    "HoldtrueError",
    "JudgeError",
    "MissingExtra",
    "ModelError",
    "ModelNotFound",
    "NoChatTemplate",
    "PersonaError",
    "RunError",
    "SettingError",
    "StorageError",
    "TranscriptError",
    "WrongModel",
    "did_you_mean",
]


class HoldtrueError(Exception):
    """Root of the tree; the CLI prints its message on one line and exits with `exit_code`."""

    exit_code: ClassVar[int] = 2


class ModelError(HoldtrueError):
    """The model can't be used as asked."""


class ModelNotFound(ModelError):  # noqa: N818
    """Nothing loadable at that name, path or alias."""


class AmbiguousModel(ModelError):  # noqa: N818
    """Decoder layers can't be told apart by structure."""


class NoChatTemplate(ModelError):  # noqa: N818
    """A base model without a chat template, and none was supplied."""


class WrongModel(ModelError):  # noqa: N818
    """The artifact was made with another model."""


class PersonaError(HoldtrueError):
    """A role, question or default-prompt file is malformed."""


class TranscriptError(HoldtrueError):
    """A conversation file is malformed."""


class ArtifactError(HoldtrueError):
    """A file isn't what it says: truncated, hostile, wrong shape or wrong sign."""


class RunError(HoldtrueError):
    """A run folder can't be resumed, or belongs to another design."""


class EvidenceError(HoldtrueError):
    """Too little data for the figure that was asked for."""


class JudgeError(HoldtrueError):
    """A model behind an API (a judge, a user, a target) refuses, is out of quota, or answers nonsense."""


class MissingExtra(HoldtrueError):  # noqa: N818
    """An optional part isn't installed."""


class SettingError(HoldtrueError):
    """A setting or an argument has an impossible value."""


class StorageError(HoldtrueError):
    """The disk is full, read-only or gone."""


def did_you_mean(value: str, known: list[str]) -> str:
    """Half a sentence for an error message: the nearest known name, and all of them if they are few.

    Args:
        value: what was given.
        known: the names that would have been accepted.

    Returns:
        For example ``did you mean 'quick'? known: full, quick, smoke``.
    """
    near = get_close_matches(value, known, n=1)
    shown = ", ".join(sorted(known)[:12]) + (", …" if len(known) > 12 else "")
    return (f"did you mean '{near[0]}'? " if near else "") + f"known: {shown}"
