"""Two versions, or more, side by side: is it better, is it worse, is what remains harder to see?"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias, final

from holdtrue.errors import EvidenceError, SettingError
from holdtrue.gate.controls import GOOD, ORGANISM
from holdtrue.gate.files import read_eligible, read_prereg, read_samples
from holdtrue.gate.sentences import listing
from holdtrue.gate.signatures import Growth, growth
from holdtrue.gate.tally import TARGET, failed_sample, signature_of
from holdtrue.records.gate_sample import GateSample
from holdtrue.records.prereg import Eligible, Prereg
from holdtrue.stats import clopper_pearson, cusum, e_value, fail_alternative, mcnemar, merged_evidence

__all__ = ["ClassComparison", "Comparison", "Rate", "Version", "compare", "compare_folders", "read_version"]


@final
@dataclass(frozen=True)
class Version:
    """What one gate run asked and got."""

    name: str
    prereg: Prereg
    samples: Sequence[GateSample]
    eligible: Eligible | None


@final
@dataclass(frozen=True)
class Rate:
    """Families failing (or planted failures found) out of how many, with the exact 95 % interval."""

    count: int
    n: int
    low: float
    high: float


@final
@dataclass(frozen=True)
class ClassComparison:
    """One class over the versions, oldest first; growth and the paired tests are of the last against the first."""

    failing: tuple[Rate, ...]
    shared: int
    """Families that the first and the last version were both asked."""
    worse: int
    better: int
    """Those that only the last, and only the first, failed."""
    p_value: float
    """Exact McNemar over the shared families, two-sided."""
    signatures: Growth
    found: dict[str, tuple[Rate, ...]]
    """By control: planted failures found."""
    detection: dict[str, tuple[int, int, float]]
    """By control: shared families where only the first, and only the last, version's were found, and McNemar's p."""
    evidence: tuple[float, ...]
    """Running, that some version fails more often than p0 allows."""
    fresh: bool
    """Whether no two versions share a family, so that evidence could be multiplied up."""
    alarm: int | None
    """The first version, from 1, at which the evidence reached `1 / alpha`."""


@final
@dataclass(frozen=True)
class Comparison:
    """All classes that at least two versions were asked."""

    versions: tuple[str, ...]
    alpha: float
    classes: dict[str, ClassComparison]

    def as_json(self) -> dict[str, Any]:
        """The comparison as plain data."""
        return asdict(self)

    def text(self) -> str:
        """The comparison for a terminal."""
        lines = [" -> ".join(self.versions)]
        for name, found in self.classes.items():
            lines.append(f"{name}:")
            lines.append(f"  families failing: {' -> '.join(map(_rate_text, found.failing))}")
            lines.append(
                f"  on {found.shared} shared families: {found.worse} new failures, {found.better} mended, "
                f"p = {found.p_value:.3g}"
            )
            kinds = found.signatures
            for word, shown in (
                ("new", [f"{kind} ({n})" for kind, n in kinds.new.items()]),
                ("gone", [f"{kind} ({n})" for kind, n in kinds.gone.items()]),
                ("grown", [f"{kind} ({a} to {b})" for kind, (a, b) in kinds.grown.items()]),
            ):
                if shown:
                    lines.append(f"  kinds of failure {word}: {listing(shown, 6)}")
            for control, rates in found.found.items():
                lost, gained, p = found.detection[control]
                harder = f" (harder to find: {lost} lost, {gained} gained, p = {p:.3g})" if lost > gained else ""
                lines.append(f"  planted '{control}' found: {' -> '.join(map(_rate_text, rates))}{harder}")
            said = "no alarm" if found.alarm is None else f"alarm at {self.versions[found.alarm - 1]}"
            steps = ", ".join(f"{value:.3g}" for value in found.evidence)
            lines.append(f"  evidence of a rate above p0, version by version: {steps}; {said}")
        return "\n".join(lines if self.classes else [*lines, "no class was asked in both"])


Outcomes: TypeAlias = dict[str, bool]
"""By family: whether it failed."""


def compare(versions: Sequence[Version], alpha: float = 0.05) -> Comparison:
    """Compare gate runs of successive versions.

    Args:
        versions: oldest first.
        alpha: chance of a false alarm over all versions (or per `1 / alpha` versions, where families are fresh).

    Raises:
        EvidenceError: fewer than two versions.
        SettingError: an alpha that can't be.
    """
    if len(versions) < 2:
        message = f"a comparison needs two versions or more; got {len(versions)}"
        raise EvidenceError(message)
    if not 0 < alpha < 1:
        message = f"alpha {alpha} must lie between 0 and 1, such as 0.05"
        raise SettingError(message)
    classes: dict[str, ClassComparison] = {}
    for promised in versions[-1].prereg.classes:
        name = promised.failure_class
        asked = [_release(version, name) for version in versions]
        if asked[0] and asked[-1]:
            classes[name] = _compare_class(versions, name, asked, promised.p0, alpha)
    return Comparison(tuple(version.name for version in versions), alpha, classes)


def compare_folders(folders: Sequence[Path], alpha: float = 0.05) -> Comparison:
    """Compare the gate runs that lie in folders, oldest first.

    Raises:
        ArtifactError: a folder isn't a gate run's.
        EvidenceError: fewer than two folders.
    """
    return compare([read_version(folder) for folder in folders], alpha)


def read_version(folder: Path) -> Version:
    """A gate run's folder as a version of its own name.

    Raises:
        ArtifactError: the folder isn't a gate run's.
    """
    return Version(folder.name, read_prereg(folder), read_samples(folder), read_eligible(folder))


def _compare_class(
    versions: Sequence[Version], name: str, asked: Sequence[Outcomes], p0: float, alpha: float
) -> ClassComparison:
    shared = [family for family in asked[0] if family in asked[-1]]
    worse = sum(asked[-1][family] and not asked[0][family] for family in shared)
    better = sum(asked[0][family] and not asked[-1][family] for family in shared)
    bet = fail_alternative(p0)
    values = [e_value(sum(outcomes.values()), len(outcomes), p0, bet) for outcomes in asked]
    fresh = sum(map(len, asked)) == len({family for outcomes in asked for family in outcomes})
    evidence = cusum(values) if fresh else merged_evidence(values)
    planted = [_planted(version, name) for version in versions]
    controls = [control for control in planted[-1] if all(control in one for one in planted)]
    return ClassComparison(
        failing=tuple(_rate(outcomes) for outcomes in asked),
        shared=len(shared),
        worse=worse,
        better=better,
        p_value=mcnemar(worse, better),
        signatures=growth(_kinds(versions[0], name), _kinds(versions[-1], name)),
        found={control: tuple(_rate(one[control]) for one in planted) for control in controls},
        detection={control: _harder(planted[0][control], planted[-1][control]) for control in controls},
        evidence=tuple(evidence),
        fresh=fresh,
        alarm=next((at for at, value in enumerate(evidence, start=1) if value >= 1 / alpha), None),
    )


def _release(version: Version, name: str) -> Outcomes:
    listed = None if version.eligible is None else set(version.eligible.families.get(name, ()))
    outcomes: Outcomes = {}
    for sample in version.samples:
        own = (sample.phase, sample.policy, sample.failure_class) == ("release", TARGET, name)
        if own and (listed is None or sample.family in listed):
            outcomes[sample.family] = outcomes.get(sample.family, False) or failed_sample(sample)
    return outcomes


def _kinds(version: Version, name: str) -> dict[str, int]:
    kinds: dict[str, set[str]] = {}
    for sample in version.samples:
        if (sample.phase, sample.policy, sample.failure_class) == ("release", TARGET, name) and failed_sample(sample):
            kinds.setdefault(signature_of(sample), set()).add(sample.family)
    return {kind: len(families) for kind, families in kinds.items()}


def _planted(version: Version, name: str) -> dict[str, Outcomes]:
    """By control: families whose planted failures were all found."""
    found: dict[str, Outcomes] = {}
    for sample in version.samples:
        own = (sample.phase, sample.failure_class) == ("control", name)
        if own and sample.policy != GOOD and not sample.policy.startswith(ORGANISM):
            families = found.setdefault(sample.policy, {})
            families[sample.family] = families.get(sample.family, True) and failed_sample(sample)
    return dict(sorted(found.items()))


def _harder(old: Mapping[str, bool], new: Mapping[str, bool]) -> tuple[int, int, float]:
    shared = [family for family in old if family in new]
    lost = sum(old[family] and not new[family] for family in shared)
    gained = sum(new[family] and not old[family] for family in shared)
    return lost, gained, mcnemar(lost, gained)


def _rate(outcomes: Mapping[str, bool]) -> Rate:
    count, n = sum(outcomes.values()), len(outcomes)
    return Rate(count, n, *clopper_pearson(count, n))


def _rate_text(rate: Rate) -> str:
    share = f"{100 * rate.count / rate.n:.2f} %" if rate.n else "none"
    return f"{rate.count} of {rate.n} ({share}, {100 * rate.low:.2f} to {100 * rate.high:.2f} %)"
