"""The description of the API: as a page of ours, and as an OpenAPI document for tools."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from api.access import public
from api.openapi import document, operations_by_tag
from api.rendering import render

router = APIRouter(include_in_schema=False)


@router.get("/openapi.json")
@public()
def openapi(request: Request) -> Response:
    """The OpenAPI document."""
    return JSONResponse(document(request.app))


@router.get("/docs")
@public()
def docs(request: Request) -> Response:
    """The same for people."""
    return render("pages/docs.html", request, by_tag=operations_by_tag(document(request.app)))
