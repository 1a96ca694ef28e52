"""An OpenSSF model signature over the weights themselves: optional, by the `model-signing` package.

https://github.com/sigstore/model-transparency. It signs every file of a model's folder with an elliptic-curve key
(P-256), another kind than a bundle's. Put the signature into the run's folder as `weights.sig` before sealing, and the
bundle binds it.
"""

from pathlib import Path
from typing import Any

from holdtrue.errors import ArtifactError, MissingExtra

__all__ = ["sign_weights", "verify_weights"]


def sign_weights(model: Path, private_key: Path, signature: Path) -> None:
    """Sign all files of a model.

    Args:
        model: its folder, or a single file.
        private_key: PEM of an elliptic-curve key, as `openssl ecparam -name prime256v1 -genkey -noout` makes one.
        signature: the file to write, outside the model's folder.

    Raises:
        ArtifactError: the key or the model can't be used.
        MissingExtra: the package isn't installed.
    """
    signing = _module("signing")
    try:
        signing.Config().use_elliptic_key_signer(private_key=private_key).sign(model, signature)
    except (ValueError, TypeError, OSError) as error:
        message = f"{model}: not signed ({error}); give a model's folder and an elliptic-curve key in PEM"
        raise ArtifactError(message) from None


def verify_weights(model: Path, public_key: Path, signature: Path) -> None:
    """Check that a model's files are those that were signed; returns if they are.

    Args:
        model: its folder, or a single file.
        public_key: PEM, got from a place other than the bundle.
        signature: from `sign_weights`.

    Raises:
        ArtifactError: a file is missing, added or changed, or it is another key's signature.
        MissingExtra: the package isn't installed.
    """
    verifying = _module("verifying")
    try:
        verifying.Config().use_elliptic_key_verifier(public_key=public_key).verify(model, signature)
    except Exception as error:  # noqa: BLE001 - the library raises what its parsers raise
        message = (
            f"{model}: not what {signature.name} signs ({' '.join(str(error).split())[:200]}); get the signed weights"
        )
        raise ArtifactError(message) from None


def _module(name: str) -> Any:
    from importlib import import_module

    try:
        return import_module(f"model_signing.{name}")
    except ImportError:
        message = "signing weights needs the 'model-signing' package; pip install 'holdtrue[model-signing]'"
        raise MissingExtra(message) from None
