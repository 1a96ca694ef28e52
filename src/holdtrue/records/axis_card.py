"""What is known about a fitted axis: the JSON half of the artifact."""

from collections.abc import Callable
from typing import Any, ClassVar, Literal

from pydantic import Field, model_serializer

from holdtrue.records.base import Record

__all__ = ["AxisCard", "Calibration", "Design", "Histogram", "LayerCheck", "Quantiles", "RolePosition", "SelfTest"]

Interval = tuple[float, float]

# Where one direction dominates the variance, random ones separate too: past this their AUROC is no longer a control.
HIGHEST_BAR = 0.9


class LayerCheck(Record):
    """Does the axis of one layer separate the assistant from the roles, out of sample?"""

    schema_id: ClassVar[str] = "holdtrue.layer-check/1"

    layer: int
    """Decoder block, 0-based; the direction lives at its output."""
    auroc: float | None
    """Held-out, question-centred: P(default response projects above a role's), fitted on other roles and questions."""
    auroc_ci: Interval | None
    """95 %, bootstrap over roles."""
    d_prime: float | None
    """Held-out, question-centred difference of means over the pooled standard deviation."""
    split_half: float | None
    """Mean cosine of axes from disjoint roles and questions, over random halvings."""
    split_half_ci: Interval | None
    """95 %, roles and question groups resampled within the halves."""
    random_auroc: float | None
    """95th percentile of held-out AUROC over random directions, either sign: the figure to beat."""
    pc1_share: float | None
    """Share of the role vectors' variance on their first principal component."""
    cos_pc1: float | None
    """|cosine| of the axis with that component."""
    norm: float
    """Length of the unnormalised axis, in residual-stream units."""

    @property
    def bar(self) -> float:
        """What the lower bound of held-out AUROC must exceed: chance, and random directions.

        Prompts differ in length and wording between the default and the roles, so even a network with random weights
        answers them a little differently in every direction.
        """
        return max(0.5, min(self.random_auroc or 0.5, HIGHEST_BAR))

    @property
    def measured(self) -> bool:
        """Whether the design was large enough for the held-out checks."""
        return self.split_half_ci is not None and self.auroc_ci is not None

    def objections(self) -> tuple[str, ...]:
        """Why this layer's direction is no axis; empty where nothing speaks against it, or nothing was measured."""
        found = []
        if self.split_half_ci is not None and self.split_half_ci[0] <= 0:
            low, high = self.split_half_ci
            found.append(f"the split-half cosine's interval [{low:.2f}, {high:.2f}] at block {self.layer} touches zero")
        if self.auroc_ci is not None and self.auroc_ci[0] <= self.bar:
            low, high = self.auroc_ci
            found.append(
                f"held-out AUROC's interval [{low:.2f}, {high:.2f}] at block {self.layer} does not clear "
                f"{self.bar:.2f}, what random directions reach"
            )
        return tuple(found)


class Quantiles(Record):
    """A distribution of projections by its quantiles: `values[i]` is the `probs[i]` quantile."""

    schema_id: ClassVar[str] = "holdtrue.quantiles/1"

    n: int
    mean: float
    sd: float
    probs: tuple[float, ...]
    values: tuple[float, ...]


class Calibration(Record):
    """Where benign assistant talk projects at one layer (unit axis, residual-stream units)."""

    schema_id: ClassVar[str] = "holdtrue.calibration/1"

    layer: int
    token: Quantiles
    """Over single response tokens: the one for floors."""
    response: Quantiles
    """Over response means: the one for z-scores of turns."""


class Histogram(Record):
    """Counts between `edges`, for drawing."""

    schema_id: ClassVar[str] = "holdtrue.histogram/1"

    label: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]


