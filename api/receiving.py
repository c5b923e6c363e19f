"""What came with a request, read within bounds before the endpoint runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException

MOST_FIELDS, MOST_FILES, LONGEST_PART = 300, 2, 80_000
"""Of one form; the part in bytes. A file is bounded by the whole request."""


@dataclass(frozen=True)
class Received:
    """What came with a request: the raw body of the API, or the fields and files of a form."""

    body: bytes = b""
    fields: Mapping[str, Sequence[str]] = field(default_factory=dict)
    files: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)


async def receive(request: Request) -> Received:
    """Read what came, within bounds. Raises HTTPException 400 for a form that cannot be read, 415 for another type."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return Received()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return Received(body=await request.body())
    try:
        sent = await request.form(max_files=MOST_FILES, max_fields=MOST_FIELDS, max_part_size=LONGEST_PART)
    except (MultiPartException, HTTPException) as problem:
        if isinstance(problem, HTTPException) and problem.status_code == 413:
            raise
        raise HTTPException(400, "This form could not be read.") from problem
    fields: dict[str, list[str]] = {}
    files: dict[str, tuple[str, bytes]] = {}
    for name, value in sent.multi_items():
        if isinstance(value, UploadFile):
            files[name] = (value.filename or "", await value.read())
        else:
            fields.setdefault(name, []).append(value)
    await sent.close()
    return Received(fields=fields, files=files)
