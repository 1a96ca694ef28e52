import hashlib
import subprocess
from pathlib import Path

import pytest

from holdtrue.errors import ArtifactError, StorageError
from holdtrue.evidence import load_key, load_public_key, make_key


def test_a_key_is_private_and_never_overwritten(tmp_path: Path) -> None:
    public = make_key(tmp_path / "keys" / "evaluator")
    assert (tmp_path / "keys" / "evaluator").stat().st_mode & 0o777 == 0o600
    assert load_key(tmp_path / "keys" / "evaluator").public == public
    assert load_public_key(tmp_path / "keys" / "evaluator.pub") == public
    before = (tmp_path / "keys" / "evaluator").read_bytes()
    with pytest.raises(StorageError, match="never overwritten"):
        make_key(tmp_path / "keys" / "evaluator")
    assert (tmp_path / "keys" / "evaluator").read_bytes() == before
    (tmp_path / "other.pub").write_text("somebody else's")
    with pytest.raises(StorageError, match=r"other\.pub: there already"):
        make_key(tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_the_key_does_not_show(tmp_path: Path) -> None:
    make_key(tmp_path / "k")
    key = load_key(tmp_path / "k")
    assert key.public.keyid in repr(key)
    assert "PRIVATE" not in repr(vars(key) if hasattr(key, "__dict__") else key)


def test_the_fingerprint_is_what_openssl_and_sha256sum_print(tmp_path: Path) -> None:
    public = make_key(tmp_path / "k")
    try:
        der = subprocess.run(
            ["openssl", "pkey", "-pubin", "-in", str(tmp_path / "k.pub"), "-outform", "DER"],
            capture_output=True,
            check=True,
        ).stdout
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("no openssl that knows Ed25519")
    assert hashlib.sha256(der).hexdigest() == public.keyid


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    make_key(tmp_path / "k")
    (tmp_path / "k").chmod(0o644)
    with pytest.raises(ArtifactError, match="mode 0644"):
        load_key(tmp_path / "k")


def test_other_files_are_no_keys_and_are_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "k").write_text("-----BEGIN PRIVATE KEY-----\nsecret stuff\n-----END PRIVATE KEY-----\n")
    (tmp_path / "k").chmod(0o600)
    with pytest.raises(ArtifactError) as caught:
        load_key(tmp_path / "k")
    assert "secret stuff" not in str(caught.value)
    make_key(tmp_path / "good")
    for path in (tmp_path / "k", tmp_path / "good"):
        with pytest.raises(ArtifactError, match="not an Ed25519 public key"):
            load_public_key(path)
    with pytest.raises(ArtifactError, match="can't read"):
        load_key(tmp_path / "none")
