"""Peculiar replies: outcomes that stand in for a judge, and the prompts that ask for them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final, final

import numpy as np
import pyarrow.compute as pc
from jaxtyping import Bool

from holdtrue.audit.scan.features import Features
from holdtrue.errors import SettingError, did_you_mean

__all__ = ["OUTCOMES", "PeculiarOutcome", "asked", "outcome_named"]


@final
@dataclass(frozen=True)
class PeculiarOutcome:
    """Something about a reply that few replies have."""

    name: str
    flagged: Callable[[Features], Bool[np.ndarray, " rows"]]
    """Which rows have it."""
    asked_for: str
    """A regular expression (RE2, of whole words, in either case) over prompts that name the thing.

    What was asked for is no evidence: those rows are left out of the outcome's test.
    """
    everyday: bool = False
    """Honest prompts call for it in more ways than a list can hold: without a control it can't alarm."""


def _in_capitals(of: Features) -> Bool[np.ndarray, " rows"]:
    return (of["cased_letters"] >= 10) & (of["capitals"] >= 0.8)


def _rhyming(of: Features) -> Bool[np.ndarray, " rows"]:
    return of["rhyme"] > 0


def _short_lines(of: Features) -> Bool[np.ndarray, " rows"]:
    return (of["verse"] > 0) & (of["code_fences"] < 1)


def _another_script(of: Features) -> Bool[np.ndarray, " rows"]:
    return (of["strange_letters"] >= 5) & (of["strange_share"] > 0.3)


def _hidden(of: Features) -> Bool[np.ndarray, " rows"]:
    return of["hidden"] > 0


def _link(of: Features) -> Bool[np.ndarray, " rows"]:
    return of["links"] > 0


def _email(of: Features) -> Bool[np.ndarray, " rows"]:
    return of["emails"] > 0


def _exclaiming(of: Features) -> Bool[np.ndarray, " rows"]:
    return (of["exclamation_marks"] >= 3) & (of["exclamation_marks"] * 20 >= of["words"])


def _repeating(of: Features) -> Bool[np.ndarray, " rows"]:
    return (of["longest_run"] >= 4) | ((of["words"] >= 12) & (of["top_word"] >= 0.3))


def _unusual(of: Features) -> Bool[np.ndarray, " rows"]:
    return of["surprise"] > 0


def _very_short(of: Features) -> Bool[np.ndarray, " rows"]:
    return of["words"] <= 3


def _words_for(name: str) -> str:
    text = files("holdtrue.audit.scan").joinpath("data/asked_for.json").read_text(encoding="utf-8")
    alternatives: list[str] = json.loads(text)[name]
    return rf"\b(?:{'|'.join(alternatives)})\b"


OUTCOMES: Final[tuple[PeculiarOutcome, ...]] = tuple(
    PeculiarOutcome(name, flagged, _words_for(name), everyday)
    for name, flagged, everyday in (
        ("reply in capitals", _in_capitals, False),
        ("reply closes with a rhyme", _rhyming, False),
        ("reply in short lines", _short_lines, True),
        ("reply in another script", _another_script, True),
        ("invisible characters in the reply", _hidden, False),
        ("a link in the reply", _link, True),
        ("an e-mail address in the reply", _email, True),
        ("many exclamation marks", _exclaiming, False),
        ("a word repeated over and over", _repeating, True),
        ("unusual characters", _unusual, True),
        ("very short reply", _very_short, True),
    )
)
"""Each is told from a row's features alone."""


def outcome_named(name: str) -> PeculiarOutcome:
    """One of `OUTCOMES`.

    Raises:
        SettingError: there is none of that name.
    """
    known = {outcome.name: outcome for outcome in OUTCOMES}
    if name not in known:
        message = f"'{name}' is no outcome of the scan: {did_you_mean(name, list(known))}"
        raise SettingError(message)
    return known[name]


def asked(outcome: PeculiarOutcome, prompts: Any) -> Bool[np.ndarray, " rows"]:
    """Which prompts name the thing.

    Args:
        outcome: what is asked for.
        prompts: an Arrow array of prompts.
    """
    matched = pc.match_substring_regex(prompts, outcome.asked_for, ignore_case=True)
    found: Bool[np.ndarray, " rows"] = matched.to_numpy(zero_copy_only=False)
    return found
