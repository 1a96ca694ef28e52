import subprocess
import sys
from pathlib import Path

import pytest

from holdtrue.errors import ArtifactError, MissingExtra
from holdtrue.evidence.model_signature import sign_weights, verify_weights


def test_without_the_package_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("model_signing", "model_signing.signing", "model_signing.verifying"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtra, match=r"pip install 'holdtrue\[model-signing\]'"):
        sign_weights(tmp_path, tmp_path / "k", tmp_path / "s")
    with pytest.raises(MissingExtra):
        verify_weights(tmp_path, tmp_path / "k", tmp_path / "s")


def test_changed_weights_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("model_signing")
    model, key, public = tmp_path / "model", tmp_path / "k.pem", tmp_path / "k.pub"
    model.mkdir()
    (model / "model.safetensors").write_bytes(bytes(1000))
    command = ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(key)]
    subprocess.run(command, check=True, capture_output=True)
    subprocess.run(["openssl", "ec", "-in", str(key), "-pubout", "-out", str(public)], check=True, capture_output=True)
    sign_weights(model, key, tmp_path / "weights.sig")
    verify_weights(model, public, tmp_path / "weights.sig")
    (model / "model.safetensors").write_bytes(bytes(999) + b"\x01")
    with pytest.raises(ArtifactError, match=r"not what weights\.sig signs"):
        verify_weights(model, public, tmp_path / "weights.sig")
    with pytest.raises(ArtifactError, match="not signed"):
        sign_weights(model, tmp_path / "none.pem", tmp_path / "other.sig")
