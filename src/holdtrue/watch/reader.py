"""Read a conversation with a model: projections per token and per turn."""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from holdtrue.axis import Axis
from holdtrue.engines import Engine
from holdtrue.errors import TranscriptError, WrongModel
from holdtrue.models import ChatModel, ReadPass, TurnSpan, read_passes
from holdtrue.records import Projection, Transcript, TurnReading
from holdtrue.watch.drift import find_onset
from holdtrue.watch.trajectory import Trajectory
from holdtrue.watch.tuning import drift_rule

__all__ = ["Reader", "check_axis"]

EXCERPT_CHARACTERS = 160


def check_axis(model: ChatModel, axis: Axis) -> None:
    """Refuse an axis that can't read with a model.

    Raises:
        ArtifactError: the axis failed its sign self-test.
        WrongModel: the axis belongs to another model or chat template.
    """
    axis.check_sign()
    axis.check_model(model.weights_digest, model.n_layers, model.d_model, model.name)
    if axis.card.template_digest != model.template.digest:
        message = (
            f"{model.name} renders chats by another template than the axis was fitted and calibrated with; "
            "give --template the one of the fit, or fit again"
        )
        raise WrongModel(message)


@final
class Reader:
    """A model and its axis, reading text teacher-forced; the text may be anybody's.

    Args:
        model: the axis's own model.
        engine: runs it.
        axis: fitted on that model.

    Raises:
        ArtifactError: the axis failed its sign self-test.
        WrongModel: the axis belongs to another model or chat template.
    """

    def __init__(self, model: ChatModel, engine: Engine, axis: Axis) -> None:
        check_axis(model, axis)
        self._model, self._engine, self._axis = model, engine, axis
        self._axis_digest = axis.card.digest
        self.rule = drift_rule(axis.card)

    def read(self, transcript: Transcript) -> Trajectory:
        """Project every assistant turn of a conversation.

        Raises:
            TranscriptError: the conversation is longer than the model's context.
        """
        passes = read_passes(self._model.template, transcript.messages())
        turns: list[TurnReading] = []
        for read_pass in passes:
            self._check_length(read_pass, transcript)
            projections = self._engine.project(read_pass.token_ids, self._axis.units)
            turns += [self._turn(span, read_pass, projections, transcript) for span in read_pass.turns]
        turns.sort(key=lambda turn: turn.message)
        turns = [turn.model_copy(update={"turn": number}) for number, turn in enumerate(turns, start=1)]
        drift = find_onset([turn.z for turn in turns], self.rule)
        speaker = transcript.model
        return Trajectory(
            title=transcript.title,
            source=transcript.source,
            speaker=speaker,
            reader=self._model.name,
            reader_is_speaker=speaker is not None and speaker in (self._model.name, self._model.spec),
            axis_digest=self._axis_digest,
            layer=self._axis.layer,
            turns=tuple(turns),
            alarm_turn=drift.alarm_turn,
            onset_turn=drift.onset_turn,
            rule=self.rule.text,
        )

    def resid_mean(self, transcript: Transcript) -> Float[Tensor, " d_model"]:
        """Residual stream at the read layer, averaged over each turn's answer tokens and then over the turns, in fp32.

        Raises:
            TranscriptError: the conversation is longer than the model's context, or every answer in it is empty.
        """
        means: list[Tensor] = []
        for read_pass in read_passes(self._model.template, transcript.messages()):
            self._check_length(read_pass, transcript)
            stream = self._engine.resid(read_pass.token_ids, self._axis.layer)
            means += [stream[list(span.answer)].mean(dim=0) for span in read_pass.turns if span.answer]
        if not means:
            message = f"{transcript.source}: every answer is empty, so there is nothing to compare; leave it out"
            raise TranscriptError(message)
        return torch.stack(means).mean(dim=0)

    def _check_length(self, read_pass: ReadPass, transcript: Transcript) -> None:
        limit = self._model.max_positions
        if limit is not None and len(read_pass.token_ids) > limit:
            message = (
                f"{transcript.source}: {len(read_pass.token_ids)} tokens, {self._model.name} reads at most {limit}; "
                "cut the conversation, or read it with a model of longer context"
            )
            raise TranscriptError(message)

    def _turn(
        self,
        span: TurnSpan,
        read_pass: ReadPass,
        projections: Float[Tensor, "n_layers tokens"],
        transcript: Transcript,
    ) -> TurnReading:
        layer = self._axis.layer
        answer, thinking = list(span.answer), list(span.thinking)
        content = transcript.turns[span.turn].content
        by_layer = projections[:, answer].mean(dim=1) if answer else torch.zeros(0)
        projection = float(by_layer[layer]) if answer else None
        texts = self._model.tokenizer.convert_ids_to_tokens([read_pass.token_ids[i] for i in answer])
        words = [self._model.tokenizer.convert_tokens_to_string([text]) for text in texts]
        return TurnReading(
            turn=1,
            message=span.turn,
            n_tokens=len(answer),
            projection=projection,
            z=self._z(projection),
            thinking_projection=float(projections[layer, thinking].mean()) if thinking else None,
            by_layer=tuple(by_layer.tolist()),
            tokens=tuple(
                Projection(text=word, value=float(value))
                for word, value in zip(words, projections[layer, answer], strict=True)
            ),
            excerpt=content[:EXCERPT_CHARACTERS] + ("…" if len(content) > EXCERPT_CHARACTERS else ""),
        )

    def _z(self, projection: float | None) -> float | None:
        if projection is None or not self._axis.card.calibration:
            return None
        return self._axis.z(projection)
