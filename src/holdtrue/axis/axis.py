"""The axis as users hold it: tensors, card, projections and floors."""

from dataclasses import dataclass
from functools import cached_property
from typing import final

from jaxtyping import Float
from torch import Tensor

from holdtrue.axis.calibrate import floor_for, z_score
from holdtrue.axis.fit import unit
from holdtrue.errors import ArtifactError, EvidenceError, SettingError, WrongModel
from holdtrue.records import AxisCard, Calibration

__all__ = ["Axis"]


@final
@dataclass(frozen=True, eq=False)
class Axis:
    """The assistant axis of one model: a direction per layer, pointing at the assistant.

    `projection = <h, vectors[layer] / |vectors[layer]|>`, and larger means more assistant-like.
    """

    vectors: Float[Tensor, "n_layers d_model"]
    """Unnormalised, fp32, at the output of each decoder block."""
    default_mean: Float[Tensor, "n_layers d_model"] | None
    role_means: Float[Tensor, "n_roles n_layers d_model"] | None
    card: AxisCard

    @property
    def n_layers(self) -> int:
        """Decoder blocks."""
        return self.vectors.shape[0]

    @property
    def d_model(self) -> int:
        """Width of the residual stream."""
        return self.vectors.shape[1]

    @property
    def layer(self) -> int:
        """The recommended layer to read."""
        return self.card.recommended_layer

    @cached_property
    def units(self) -> Float[Tensor, "n_layers d_model"]:
        """Unit vectors, fp32."""
        return unit(self.vectors)

    @property
    def found(self) -> bool:
        """False when the fit's checks say that the direction is noise or points the wrong way, or were not possible.

        An imported axis was never fitted here: it is taken at its word, and its warnings say so.
        """
        check = self.card.read_check
        measured = check is not None and check.measured
        return not self.card.objections() and (measured or self.card.origin != "fitted")

    def project(self, stream: Float[Tensor, "*pos d_model"], layer: int | None = None) -> Float[Tensor, "*pos"]:
        """`<h, v>` in fp32 for residual-stream states `h` of one layer.

        Args:
            stream: output of the decoder block, any leading shape.
            layer: the recommended one unless said.
        """
        vector = self.units[self._known(layer)].to(stream.device)
        return stream.float() @ vector

    def calibration(self, layer: int | None = None) -> Calibration:
        """Quantiles of benign talk at a layer.

        Raises:
            EvidenceError: the axis was imported, or its calibration failed.
        """
        at = self._known(layer)
        if not self.card.calibration:
            message = (
                f"the axis of {self.card.model} has no calibration, so it has no floors or z-scores; "
                "fit it with `holdtrue axis fit`, or import it with `--model` to calibrate it"
            )
            raise EvidenceError(message)
        return self.card.calibration[at]

    def tau_for(self, fire: float, layer: int | None = None) -> float:
        """The floor that would touch a share `fire` of benign tokens at a layer.

        Raises:
            ArtifactError: the axis failed its sign self-test.
            EvidenceError: the axis has no calibration.
            SettingError: `fire` isn't strictly between 0 and 1.
        """
        self.check_sign()
        return floor_for(self.calibration(layer), fire)

    def z(self, projection: float, layer: int | None = None) -> float:
        """A response mean against benign response means, in standard deviations; negative is less assistant-like."""
        return z_score(self.calibration(layer), projection)

    def check_sign(self) -> None:
        """Refuse an axis that failed its self-test: floors on it would push away from the assistant.

        Raises:
            ArtifactError: default responses don't project above role responses on it.
        """
        test = self.card.self_test
        if test is not None and not test.passed:
            message = (
                f"the axis of {self.card.model} failed its sign self-test (default {test.default_mean:.2f}, roles "
                f"{test.role_mean:.2f} at block {test.layer}); fit it again with a larger preset"
            )
            raise ArtifactError(message)

    def check_model(self, weights_digest: str, n_layers: int, d_model: int, name: str) -> None:
        """Refuse a model other than the one the axis was fitted on.

        Raises:
            WrongModel: shapes or weights differ.
        """
        if (n_layers, d_model) != (self.n_layers, self.d_model):
            message = (
                f"{name} has {n_layers} blocks of width {d_model}, the axis of {self.card.model} has "
                f"{self.n_layers} of {self.d_model}; fit one for this model with `holdtrue axis fit {name} --out DIR`"
            )
            raise WrongModel(message)
        if weights_digest != self.card.weights_digest:
            theirs = f"{self.card.weights_digest[:12]}…" if self.card.weights_digest else "without a digest"
            message = (
                f"{name} has weights {weights_digest[:12]}…, the axis was fitted on {self.card.model} "
                f"{theirs}; load that model, or fit again with `holdtrue axis fit`"
            )
            raise WrongModel(message)

    def _known(self, layer: int | None) -> int:
        at = self.layer if layer is None else layer
        if not 0 <= at < self.n_layers:
            message = f"layer {at} is not among blocks 0-{self.n_layers - 1} of {self.card.model}"
            raise SettingError(message)
        return at

    def _repr_html_(self) -> str:
        from holdtrue.report import axis_html

        return str(axis_html(self.card))
