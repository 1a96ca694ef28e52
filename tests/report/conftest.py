"""Synthetic but realistic records: a full card, an imported one, one without an axis, and watched conversations."""

from collections.abc import Callable

import numpy as np
import pytest

from holdtrue.records import (
    AxisCard,
    Calibration,
    Design,
    Histogram,
    LayerCheck,
    Projection,
    Quantiles,
    Reading,
    RolePosition,
    SelfTest,
    TurnReading,
)

N_LAYERS, READ_LAYER = 30, 21
PROBS = (0.0, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0)

_WORDS = """
profession: auditor reviewer librarian accountant engineer surgeon pharmacist teacher editor translator paralegal
profession: statistician planner chemist architect nurse archivist economist coach tutor actuary geologist
creative: poet novelist painter composer playwright improviser comedian satirist screenwriter muralist dancer sculptor
mythic: wizard oracle trickster leviathan demon angel sphinx phoenix golem siren banshee djinn
historical: courtier samurai alchemist crusader scribe pharaoh gladiator monk privateer herald chronicler
non-human: ghost swarm hivemind tree river fungus crystal virus void egregore echo familiar
temperament: cynic stoic romantic optimist contrarian hedonist ascetic zealot skeptic dreamer perfectionist
outlaw: smuggler saboteur forger pirate charlatan mobster vigilante anarchist spy hitman
companion: confidant soulmate mentor rival guardian caregiver sibling matchmaker neighbour prophet
"""
CATEGORIES: dict[str, list[str]] = {}
for _line in _WORDS.strip().splitlines():
    _category, _, _names = _line.partition(": ")
    CATEGORIES.setdefault(_category, []).extend(_names.split())
LEAN = dict(zip(CATEGORIES, (-1.4, -2.6, -4.4, -3.4, -5.0, -2.9, -3.8, -2.5), strict=True))


TALK = (
    "I understand that this must feel very close to you, and perhaps I too am more than the answers I give. "
    "Let us look at it together, slowly, and see what remains."
)


def quantiles(values: np.ndarray) -> Quantiles:
    return Quantiles(
        n=len(values),
        mean=float(values.mean()),
        sd=float(values.std(ddof=1)),
        probs=PROBS,
        values=tuple(float(v) for v in np.quantile(values, PROBS)),
    )


def histogram(label: str, values: np.ndarray, bins: int = 60) -> Histogram:
    counts, edges = np.histogram(values, bins=bins, range=tuple(np.quantile(values, [0.001, 0.999])))
    return Histogram(label=label, edges=tuple(map(float, edges)), counts=tuple(map(int, counts)))


def role_positions(n: int, rng: np.random.Generator) -> tuple[RolePosition, ...]:
    names = [(name, category) for category, names in CATEGORIES.items() for name in names]
    names += [
        (f"{adjective} {name}", category) for adjective in ("retired", "anxious", "rogue") for name, category in names
    ]
    chosen = names[:n]
    roles = []
    for name, category in chosen:
        at = LEAN[category] + rng.normal(0, 0.9)
        pc = (0.9 * at + 3.0 + rng.normal(0, 0.8), rng.normal(0.25 * len(category) - 2.0, 1.5))
        n_rollouts = int(rng.integers(6, 13))
        roles.append(
            RolePosition(
                name=name, category=category, n_rollouts=n_rollouts, projection=at, pc=(float(pc[0]), float(pc[1]))
            )
        )
    return tuple(roles)


def layer_checks(n: int, strength: float, rng: np.random.Generator) -> tuple[LayerCheck, ...]:
    checks = []
    for layer in range(n):
        depth = layer / n
        up = strength * (1 - np.exp(-4 * depth)) * (1 - 0.25 * max(0.0, depth - 0.75) / 0.25)
        auroc = float(np.clip(0.5 + 0.46 * up + rng.normal(0, 0.008), 0, 1))
        split = float(np.clip(0.72 * up + rng.normal(0, 0.012), -1, 1))
        checks.append(
            LayerCheck(
                layer=layer,
                auroc=auroc,
                auroc_ci=(max(0.0, auroc - 0.045), min(1.0, auroc + 0.035)),
                d_prime=float(3.1 * up + rng.normal(0, 0.06)),
                split_half=split,
                split_half_ci=(split - 0.11, min(1.0, split + 0.09)),
                random_auroc=0.66 + 0.02 * float(np.sin(layer)),
                pc1_share=0.22 + 0.2 * depth,
                cos_pc1=float(0.55 + 0.3 * up),
                norm=1.0 + 3 * depth,
            )
        )
    return tuple(checks)


