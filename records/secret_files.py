"""Secrets from files: `FOOTBRIDGE_SECRET_KEY_FILE=/run/secrets/footbridge-key` in place of `FOOTBRIDGE_SECRET_KEY`.

A file that others than its owner may read is refused, as `ssh` does with keys: what anybody on the machine can read is
no secret.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import PydanticBaseSettingsSource

PREFIX, SUFFIX = "FOOTBRIDGE_", "_FILE"
ALSO = ("database_url",)
"""Settings that are no secret in whole, and hold one."""
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class SecretFile(Exception):
    """Why a file with a secret is not read, in a sentence. It never holds what the file does."""


class SecretFiles(PydanticBaseSettingsSource):
    """The settings that are given as files."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """What the file of one setting holds; None when there is none. Raises SecretFile."""
        variable = f"{PREFIX}{field_name.upper()}"
        path = os.environ.get(f"{variable}{SUFFIX}", "")
        if not path or not (field.annotation is SecretStr or field_name in ALSO):
            return None, field_name, False
        if os.environ.get(variable):
            raise SecretFile(f"{variable} and {variable}{SUFFIX} are both given. Leave one of them out.")
        return read_secret(Path(path), f"{variable}{SUFFIX}"), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Every setting that is given as a file. Raises SecretFile."""
        found = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        given = {name: value for name, value in found.items() if value is not None}
        for variable, path in os.environ.items():
            is_file = bool(path) and variable.startswith(PREFIX) and variable.endswith(SUFFIX)
            if is_file and variable[len(PREFIX) : -len(SUFFIX)].lower() not in given:
                raise SecretFile(f"{variable}: only secrets are given as files. Leave it out.")
        return given


def read_secret(path: Path, variable: str) -> str:
    """What the file holds, without the line's end. Raises SecretFile unless its owner alone may read it."""
    try:
        mode = path.stat().st_mode
        if mode & _OTHERS:
            raise SecretFile(
                f"{variable}: others than its owner may read {path} (mode {stat.S_IMODE(mode):04o}). "
                f"Run: chmod 600 {path}"
            )
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SecretFile(f"{variable}: {path} cannot be read: {said}.") from error
    if not text:
        raise SecretFile(f"{variable}: {path} is empty.")
    return text
