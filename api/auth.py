"""Who is there: a session cookie on pages, a bearer token for programs, never one in place of the other.

The cookie holds a random token, the records its hash; signing out or disabling somebody ends it at once.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from fastapi import Request, Response
from sqlmodel import Session

from api.forms import CSRF_FIELD
from api.headers import is_over_https
from domain.errors import NotAllowed
from records.access import Actor, actor_of
from records.commands import sessions, sign_in, systems
from records.commands.guessing import DEVICE_KNOWN_FOR, Source, slow_down
from records.commands.systems import System
from records.settings import get_settings
from records.tables import Facility, Program, Staff

MACHINE_PATHS = ("/api/", "/fhir/", "/gateway/")
CSRF_HEADER = "x-csrf-token"
BY_ITSELF = "x-by-itself"
"""A page that refreshes itself says so: nobody has touched it."""
FROM_ELSEWHERE = "from_elsewhere"
NO_TOKEN = "sign_in"  # noqa: S105 (a code, no secret)
TOKEN_UNKNOWN = "token_unknown"  # noqa: S105 (a code, no secret)
DEVICE_SECONDS = int(DEVICE_KNOWN_FOR.total_seconds())
_OURS = frozenset({"same-origin", "none"})  # `none`: the person typed the address or used a bookmark


class SignInNeeded(Exception):
    """Nobody is signed in. `had_session`: somebody was, and it ended. `code`: what is wrong with a bearer token."""

    def __init__(self, *, had_session: bool = False, code: str = NO_TOKEN) -> None:
        super().__init__("sign in first")
        self.had_session = had_session
        self.code = code
        self.kept = ""  # what was sent meanwhile, by its id
        self.wait = 0  # seconds in which another unknown token is not even counted


@dataclass(frozen=True)
class SignedIn:
    """The member of staff who is signed in, or the system that came with its token; and the same as an actor.

    Who they are is read from the actor: the row is gone when a transaction broke, and the page that says so needs it.
    """

    holder: Staff | System
    actor: Actor
    program: Program
    zone: str
    roles: Sequence[str]
    """In the order in which they were given: the first says which page is theirs."""

    @property
    def staff(self) -> Staff:
        """The member of staff. Pages ask, and no system comes to a page."""
        assert isinstance(self.holder, Staff)
        return self.holder

    @property
    def system(self) -> System | None:
        """The other organization's system that came; None for people."""
        return self.holder if isinstance(self.holder, System) else None

    @property
    def id(self) -> str:
        """The id of the member of staff, or of the system's token."""
        return self.actor.id

    @property
    def name(self) -> str:
        """The full name, for the frame."""
        return self.actor.name

    def may(self, action: str) -> bool:
        """Whether their roles allow an action of domain/access.py: to show a button or not."""
        return self.actor.may(action)


def is_for_machines(request: Request) -> bool:
    """Whether this address belongs to the API, FHIR or a gateway, where cookies do not count."""
    path: str = request.scope["path"]
    return path.startswith(MACHINE_PATHS)


def is_secure(request: Request) -> bool:
    """Whether the browser came over https, directly or by a proxy in front."""
    return is_over_https(request.url.scheme)


def cookie_name(request: Request, purpose: str = "session") -> str:
    """The name of one of our cookies. Over https `__Host-` binds it to this host alone."""
    return f"__Host-footbridge-{purpose}" if is_secure(request) else f"footbridge-{purpose}"


def set_cookie(request: Request, response: Response, purpose: str, value: str, *, seconds: int | None = None) -> None:
    """Set one of our cookies: not readable by scripts, not sent from other sites' forms."""
    response.set_cookie(
        cookie_name(request, purpose),
        value,
        max_age=seconds,
        path="/",
        httponly=True,
        samesite="lax",
        secure=is_secure(request),
    )


def drop_cookie(request: Request, response: Response, purpose: str) -> None:
    """Take one of our cookies away."""
    response.delete_cookie(
        cookie_name(request, purpose), path="/", httponly=True, samesite="lax", secure=is_secure(request)
    )


def session_token(request: Request) -> str | None:
    """The token of the browser's session, if it sent one."""
    return request.cookies.get(cookie_name(request))


def credential_of(request: Request) -> str:
    """What a request says that it is by, looked at by nobody yet: its token, or its session; empty for none."""
    if is_for_machines(request):
        return request.headers.get("authorization", "")
    return session_token(request) or ""


def source_of(request: Request) -> Source:
    """Where this comes from, for slowing guesses: what the browser was given at an earlier sign-in, and its address."""
    known: str | None = getattr(request.state, "device", None) or request.cookies.get(cookie_name(request, "device"))
    request.state.device = known or secrets.token_urlsafe(24)
    return Source(device=request.state.device, address=request.client.host if request.client is not None else "")


