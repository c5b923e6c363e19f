"""Where each role begins."""

from __future__ import annotations

from collections.abc import Container

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from api.access import signed_in
from api.deps import Me
from domain.vocabulary import Role

router = APIRouter()

FIRST_PAGES: dict[Role, str] = {
    Role.BRIDGER: "/today",
    Role.CLINICIAN: "/escalations",
    Role.SUPERVISOR: "/board",
    Role.MANAGER: "/board",
    Role.PLANNER: "/referrals",
    Role.ADMIN: "/staff",
    Role.PRIVACY: "/privacy",
}
"""The first of these roles that somebody has decides where they begin."""


@router.get("/")
@signed_in()
def home(request: Request, me: Me) -> Response:
    """The first page of whoever is signed in."""
    return RedirectResponse(first_page(me.roles), status_code=303)


def first_page(roles: Container[str]) -> str:
    """Where somebody with these roles begins."""
    return next((path for role, path in FIRST_PAGES.items() if role.value in roles), "/notifications")
