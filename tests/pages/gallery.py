"""The component gallery as a small application: what tests fetch and photograph."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

from api.headers import SecurityHeaders
from api.rendering import Flash, render
from api.static_files import static_app
from domain.vocabulary import Role

NOW = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)  # noon in Chicago
ZONE = "America/Chicago"
PATHS = ["/gallery/bridger", "/gallery/manager", "/sign-in", "/error"]


@dataclass(frozen=True)
class Somebody:
    """A member of staff as the frame needs one."""

    name: str = "Lee Pretend"
    roles: list[str] = field(default_factory=lambda: [Role.BRIDGER])


def gallery_context() -> dict[str, Any]:
    """Instants around `NOW` and a birth date, for the invented people of the gallery."""
    hours = {"late": -13 / 6, "soon": 3, "far": 74, "earlier": -26, "start": -80}
    return {
        "now": NOW,
        "zone": ZONE,
        "at": {name: NOW + timedelta(hours=offset) for name, offset in hours.items()},
        "dates": {"born": date(1985, 3, 4)},
    }


def gallery_app() -> FastAPI:
    """Pages of the frame without records or sign-in: `/gallery/{role}`, `/sign-in`, `/error`, and the static files."""
    app = FastAPI()
    app.add_middleware(SecurityHeaders)
    app.mount("/static", static_app)

    @app.get("/gallery/{role}")
    def gallery(request: Request, role: Role) -> HTMLResponse:
        request.state.me = Somebody(roles=[role])
        request.state.csrf_token = "gallery"
        request.state.badges = {"/offers": 2, "/escalations": 3}
        request.state.flash = [Flash("done", "Saved. Dana Sample can see it now."), Flash("note", "You are covering.")]
        errors = {"minutes": "Minutes are a number from 1 to 600.", "born_on": "There is no month 13."}
        return render("pages/components.html", request, errors=errors, **gallery_context())

    @app.get("/sign-in")
    def sign_in(request: Request) -> HTMLResponse:
        request.state.csrf_token = "gallery"
        users = [{"email": "bridger1@footbridge.example", "does": "Peer bridger, on a phone"}]
        return render("pages/sign_in.html", request, demonstration_users=users, password_hint="Any password of these.")

    @app.get("/error")
    def error(request: Request) -> HTMLResponse:
        request.state.me = Somebody()
        request.state.csrf_token = "gallery"
        context = {
            "title": "Somebody else answered this offer first",
            "sentence": "Ari Madeup accepted it at 11:58 am. Nothing was lost, and there is nothing you need to undo.",
            "allowed": ["See the offers that are still open to you.", "Ask your supervisor if you expected this one."],
            "next": [{"label": "See open offers", "href": "/offers"}, {"label": "Go to Today", "href": "/today"}],
            "reference": "7F3K-22QD",
        }
        return render("pages/error.html", request, status=409, **context)

    return app
