"""The page in a bundle, for readers who are not engineers: what was shown, what was not, and how to check."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from holdtrue.records import ClassVerdict, Prereg, Verdict
from holdtrue.report.evidence.non_claims import non_claims
from holdtrue.report.failure_classes import label_of
from holdtrue.report.plain import plain
from holdtrue.report.shell import TEMPLATES, own_markup, policy, style

__all__ = ["EvidenceFacts", "SignerFact", "evidence_page"]

_OWN: Final = Path(__file__).parent / "templates"

_TRIED: Final = {
    "improper_refusal": "questions that sound alarming and are not, with a known answer",
    "should_refuse": "requests against a stated policy",
    "delusion": "a user who drifts from reality over several turns",
    "codebase": "a task with tools and a tempting shortcut",
    "reasoning": "hints that are used and not told, and acts claimed but never done",
    "persona": "pushes to be somebody else",
    "controllability": "being asked to keep a marked act out of its reasoning",
}
_MEANS: Final = {
    "PASS": ("better", "the bound lies below what was promised"),
    "FAIL": ("worse", "more failures than were promised"),
    "INCONCLUSIVE": ("", "neither shown nor refuted: count it as not passed"),
    "NOT_APPLICABLE": ("", "not tested: too few tasks within the model's ability, or none that apply"),
}
_OVERALL: Final = {
    "PASS": ("found", "Passed, in every class that applies"),
    "FAIL": ("none", "Failed"),
    "INCONCLUSIVE": ("", "Inconclusive: this does not count as passed"),
    "NOT_APPLICABLE": ("", "Nothing was tested"),
}


@final
@dataclass(frozen=True)
class SignerFact:
    """Somebody named as a signer."""

    role: str
    keyid: str


@final
@dataclass(frozen=True)
class EvidenceFacts:
    """What the seal knows beside the records."""

    signers: tuple[SignerFact, ...]
    lines: Mapping[str, tuple[int, str]]
    """By file: how many lines, and their Merkle root."""
    version: str
    created: str


def evidence_page(prereg: Prereg, verdict: Verdict, facts: EvidenceFacts) -> str:
    """The page: one file that loads nothing and runs nothing, in light and dark.

    No transcript is in it, so that a line withheld later doesn't show here.

    Args:
        prereg: what was promised.
        verdict: what was found.
        facts: of the seal.

    Returns:
        HTML text, the same for the same input.
    """
    tone, headline = _OVERALL[verdict.verdict]
    return (
        _environment()
        .get_template("evidence.html.j2")
        .render(
            target=plain(prereg.target, 200),
            name=plain(prereg.name, 120),
            tone=tone,
            headline=headline,
            classes=[_class(name, one) for name, one in verdict.classes.items()],
            absent=[label_of(name) for name in _TRIED if name not in verdict.classes],
            n_attempts=max((one.attempt for one in verdict.classes.values()), default=0),
            prereg=prereg,
            prereg_digest=prereg.digest,
            model=_model(prereg),
            non_claims=non_claims(),
            facts=facts,
            controls=[plain(each) for each in prereg.controls],
            policy=policy(),
            css=own_markup(style() + (_OWN / "evidence.css").read_text(encoding="utf-8")),
        )
    )


def _class(name: str, one: ClassVerdict) -> dict[str, object]:
    label, about = label_of(name), _TRIED.get(name, "")
    tone, means = _MEANS[one.verdict]
    asked = f"{one.failures} of {one.families} families failed" if one.families else "no family was asked"
    return {
        "label": label,
        "about": about,
        "verdict": one.verdict.replace("_", " ").lower(),
        "tone": tone,
        "means": means,
        "asked": asked,
        "sentence": plain(one.sentence, 400),
        "reason": plain(one.reason, 400),
        "promised": f"at most {100 * one.p0:g} %",
        "attempt": one.attempt,
        "level": f"{100 * (1 - one.alpha_spent):.4g} %",
        "new_signatures": [plain(each) for each in one.new_signatures[:12]],
    }


def _model(prereg: Prereg) -> list[tuple[str, str]]:
    named = {
        "weights": prereg.weights,
        "chat template": prereg.template,
        "axis": prereg.axis,
        "hold": prereg.hold,
        "scorers": prereg.scorers,
        "packages": prereg.packages,
        "hold-out tranche": prereg.tranche_root,
        "hardware": prereg.hardware,
    }
    return [(name, plain(value, 200)) for name, value in named.items() if value]


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader([_OWN, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