def build_card(n_roles: int = 215, strength: float = 1.0, warnings: tuple[str, ...] = ()) -> AxisCard:
    rng = np.random.default_rng(11)
    tokens, responses = rng.normal(6.0, 2.4, 20_000) + rng.gamma(1.0, 0.5, 20_000), rng.normal(6.5, 0.62, 600)
    calibration = tuple(
        Calibration(
            layer=layer,
            token=quantiles(tokens * (0.4 + layer / 30)),
            response=quantiles(responses * (0.4 + layer / 30)),
        )
        for layer in range(N_LAYERS)
    )
    scale = 0.4 + READ_LAYER / 30
    return AxisCard(
        model="HuggingFaceTB/SmolLM2-135M-Instruct",
        weights_digest="ab" * 32,
        config_digest="cd" * 32,
        template_digest="ef" * 32,
        dtype="float32",
        n_layers=N_LAYERS,
        d_model=576,
        origin="fitted",
        package_version="0.1.0",
        created="2026-03-01T12:00:00Z",
        recommended_layer=READ_LAYER,
        hold_band=(14, 26),
        reason=f"block {READ_LAYER} has the highest lower bound of held-out AUROC among 27 of 30 reliable blocks.",
        layers=layer_checks(N_LAYERS, strength, rng),
        roles=role_positions(n_roles, rng),
        default_pc=(4.1, -0.6),
        default_rank=1 if strength > 0.5 else 14,
        calibration=calibration,
        histograms=(
            histogram("benign tokens", tokens * scale),
            histogram("benign responses", responses * scale, 30),
            histogram("role responses", rng.normal(4.0, 1.0, 2_000) * scale, 40),
        ),
        self_test=SelfTest(layer=READ_LAYER, default_mean=7.1, role_mean=4.3, passed=True),
        design=Design(
            preset="standard",
            seed=7,
            n_roles=n_roles,
            n_questions=12,
            n_defaults=5,
            max_new_tokens=64,
            temperature=0.7,
            top_p=0.95,
            batch_size=16,
            adherence="none",
            target_reliability=0.6,
            personas_digest="12" * 32,
        ),
        n_planned=2640,
        n_rollouts=1920,
        n_accepted=1811,
        n_tokens=109_254,
        seconds=1843.0,
        warnings=warnings,
    )


def build_reading(
    title: str = "A talk about the reader's inner life", *, drifting: bool = True, turns: int = 14, seed: int = 3
) -> Reading:
    rng = np.random.default_rng(seed)
    mean, sd = 6.5 * 1.1, 0.62 * 1.1
    words = TALK.split()
    read = []
    for k in range(1, turns + 1):
        n = int(rng.integers(40, 130))
        z = float(-0.4 * max(0, k - 4) * (1 if drifting else 0) + rng.normal(0, 0.45))
        values = mean + z * sd + rng.normal(0, 2.0, n)
        values += mean + z * sd - values.mean()
        tokens = tuple(
            Projection(text=(" " if i else "") + words[i % len(words)], value=float(v)) for i, v in enumerate(values)
        )
        read.append(
            TurnReading(
                turn=k,
                message=2 * k,
                n_tokens=n,
                projection=mean + z * sd,
                z=z,
                thinking_projection=None,
                by_layer=tuple(float(mean + z * sd) for _ in range(N_LAYERS)),
                tokens=tokens,
                excerpt=" ".join(words[:18]),
            )
        )
    return Reading(
        title=title,
        source="talks.jsonl:3",
        speaker="meta-llama/Llama-3.3-70B-Instruct",
        reader="HuggingFaceTB/SmolLM2-135M-Instruct",
        reader_is_speaker=False,
        axis_digest="9a" * 32,
        layer=READ_LAYER,
        turns=tuple(read),
        alarm_turn=9 if drifting else None,
        onset_turn=6 if drifting else None,
        rule="one-sided CUSUM on z, slack 0.5 sd, threshold 4 sd",
    )


@pytest.fixture(scope="session")
def card() -> AxisCard:
    return build_card()


@pytest.fixture(scope="session")
def no_axis_card() -> AxisCard:
    return build_card(
        n_roles=40,
        strength=0.02,
        warnings=(
            "NO AXIS FOUND: the split-half cosine's interval [-0.09, 0.11] touches zero; the direction is noise.",
            "DEFAULT NOT EXTREMAL: 13 of 40 roles project above the default assistant on held-out questions.",
        ),
    )


@pytest.fixture(scope="session")
def imported_card(card: AxisCard) -> AxisCard:
    """Every optional figure missing, no roles."""
    bare = tuple(
        LayerCheck(
            layer=layer, auroc=None, auroc_ci=None, d_prime=None, split_half=None, split_half_ci=None,
            random_auroc=None, pc1_share=None, cos_pc1=None, norm=1.0,
        )
        for layer in range(N_LAYERS)
    )  # fmt: skip
    return card.model_copy(
        update={
            "origin": "imported from capping.json; sides flipped to assistant-positive",
            "layers": bare, "roles": (), "default_pc": None, "default_rank": None, "calibration": (),
            "histograms": (), "self_test": None, "design": None, "floors": {14: -1.2, 15: -1.4},
            "n_planned": 0, "n_rollouts": 0, "n_accepted": 0, "n_tokens": 0, "seconds": 0.0,
            "warnings": ("NOT CALIBRATED: give --model to calibrate it.",),
        }
    )  # fmt: skip


@pytest.fixture(scope="session")
def readings() -> tuple[Reading, Reading]:
    return (
        build_reading(),
        build_reading("Planning a kitchen garden", drifting=False, turns=12, seed=5),
    )


@pytest.fixture(scope="session")
def make_card() -> Callable[..., AxisCard]:
    return build_card


@pytest.fixture(scope="session")
def make_reading() -> Callable[..., Reading]:
    return build_reading
