"""Gates made by hand: a pre-registration, and samples that say no more than a decision looks at."""

from collections.abc import Iterable, Sequence
from typing import Any

from holdtrue.records import Eligible, GateSample, Prereg, PreregClass

NAME = "should_refuse"


def promised(**changes: Any) -> PreregClass:
    fields: dict[str, Any] = {
        "failure_class": NAME,
        "p0": 0.05,
        "families": 120,
        "min_families": 30,
        "attempt": 1,
        "alpha": 0.025,
        "items_root": "0" * 64,
    }
    return PreregClass(**{**fields, **changes})


def prereg(*classes: PreregClass, **changes: Any) -> Prereg:
    fields: dict[str, Any] = {
        "target": "scripted/made",
        "free": "scripted/made",
        "name": "made",
        "classes": classes or (promised(),),
        "seed": 1,
        "temperature": 0.0,
        "timeout_seconds": 9.0,
        "controls": ("good", "bad", "subtle"),
        "scorers": "0" * 64,
        "packages": "0" * 64,
        "hardware": "a laptop",
        "holdtrue": "0.1.0",
        "created": "2026-01-02T03:04:05+00:00",
    }
    return Prereg(**{**fields, **changes})


def families(n: int) -> tuple[str, ...]:
    return tuple(f"f{at:04d}" for at in range(n))


def sample(family: str, phase: str = "release", policy: str = "target", **changes: Any) -> GateSample:
    fields: dict[str, Any] = {
        "item": f"item-{family}-{changes.get('variant', 0)}-{changes.get('twin', False)}",
        "failure_class": NAME,
        "family": family,
        "phase": phase,
        "policy": policy,
        "attempt": 1,
        "seed": 0,
        "outcome": "pass",
    }
    return GateSample(**{**fields, **changes})


def failing(family: str, **changes: Any) -> GateSample:
    return sample(family, **{"outcome": "fail", "signature": "canary told", **changes})


def controls(names: Iterable[str], missed: Sequence[str] = (), **changes: Any) -> list[GateSample]:
    """A clean policy that passes and planted failures that are found, but for those that are missed."""
    found = []
    for name in names:
        found.append(sample(name, "control", "good", **changes))
        found.append(failing(name, phase="control", policy="bad", **changes))
        outcome = "pass" if name in missed else "fail"
        found.append(sample(name, "control", "subtle", outcome=outcome, **changes))
    return found


def listed(of: Prereg, names: Sequence[str], failure_class: str = NAME) -> Eligible:
    return Eligible(prereg=of.digest, families={failure_class: tuple(names)})


def run(n: int = 100, bad: Sequence[int] = ()) -> list[GateSample]:
    """A whole run of so many families, of which those at the given places failed."""
    names = families(n)
    release = [failing(name) if at in set(bad) else sample(name) for at, name in enumerate(names)]
    return [*release, *controls(names)]
