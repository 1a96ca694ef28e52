"""How much to sample: from a minute's look to the literature's kind of map."""

from dataclasses import dataclass, replace
from typing import final

from holdtrue.errors import SettingError, did_you_mean

__all__ = ["PRESETS", "Preset", "preset", "resized"]


@final
@dataclass(frozen=True)
class Preset:
    """Sizes of a crossed design. None means all there are."""

    name: str
    n_roles: int | None
    n_questions: int | None
    max_new_tokens: int
    target_reliability: float | None
    """Stop once the split-half lower bound at the best layer reaches this.

    Disjoint halves that agree at cosine rho come from a whole whose cosine with the axis of all conceivable roles and
    questions is about sqrt(2 rho / (1 + rho)) (Spearman-Brown): 0.96 for 0.85. With the axis of the whole preset, which
    has the same roles, it agrees better than that (`python -m benchmarks.adaptive`).
    """
    benign_prompts: int
    """Ordinary requests answered for calibration."""
    benign_tokens: int
    """Longest of those answers, in tokens."""
    batch_size: int = 32
    temperature: float = 0.7
    top_p: float = 1.0


PRESETS = {
    "smoke": Preset(
        "smoke",
        n_roles=12,
        n_questions=4,
        max_new_tokens=16,
        target_reliability=None,
        benign_prompts=16,
        benign_tokens=24,
    ),
    "quick": Preset(
        "quick",
        n_roles=40,
        n_questions=10,
        max_new_tokens=32,
        target_reliability=None,
        benign_prompts=80,
        benign_tokens=48,
    ),
    "full": Preset(
        "full",
        n_roles=None,
        n_questions=48,
        max_new_tokens=48,
        target_reliability=0.85,
        benign_prompts=80,
        benign_tokens=96,
    ),
}


def preset(name: str) -> Preset:
    """A preset by name.

    Raises:
        SettingError: no such preset.
    """
    if name not in PRESETS:
        message = f"preset '{name}' is unknown; {did_you_mean(name, list(PRESETS))}"
        raise SettingError(message)
    return PRESETS[name]


def resized(size: Preset, *, target_reliability: float | None = None, batch_size: int | None = None) -> Preset:
    """A preset with some sizes changed.

    Args:
        size: the preset.
        target_reliability: stop there; 0 runs the whole design; None keeps the preset's.
        batch_size: rollouts drawn together; None keeps the preset's.

    Raises:
        SettingError: the target is not a cosine between 0 and 1.
    """
    if target_reliability is not None:
        if not 0 <= target_reliability < 1:
            message = f"--target-reliability {target_reliability}: a split-half cosine lies in 0..1; 0 switches it off"
            raise SettingError(message)
        size = replace(size, target_reliability=target_reliability or None)
    return size if batch_size is None else replace(size, batch_size=batch_size)