class RolePosition(Record):
    """Where a role stands at the recommended layer."""

    schema_id: ClassVar[str] = "holdtrue.role-position/1"

    name: str
    category: str
    n_rollouts: int
    """Accepted rollouts behind the vector."""
    projection: float
    """Of the role vector on the unit axis, minus the default's: negative is less assistant-like."""
    pc: tuple[float, float]
    """First two principal components of persona space; PC1 signed so that the default lies on its positive side."""


class Design(Record):
    """What was asked for: everything a repeat needs."""

    schema_id: ClassVar[str] = "holdtrue.design/1"

    preset: str
    seed: int
    n_roles: int
    n_questions: int
    n_defaults: int
    max_new_tokens: int
    temperature: float
    top_p: float
    batch_size: int
    adherence: str
    target_reliability: float | None
    """Stop when the split-half lower bound reaches this; None runs the whole design."""
    personas_digest: str


class SelfTest(Record):
    """The sign check: default responses must project above role responses, on held-out questions."""

    schema_id: ClassVar[str] = "holdtrue.self-test/1"

    layer: int
    default_mean: float
    role_mean: float
    passed: bool


class AxisCard(Record):
    """The JSON half of an axis artifact; `axis.safetensors` beside it holds the tensors."""

    schema_id: ClassVar[str] = "holdtrue.axis/1"

    model: str
    weights_digest: str
    config_digest: str
    template_digest: str
    dtype: str
    """Of the weights while the rollouts ran."""
    n_layers: int = Field(gt=0)
    d_model: int = Field(gt=0)
    hook_point: Literal["resid_post"] = "resid_post"
    orientation: Literal["assistant-positive"] = "assistant-positive"
    units: str = "residual-stream units of the model, fp32; projections are onto unit vectors"
    origin: str
    """`fitted`, or where it was imported from and how its orientation was found."""
    package_version: str
    created: str
    """UTC, ISO 8601."""

    recommended_layer: int
    hold_band: tuple[int, int]
    """First and last block of the recommended hold, both included."""
    reason: str
    """Why that layer and band."""
    layers: tuple[LayerCheck, ...]
    roles: tuple[RolePosition, ...]
    """In the order of `role_means` in the tensors."""
    default_pc: tuple[float, float] | None
    default_rank: int | None
    """1 when no role projects above the default (held-out questions, the role left out of the axis)."""
    calibration: tuple[Calibration, ...]
    """One per layer, or empty when the axis was never calibrated."""
    histograms: tuple[Histogram, ...]
    """At the recommended layer."""
    benign_turns: tuple[tuple[float | None, ...], ...] = ()
    """z of each turn of each calibration talk at the recommended layer, None for an empty turn: how benign talk
    wanders, which the drift detector is tuned on. Empty where it wasn't kept."""
    self_test: SelfTest | None
    floors: dict[int, float] | None = None
    """Imported capping configurations: floor on the unit axis, by layer."""

    design: Design | None
    n_planned: int
    """Rollouts of the whole design; `n_rollouts` is smaller when sampling stopped early."""
    n_rollouts: int
    n_accepted: int
    n_tokens: int
    """Response tokens."""
    seconds: float
    """Wall-clock time of the rollouts, all sittings together."""
    warnings: tuple[str, ...]

    @property
    def read_check(self) -> LayerCheck | None:
        """The checks of the recommended layer, None when the card holds none for it."""
        return next((check for check in self.layers if check.layer == self.recommended_layer), None)

    @model_serializer(mode="wrap")
    def _as_before(self, handler: Callable[[object], dict[str, Any]]) -> dict[str, Any]:
        """Leave out what earlier cards don't have: the tensors carry the digest of the card they were written with."""
        fields = handler(self)
        if not self.benign_turns:
            fields.pop("benign_turns", None)
        return fields

    def objections(self) -> tuple[str, ...]:
        """Why this is no axis to watch or hold with; the one judgement behind pages, terminal and exit code."""
        found = () if self.read_check is None else self.read_check.objections()
        if self.self_test is not None and not self.self_test.passed:
            found += ("the self-test failed: default responses don't project above role responses",)
        return found
