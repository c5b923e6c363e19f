"""Stylesheets and scripts under an address that changes when they do, so that browsers may keep them for ever."""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path

from fastapi import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC_DIR = Path(__file__).parent / "static"
IMMUTABLE = "public, max-age=31536000, immutable"
SHORT = "public, max-age=60"


@cache
def version() -> str:
    """Twelve hex digits over every file in `static/`. One for the whole folder, so that files may name each other."""
    digest = hashlib.sha256()
    for path in sorted(STATIC_DIR.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(STATIC_DIR).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@cache
def static(path: str) -> str:
    """The address of a file in `static/`: `static("footbridge.css")`. Raises FileNotFoundError for one not there."""
    if not (STATIC_DIR / path).is_file():
        raise FileNotFoundError(f"no such file in api/static: {path}")
    return f"/static/{version()}/{path}"


class VersionedFiles(StaticFiles):
    """Serves `/static/<version>/<path>`. During a deploy another version's address answers too, but is not kept."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC_DIR)

    def get_path(self, scope: Scope) -> str:
        _, _, path = super().get_path(scope).partition(os.sep)
        return path

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        is_current = f"/{version()}/" in scope["path"]
        response.headers["Cache-Control"] = IMMUTABLE if is_current else SHORT
        return response


static_app = VersionedFiles()
