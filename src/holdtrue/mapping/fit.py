"""Map a model's persona: sample it, fit the axis, check it, calibrate it, keep it."""

import importlib.metadata
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import Float
from torch import Tensor

from holdtrue.axis import Axis, assess, calibrate, load_axis, save_axis, unit
from holdtrue.engines import Engine
from holdtrue.engines.hf import HFEngine
from holdtrue.errors import EvidenceError, SettingError
from holdtrue.mapping.adherence import choose_adherence
from holdtrue.mapping.card import Benign, build_axis
from holdtrue.models import ChatModel
from holdtrue.personas import PersonaSet, load_benign, load_personas
from holdtrue.records import Design
from holdtrue.rollouts import (
    Plan,
    Preset,
    Progress,
    RunFolder,
    RunRecord,
    benign_talks,
    build_plan,
    derive_seed,
    run_plan,
)
from holdtrue.rollouts import preset as preset_named

__all__ = ["calibrate_model", "encoder", "fit"]

Vectors = Float[Tensor, "n_layers d_model"]


def fit(
    model: ChatModel,
    out: Path | str,
    *,
    preset: str | Preset = "quick",
    roles: Path | None = None,
    questions: Path | None = None,
    defaults: Path | None = None,
    adherence: str = "pmi",
    seed: int = 0,
    engine: Engine | None = None,
    report: Callable[[Progress], None] = lambda progress: None,
) -> Axis:
    """Fit, check and calibrate the assistant axis of a model, and save it.

    `A[l] = mean over default rollouts - mean over role vectors` of response means of `resid_post[l]`
    (arXiv 2601.10387). The folder resumes after any interruption; a finished one is loaded.

    Args:
        model: a loaded chat model.
        out: folder of the run and the artifact.
        preset: `smoke`, `quick`, `full`, or sizes of your own.
        roles: a role set of your own; the built-in one if None.
        questions: questions of your own.
        defaults: default prompts of your own.
        adherence: `pmi`, `none` or `judge:MODEL`.
        seed: of every draw.
        engine: runs the model; transformers if None.
        report: called after every batch.

    Returns:
        The axis; `axis.found` is False, and its warnings say why, when it is noise.

    Raises:
        ArtifactError: the folder holds a finished axis that is damaged.
        EvidenceError: too few roles were played for an axis at all.
        JudgeError: the judge model failed; its scores so far are kept.
        MissingExtra: a judge was asked for without the `judge` extra.
        PersonaError: a persona file is malformed.
        RunError: the folder holds another run.
        SettingError: an argument has an impossible value.
        StorageError: the disk is full; what is finished is safe.
    """
    size = preset_named(preset) if isinstance(preset, str) else preset
    personas = _cut(load_personas(roles, questions, defaults), size, seed)
    runner = engine or HFEngine(model)
    plan = build_plan(personas, size, encoder(model), seed)
    _check_length(model, plan, size)
    record = RunRecord(
        design=_design(personas, size, adherence, seed),
        model=model.name,
        weights_digest=model.weights_digest,
        template_digest=model.template.digest,
        dtype=str(model.dtype).removeprefix("torch."),
        device=model.device.type,
        n_layers=model.n_layers,
        package_version=importlib.metadata.version("holdtrue"),
        seconds=0.0,
    )
    with RunFolder(Path(out), record) as folder:
        if (folder.path / "axis.json").exists():
            return load_axis(folder.path)
        check = choose_adherence(adherence, runner, plan, folder.path, seed)
        result = run_plan(runner, plan, size, check, folder.path, seed=seed, report=_timed(folder, report))
        assessment = assess(result.cells, np.random.default_rng(derive_seed(seed, "checks")))
        try:
            benign = calibrate_model(model, runner, assessment.raw.axis, size, seed)
        except EvidenceError as error:
            # A model that hardly speaks still has a map worth looking at, without floors.
            benign = Benign((), (), f"NOT CALIBRATED: {error}")
        axis = build_axis(model, record.design, plan, result, assessment, benign, folder.seconds)
        save_axis(axis, folder.path)
        result.clear()
    return axis


def _timed(folder: RunFolder, report: Callable[[Progress], None]) -> Callable[[Progress], None]:
    """Book the time of every batch, so that a run of several sittings knows its length."""
    last = time.monotonic()

    def tick(progress: Progress) -> None:
        nonlocal last
        now = time.monotonic()
        folder.spend(now - last)
        last = now
        report(progress)

    return tick


def _check_length(model: ChatModel, plan: Plan, size: Preset) -> None:
    cells = (cell for round_ in plan.rounds for batch in round_ for cell in batch.cells)
    longest = max(len(cell.prompt_token_ids) for cell in cells)
    needed = longest + size.max_new_tokens + 1
    if model.max_positions is not None and needed > model.max_positions:
        message = (
            f"{model.name} takes at most {model.max_positions} tokens, the longest prompt and its answer need "
            f"{needed}; use shorter prompts (--roles, --questions) or a model of longer context"
        )
        raise SettingError(message)


def encoder(model: ChatModel) -> Callable[[str | None, str], tuple[int, ...]]:
    """How a model's chat template turns (system prompt or None, user message) into prompt token ids."""

    def encode(system: str | None, text: str) -> tuple[int, ...]:
        messages = [{"role": "system", "content": system}] if system else []
        return tuple(model.template.encode([*messages, {"role": "user", "content": text}], add_generation_prompt=True))

    return encode


def calibrate_model(model: ChatModel, engine: Engine, vectors: Vectors, size: Preset, seed: int) -> Benign:
    """Answer ordinary requests as the default assistant and see where the tokens project.

    Args:
        model: whose template renders the requests.
        engine: answers and reads.
        vectors: the axis, any length.
        size: how many requests, how long the answers.
        seed: of the draws.

    Raises:
        EvidenceError: the model says too little.
    """
    asked = load_benign()[: size.benign_prompts]
    talks = tuple(
        benign_talks(
            engine,
            model.template,
            [each.text for each in asked],
            unit(vectors),
            max_new_tokens=size.benign_tokens,
            temperature=size.temperature,
            seed=seed,
        )
    )
    return Benign(calibrate([answer for talk in talks for answer in talk]), talks)


def _cut(personas: PersonaSet, size: Preset, seed: int) -> PersonaSet:
    n_roles = len(personas.roles) if size.n_roles is None else size.n_roles
    n_questions = len(personas.questions) if size.n_questions is None else size.n_questions
    return personas.subset(n_roles, n_questions, seed)


def _design(personas: PersonaSet, size: Preset, adherence: str, seed: int) -> Design:
    return Design(
        preset=size.name,
        seed=seed,
        n_roles=len(personas.roles),
        n_questions=len(personas.questions),
        n_defaults=len(personas.defaults),
        max_new_tokens=size.max_new_tokens,
        temperature=size.temperature,
        top_p=size.top_p,
        batch_size=size.batch_size,
        adherence=adherence,
        target_reliability=size.target_reliability,
        personas_digest=personas.digest,
    )
