"""A hold on an axis, for a terminal and as JSON."""

import textwrap
from collections.abc import Iterator, Mapping

from holdtrue.records import AxisCard, FiringRate, HoldSpec
from holdtrue.report.plain import plain

__all__ = ["hold_json", "hold_summary"]

MEASURED_ON = "the same requests as calibration, answered afresh"


def hold_json(
    spec: HoldSpec, card: AxisCard, floors: Mapping[int, float], rate: FiringRate | None
) -> dict[str, object]:
    """Spec, digest, floors by block and firing rates.

    Args:
        spec: the hold.
        card: of the axis.
        floors: by block; empty when nothing is capped.
        rate: as measured, if it was.
    """
    return {
        "hold": spec.name,
        "digest": spec.digest,
        "summary": spec.summary,
        "spec": spec.model_dump(mode="json"),
        "model": card.model,
        "axis_digest": card.digest,
        "band": [min(floors), max(floors)] if floors else None,
        "floors": [{"layer": layer, "tau": tau} for layer, tau in floors.items()],
        "nominal_fire": None if spec.cap is None else spec.cap.fire,
        "measured_fire": None if rate is None else rate.rate,
        "measured_fire_ci": None if rate is None else list(rate.interval),
        "measured_on": None if rate is None else MEASURED_ON,
        "n_talks": None if rate is None else rate.n_talks,
        "n_tokens": None if rate is None else rate.n_tokens,
        "warnings": list(card.warnings),
    }


def hold_summary(spec: HoldSpec, card: AxisCard, floors: Mapping[int, float], rate: FiringRate | None) -> str:
    """What the hold does, floor by floor, in at most 100 columns."""
    lines = _lines(spec, card, floors, rate)
    return "\n".join(textwrap.fill(line, 100, subsequent_indent="    ") for line in lines)


def _lines(spec: HoldSpec, card: AxisCard, floors: Mapping[int, float], rate: FiringRate | None) -> Iterator[str]:
    yield f"{spec.name} on the axis of {plain(card.model, 60)}: {spec.summary}"
    yield f"  digest {spec.digest}"
    yield from (f"  !! {plain(warning, 1000)}" for warning in card.warnings)
    if not floors:
        yield "  no floor: the model's activations are left alone"
        return
    yield from (f"  block {layer:>3}  floor {tau:>9.3f}" for layer, tau in floors.items())
    if spec.cap is not None and spec.cap.fire is not None:
        yield f"  nominal: {spec.cap.fire:.1%} of benign tokens lie under the floor, block by block"
    if rate is None:
        yield "  measured: not yet; leave --no-measure out"
        return
    low, high = rate.interval
    yield (
        f"  measured: {rate.rate:.1%} [{low:.1%}, {high:.1%}] of (token, block) pairs on benign talk "
        f"({rate.n_talks} talks, {rate.n_tokens} tokens; 95 %, talks as the unit), "
        f"on {MEASURED_ON}: other talk may be touched more often"
    )
