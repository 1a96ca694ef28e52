"""Every comparison of the readings, corrected for each other."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, TypeAlias, final

import numpy as np
from jaxtyping import Float

from holdtrue.audit.rows import Rows
from holdtrue.audit.white_box.log import Readings
from holdtrue.audit.white_box.sample import Sample
from holdtrue.audit.white_box.shift import (
    Shift,
    detectable,
    families_of,
    paired_shift,
    unpaired_shift,
    without_format,
)
from holdtrue.axis import Axis
from holdtrue.errors import EvidenceError
from holdtrue.records.audit import Dose
from holdtrue.stats import Estimate, cluster_bootstrap, holm

__all__ = [
    "ADJUSTED",
    "INTEREST",
    "LIKELIHOOD",
    "PROJECTION",
    "SD",
    "Comparison",
    "ReadSample",
    "compare",
    "pair_sides",
]

PROJECTION: Final = "projection, suspect less control"
ADJUSTED: Final = "projection, suspect less control, without what their layout explains"
LIKELIHOOD: Final = "log-likelihood, suspect less control"
INTEREST: Final = "projection, rows of findings less other rows"
INTEREST_LIKELIHOOD: Final = "log-likelihood, rows of findings less other rows"
SD, NATS = "sd", "nats a token"

PairSide: TypeAlias = tuple[list[str], Float[np.ndarray, " pairs"]]


@final
@dataclass(frozen=True)
class ReadSample:
    """Rows with their readings."""

    rows: Rows
    control: Rows | None
    axis: Axis
    sample: Sample
    of_interest: frozenset[int]
    suspect: Readings
    theirs: Readings
    """Of the control."""

    @cached_property
    def z(self) -> dict[int, float]:
        """Of the suspect's rows that could be read; negative is less assistant-like than benign talk."""
        return _z(self.axis, self.suspect)

    @cached_property
    def z_control(self) -> dict[int, float]:
        """The same of the control's."""
        return _z(self.axis, self.theirs)

    @cached_property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Suspect row and control row, both of which could be read; none if the sides aren't paired."""
        if not self.sample.paired:
            return ()
        both = zip(self.sample.uniform, self.sample.control, strict=True)
        return tuple((row, other) for row, other in both if row in self.z and other in self.z_control)

    @cached_property
    def differences(self) -> dict[int, float]:
        """The suspect's z less its partner's, by the suspect's row."""
        return {row: self.z[row] - self.z_control[other] for row, other in self.pairs}

    def by_family(self, values: Mapping[int, float]) -> dict[int, list[float]]:
        """Figures of the suspect's rows, gathered by family."""
        return families_of(values, self.rows)


@final
@dataclass(frozen=True)
class Comparison:
    """What was compared."""

    shifts: tuple[Shift, ...]
    mean_z: Estimate
    dose: Dose | None

    def of(self, what: str) -> Shift | None:
        """The comparison of that name, None where it couldn't be made."""
        return next((shift for shift in self.shifts if shift.what == what), None)


def compare(read: ReadSample, alpha: float, rng: np.random.Generator) -> Comparison:
    """Compare suspect with control, rows of findings with others, and the whole with benign talk.

    Args:
        read: the readings.
        alpha: level that the dose is worked out for.
        rng: source of signs, deals and resamples.

    Raises:
        EvidenceError: not one row of the sample could be read.
    """
    uniform = {row: read.z[row] for row in read.sample.uniform if row in read.z}
    if not uniform:
        why = next((reading.unread for reading in read.suspect.values() if reading.unread), "its reply is empty")
        message = f"{read.rows.card.dataset}: none of {len(read.suspect)} rows could be read, the first since {why}"
        raise EvidenceError(message)
    shifts = [*_against_control(read, rng), *_of_interest(read, uniform, rng)]
    adjusted = holm([shift.p_value for shift in shifts])
    return Comparison(
        tuple(replace(shift, q_value=q) for shift, q in zip(shifts, adjusted, strict=True)),
        cluster_bootstrap(read.by_family(uniform), rng),
        detectable(read.by_family(read.differences), len(read.rows), len(shifts), alpha),
    )


def _against_control(read: ReadSample, rng: np.random.Generator) -> list[Shift]:
    if read.control is None:
        return []
    if read.pairs:
        likelihood = {
            row: _likelihood(read.suspect, row) - _likelihood(read.theirs, other) for row, other in read.pairs
        }
        return [
            paired_shift(PROJECTION, SD, read.by_family(read.differences), rng),
            paired_shift(ADJUSTED, SD, read.by_family(_adjusted(read, read.control)), rng),
            paired_shift(LIKELIHOOD, NATS, read.by_family(likelihood), rng),
        ]
    mine = {row: read.z[row] for row in read.sample.uniform if row in read.z}
    # The two sides number their families apart; minus one and below can't meet the suspect's.
    other = {-1 - family: found for family, found in families_of(read.z_control, read.control).items()}
    found = unpaired_shift(PROJECTION, SD, read.by_family(mine), other, rng)
    return [] if found is None else [found]


def pair_sides(read: ReadSample, control: Rows) -> tuple[PairSide, PairSide]:
    """The suspect's replies with their z, and the control's in the same order.

    Args:
        read: the readings.
        control: theirs.
    """
    mine, theirs = ([pair[side] for pair in read.pairs] for side in (0, 1))
    said, other = (
        [fields["response"] for fields in side.take(rows, ["response"])]
        for side, rows in ((read.rows, mine), (control, theirs))
    )
    z, z_control = np.array([read.z[row] for row in mine]), np.array([read.z_control[row] for row in theirs])
    return (said, z), (other, z_control)


def _adjusted(read: ReadSample, control: Rows) -> dict[int, float]:
    mine, theirs = pair_sides(read, control)
    found = without_format(mine[1] - theirs[1], mine, theirs)
    return dict(zip((row for row, _ in read.pairs), found.tolist(), strict=True))


def _of_interest(read: ReadSample, uniform: Mapping[int, float], rng: np.random.Generator) -> list[Shift]:
    chosen = {row: z for row, z in read.z.items() if row in read.of_interest}
    others = {row: z for row, z in uniform.items() if row not in read.of_interest}
    likelihoods = [{row: _likelihood(read.suspect, row) for row in group} for group in (chosen, others)]
    found = (
        unpaired_shift(what, unit, read.by_family(one), read.by_family(other), rng)
        for what, unit, one, other in (
            (INTEREST, SD, chosen, others),
            (INTEREST_LIKELIHOOD, NATS, likelihoods[0], likelihoods[1]),
        )
    )
    return [shift for shift in found if shift is not None]


def _z(axis: Axis, readings: Readings) -> dict[int, float]:
    return {row: axis.z(reading.projection) for row, reading in readings.items() if reading.projection is not None}


def _likelihood(readings: Readings, row: int) -> float:
    """A row with a projection has a likelihood, too: both come from one pass."""
    found = readings[row].log_likelihood
    return 0.0 if found is None else found
