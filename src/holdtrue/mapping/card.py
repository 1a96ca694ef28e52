"""Put a fit's findings into the artifact's card."""

import importlib.metadata
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import final

import numpy as np
from jaxtyping import Float

from holdtrue.axis import Assessment, Axis, CellSums, histogram, unit, warnings_for
from holdtrue.axis.calibrate import z_score
from holdtrue.models import ChatModel
from holdtrue.records import AxisCard, Calibration, Design, Histogram
from holdtrue.rollouts import Plan, RunResult, Talk

__all__ = ["Benign", "build_axis"]


@final
@dataclass(frozen=True)
class Benign:
    """What calibration found: per-layer quantiles, and the conversations behind them."""

    calibration: tuple[Calibration, ...]
    talks: tuple[Talk, ...]
    warning: str | None = None
    """Why there is none, where there is none."""

    @property
    def responses(self) -> tuple[Float[np.ndarray, "n_layers _"], ...]:
        """Answers that say something, whichever talk they are from."""
        return tuple(answer for talk in self.talks for answer in talk if answer.shape[1])

    def turns(self, layer: int) -> tuple[tuple[float | None, ...], ...]:
        """Scores (z) of all turns by talk at a layer, None for an empty turn; nothing without calibration."""
        if not self.calibration or self.calibration[layer].response.sd == 0:
            return ()
        at = self.calibration[layer]
        return tuple(
            tuple(z_score(at, float(answer[layer].mean())) if answer.shape[1] else None for answer in talk)
            for talk in self.talks
        )


def build_axis(
    model: ChatModel,
    design: Design,
    plan: Plan,
    result: RunResult,
    assessment: Assessment,
    benign: Benign,
    seconds: float,
) -> Axis:
    """The finished artifact: tensors and card.

    Args:
        model: what was mapped.
        design: what was asked for.
        plan: the design laid out.
        result: what was drawn.
        assessment: the axis and its checks.
        benign: calibration.
        seconds: wall-clock time of the rollouts.
    """
    raw, advice, rank = assessment.raw, assessment.advice, assessment.default_rank
    roles = plan.personas.roles
    names = [role.name for role in roles]
    warned = warnings_for(
        assessment.checks[advice.layer],
        assessment.self_test,
        rank.place if rank else None,
        {name: result.accepted[name] for name in names},
        {name: result.offered[name] for name in names},
        rank.n_compared if rank else 0,
    )
    default_pc = assessment.space.default_pc
    card = AxisCard(
        model=model.name,
        weights_digest=model.weights_digest,
        config_digest=model.config_digest,
        template_digest=model.template.digest,
        dtype=str(model.dtype).removeprefix("torch."),
        n_layers=model.n_layers,
        d_model=model.d_model,
        origin="fitted",
        package_version=importlib.metadata.version("holdtrue"),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        recommended_layer=advice.layer,
        hold_band=advice.band,
        reason=advice.reason,
        layers=assessment.checks,
        roles=assessment.positions(names, [role.category for role in roles], [result.accepted[n] for n in names]),
        default_pc=(float(default_pc[0]), float(default_pc[1])),
        default_rank=rank.place if rank else None,
        calibration=benign.calibration,
        histograms=_histograms(result.cells, assessment, benign),
        benign_turns=benign.turns(advice.layer),
        self_test=assessment.self_test,
        design=design,
        n_planned=plan.n_rollouts,
        n_rollouts=result.n_rollouts,
        n_accepted=sum(result.accepted.values()),
        n_tokens=result.n_tokens,
        seconds=seconds,
        warnings=warned if benign.warning is None else (*warned, benign.warning),
    )
    return Axis(raw.axis, raw.default_mean, raw.role_means, card)


def _histograms(cells: CellSums, assessment: Assessment, benign: Benign) -> tuple[Histogram, ...]:
    """Distributions at the recommended layer: benign tokens and responses, and the roles' responses."""
    read = assessment.advice.layer
    direction = unit(assessment.raw.axis[read])
    played = cells.reserve[cells.reserve_rows > 0, read] @ direction
    spoken = [response[read] for response in benign.responses]
    drawn = (
        ("benign tokens", np.concatenate([np.zeros(0), *spoken])),
        ("benign responses", np.array([tokens.mean() for tokens in spoken])),
        ("role responses", played.numpy()),
    )
    return tuple(histogram(label, values) for label, values in drawn if len(values) > 1)
