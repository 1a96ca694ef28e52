import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from holdtrue.config import settings
from holdtrue.errors import SettingError


def test_the_default_cache_honours_xdg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOLDTRUE_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert settings().cache_dir == tmp_path / ".cache" / "holdtrue"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert settings().cache_dir == tmp_path / "xdg" / "holdtrue"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert settings().cache_dir == tmp_path / ".cache" / "holdtrue"
    assert settings().offline is False


def test_the_environment_wins_over_toml_and_toml_over_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "h.toml").write_text('cache_dir = "beside"\noffline = true\n')
    monkeypatch.setenv("HOLDTRUE_CONFIG", str(tmp_path / "sub" / "h.toml"))
    assert settings().offline is True
    assert settings().cache_dir == tmp_path / "cache"
    monkeypatch.delenv("HOLDTRUE_CACHE")
    assert settings().cache_dir == tmp_path / "sub" / "beside"
    monkeypatch.setenv("HOLDTRUE_OFFLINE", "false")
    assert settings().offline is False


def test_the_working_folder_s_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "holdtrue.toml").write_text("offline = true")
    assert settings().offline is True


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("ofline = true", "unknown key 'ofline'; did you mean 'offline'"),
        ("offline = [1]", r"TOML key for offline is \[1\]"),
        ("cache_dir = 3", "TOML key for cache_dir is 3"),
        ("offline =", "can't be read"),
    ],
)
def test_bad_toml_is_a_setting_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, match: str) -> None:
    (tmp_path / "holdtrue.toml").write_text(text)
    monkeypatch.delenv("HOLDTRUE_CACHE")
    with pytest.raises(SettingError, match=match):
        settings()


def test_bad_environment_is_a_setting_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDTRUE_OFFLINE", "perhaps")
    with pytest.raises(SettingError, match="HOLDTRUE_OFFLINE for offline is 'perhaps'"):
        settings()
    monkeypatch.delenv("HOLDTRUE_OFFLINE")
    monkeypatch.setenv("HOLDTRUE_CONFIG", str(tmp_path / "none.toml"))
    with pytest.raises(SettingError, match=r"none\.toml' can't be read"):
        settings()


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        settings().offline = True


def test_reading_settings_loads_no_torch() -> None:
    program = "import sys, holdtrue.config; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, env={"PYTHONPATH": ":".join(sys.path)})
