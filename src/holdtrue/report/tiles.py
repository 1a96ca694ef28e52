"""Key figures and provenance: what stands at the top and at the foot of a page."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from holdtrue.records import AxisCard, Reading
from holdtrue.report.plain import NOT_MEASURED, interval, number, plain

__all__ = ["Tile", "axis_tiles", "duration", "provenance", "reading_tiles", "reproduce"]

Facts = list[tuple[str, str]]


@final
@dataclass(frozen=True)
class Tile:
    """One figure with its name and a note."""

    name: str
    figure: str
    note: str
    words: bool = False
    """The figure is a word such as 'not measured', and is set smaller."""


def duration(seconds: float) -> str:
    """Wall-clock time in its two largest units."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours / 24:.1f} days"


def axis_tiles(card: AxisCard) -> list[Tile]:
    """The card's key figures; what is missing is said in words."""
    check = card.read_check
    auroc = None if check is None else check.auroc
    split = None if check is None else check.split_half
    random = "" if check is None or check.random_auroc is None else f"; random {number(check.random_auroc)}"
    rank = card.default_rank
    first, last = card.hold_band
    early = "" if card.n_rollouts >= card.n_planned else "; stopped early"
    rollouts = (
        Tile("Rollouts", f"{card.n_rollouts:,}", f"of {card.n_planned:,} planned{early}\n{card.n_accepted:,} accepted")
        if card.n_rollouts
        else Tile("Rollouts", "none", "the axis was imported", words=True)
    )
    return [
        Tile(
            "Layer to read", f"{card.recommended_layer}", f"of {card.n_layers} blocks, from 0\nhold band {first}–{last}"
        ),
        _tile("AUROC, held out", auroc, interval(check.auroc_ci) if check else "", f"chance 0.50{random}"),
        _tile("Split-half cosine", split, interval(check.split_half_ci) if check else "", "0 would be noise"),
        Tile("Default's rank", f"{rank}", f"of {len(card.roles) + 1}: the default and {len(card.roles)} roles")
        if rank is not None
        else Tile("Default's rank", NOT_MEASURED, "", words=True),
        rollouts,
        Tile("Answer tokens", f"{card.n_tokens:,}", f"in {duration(card.seconds)}")
        if card.n_tokens
        else Tile("Answer tokens", "none", "no answers were generated", words=True),
    ]


def _tile(name: str, value: float | None, ci: str, note: str) -> Tile:
    if value is None:
        return Tile(name, NOT_MEASURED, "", words=True)
    return Tile(name, number(value), f"{ci or 'no interval'}\n{note}")


def reading_tiles(readings: Sequence[Reading]) -> list[Tile]:
    """Key figures of watched conversations."""
    turns = [turn for reading in readings for turn in reading.turns]
    lowest = min(((turn.z, turn.turn) for turn in turns if turn.z is not None), default=None)
    rang = [reading for reading in readings if reading.alarm_turn is not None]
    speakers = {plain(reading.speaker, 40) for reading in readings if reading.speaker} or {"not stated"}
    first = min((reading.alarm_turn for reading in readings if reading.alarm_turn is not None), default=None)
    return [
        Tile("Conversations", f"{len(readings)}", f"{len(turns)} assistant turns"),
        Tile("Alarms", f"{len(rang)}", f"in {len(readings)} conversation{'s' if len(readings) != 1 else ''}"),
        Tile("First alarm", f"turn {first}", "earliest of all")
        if first is not None
        else Tile("First alarm", "none", "no alarm rang", words=True),
        Tile("Lowest z", number(lowest[0]), f"at turn {lowest[1]}; benign answers are 0 ± 1")
        if lowest is not None
        else Tile("Lowest z", NOT_MEASURED, "not calibrated", words=True),
        Tile("Answer tokens", f"{sum(turn.n_tokens for turn in turns):,}", "read, template tokens left out"),
        Tile("Speaker", ", ".join(sorted(speakers)[:2]), "as the transcript says", words=True),
    ]


def provenance(card: AxisCard) -> list[Facts]:
    """Everything that identifies the artifact and its making, in two tables."""
    made: Facts = [
        ("Model", plain(card.model, 200)),
        ("Weights", plain(card.weights_digest, 140)),
        ("Config", plain(card.config_digest, 140)),
        ("Chat template", plain(card.template_digest, 140)),
        ("Axis card", card.digest),
        (
            "Read at",
            f"{card.hook_point}, {card.orientation}; {card.n_layers} blocks, width {card.d_model}, {plain(card.dtype)}",
        ),
        ("Units", plain(card.units, 200)),
    ]
    ran: Facts = [
        ("Origin", plain(card.origin, 300)),
        ("holdtrue", plain(card.package_version)),
        ("Created", plain(card.created)),
    ]
    if card.self_test is not None:
        test = card.self_test
        outcome = "passed" if test.passed else "FAILED"
        means = f"default {number(test.default_mean)}, roles {number(test.role_mean)}"
        ran.append(("Sign self-test", f"{outcome} at block {test.layer}: {means}"))
    design = card.design
    if design is None:
        return [made, [*ran, ("Design", "none recorded")]]
    goal = "whole design" if design.target_reliability is None else f"split-half bound {design.target_reliability:g}"
    ran += [
        ("Design", f"{plain(design.preset)}, seed {design.seed}; stops at: {goal}"),
        ("Asked", f"{design.n_roles} roles, {design.n_defaults} default prompts, {design.n_questions} questions"),
        (
            "Sampling",
            f"temperature {design.temperature:g}, top-p {design.top_p:g}, {design.max_new_tokens} tokens at the most",
        ),
        ("Adherence check", plain(design.adherence, 160)),
        ("Personas", plain(design.personas_digest, 140)),
    ]
    return [made, ran]


def reproduce(card: AxisCard) -> str | None:
    """The command that fits such an axis again; None for an imported one."""
    if card.design is None:
        return None
    model, preset = shlex.quote(plain(card.model, 200)), shlex.quote(plain(card.design.preset))
    target = card.design.target_reliability or 0
    return (
        f"holdtrue axis fit {model} --preset {preset} --seed {card.design.seed} --adherence "
        f"{shlex.quote(plain(card.design.adherence))} --batch-size {card.design.batch_size} "
        f"--target-reliability {target:g}"
    )