def begin_session(request: Request, response: Response, token: str) -> None:
    """The browser is signed in from now on: as `token`, and as nobody whom it was before."""
    before = session_token(request)
    if before:
        sessions.end_token(before)
    set_cookie(request, response, "session", token)
    set_cookie(request, response, "device", source_of(request).device, seconds=DEVICE_SECONDS)
    for purpose in ("step", "visitor"):
        drop_cookie(request, response, purpose)


def who(session: Session, request: Request) -> SignedIn:
    """Who is signed in. Raises SignInNeeded."""
    if is_for_machines(request):
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise SignInNeeded
        return _bearer(session, token.strip())
    cookie = session_token(request)
    is_by_itself = BY_ITSELF in request.headers
    staff = sign_in.session_of(session, cookie, is_by_itself=is_by_itself) if cookie else None
    if staff is None or cookie is None:
        raise SignInNeeded(had_session=bool(cookie))
    request.state.csrf_token = sign_in.csrf_token(cookie)
    return _signed_in(session, staff)


def _bearer(session: Session, token: str) -> SignedIn:
    """Who comes with this token: a person with their own, or a system. Raises SignInNeeded."""
    if not token.startswith(systems.TOKEN_PREFIX):
        staff = sign_in.staff_of_token(session, token)
        if staff is None:
            raise SignInNeeded(code=TOKEN_UNKNOWN)
        return _signed_in(session, staff)
    system = systems.find_system(session, token)
    if system is None:
        raise SignInNeeded(code=TOKEN_UNKNOWN)
    if system.over:
        raise SignInNeeded(code=f"token_{system.over}")
    return SignedIn(system, system.actor, system.program, system.zone, ())


def slow_guessing(request: Request, needed: SignInNeeded) -> None:
    """Count a token that nobody has where it comes from, and make the next ones from there wait. One that is ours, or
    was, is never counted: a hospital's working system does not wait for its broken one behind the same address."""
    if needed.code == TOKEN_UNKNOWN:
        needed.wait = slow_down(request.client.host if request.client is not None else "")


def note_use(request: Request) -> None:
    """Note on a system's token that it was used, whatever the answer is."""
    me: SignedIn | None = getattr(request.state, "me", None)
    if me is not None and me.system is not None:
        systems.note_use(me.system, request.client.host if request.client is not None else "")


def _signed_in(session: Session, staff: Staff) -> SignedIn:
    program = session.get_one(Program, staff.program_id)
    facility = session.get(Facility, staff.facility_id) if staff.facility_id else None
    return SignedIn(
        staff, actor_of(staff), program, facility.zone if facility is not None else program.zone, tuple(staff.roles)
    )


def visitor_token(request: Request) -> str:
    """A random value for somebody who has not signed in, so that the sign-in form is ours too."""
    known: str | None = getattr(request.state, "visitor", None) or request.cookies.get(cookie_name(request, "visitor"))
    request.state.visitor = known or secrets.token_urlsafe(24)
    request.state.csrf_token = sign_in.csrf_token(request.state.visitor)
    return str(request.state.visitor)


def check_form_is_ours(request: Request, fields: Mapping[str, Sequence[str]]) -> None:
    """Refuse a form that another site sent (NotAllowed): where it came from, and the token that our pages carry.

    Programs are not concerned: no browser adds a bearer token by itself.
    """
    if is_for_machines(request):
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        came_from_us = site in _OURS
    elif origin is not None:
        hosts = {request.headers.get("host", ""), urlsplit(get_settings().base_url()).netloc}
        came_from_us = urlsplit(origin).netloc in hosts
    else:
        came_from_us = True
    if not came_from_us:
        raise NotAllowed(FROM_ELSEWHERE, "This form was sent from another site, so nothing was done.")
    tokens = [
        token for token in (session_token(request), request.cookies.get(cookie_name(request, "visitor"))) if token
    ]
    sent = next(iter(fields.get(CSRF_FIELD, ())), "") or request.headers.get(CSRF_HEADER, "")
    if not any(sign_in.check_csrf(token, sent) for token in tokens):
        raise NotAllowed("form_expired", "This page was open for too long. Load it again, then repeat what you did.")


def safe_return(path: str | None) -> str:
    """A path of ours to go on to; anything that could lead elsewhere becomes the first page."""
    if not path or not path.startswith("/") or path.startswith(("//", "/\\")) or len(path) > 500:
        return "/"
    if any(c in path for c in "\\\r\n\t") or urlsplit(path).netloc or path.startswith(("/sign-", "/api/")):
        return "/"
    return path


def next_query(onward: str) -> str:
    """The end of an address that remembers where one goes on to afterwards; nothing for the first page."""
    return f"?next={quote(onward, safe='/')}" if onward != "/" else ""
