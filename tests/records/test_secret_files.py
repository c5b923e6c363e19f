"""Secrets as files: read from those that their owner alone may read, and from no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from records.secret_files import SecretFile
from records.settings import Settings


@pytest.fixture
def secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with a secret key in it, named in the environment."""
    path = tmp_path / "secret-key"
    path.write_text("kept-apart\n")
    path.chmod(0o600)
    monkeypatch.delenv("FOOTBRIDGE_SECRET_KEY", raising=False)
    monkeypatch.setenv("FOOTBRIDGE_SECRET_KEY_FILE", str(path))
    return path


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_secret_comes_from_its_file(secret: Path, mode: int) -> None:
    secret.chmod(mode)
    assert Settings().secret_key.get_secret_value() == "kept-apart"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o620])
def test_a_file_that_others_may_read_is_refused(secret: Path, mode: int) -> None:
    secret.chmod(mode)
    with pytest.raises(SecretFile, match=f"mode {mode:04o}.*chmod 600") as refused:
        Settings()
    assert "kept-apart" not in str(refused.value)


def test_what_cannot_be_read_is_said(secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret.write_text("\n")
    with pytest.raises(SecretFile, match="is empty"):
        Settings()
    secret.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(SecretFile, match="no text"):
        Settings()
    secret.unlink()
    with pytest.raises(SecretFile, match="No such file"):
        Settings()


def test_a_secret_is_given_one_way(secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTBRIDGE_SECRET_KEY", "another")
    with pytest.raises(SecretFile, match="both given"):
        Settings()


def test_the_address_of_the_database_holds_a_secret_too(secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret.write_text("postgresql://one:two@records.example/footbridge")
    monkeypatch.delenv("FOOTBRIDGE_SECRET_KEY_FILE")
    monkeypatch.setenv("FOOTBRIDGE_DATABASE_URL_FILE", str(secret))
    assert Settings().database_url.startswith("postgresql://one:two@")


def test_what_is_no_secret_has_no_file(secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTBRIDGE_SMTP_HOST_FILE", str(secret))
    with pytest.raises(SecretFile, match="FOOTBRIDGE_SMTP_HOST_FILE: only secrets"):
        Settings()
