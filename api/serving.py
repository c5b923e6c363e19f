"""How a declared endpoint is run: one thread, one transaction, committed before the answer leaves.

The steps, in order: open the session · who is it (cookie, or bearer token under /api and /fhir) · do they ask too often
· may they · is a form ours (CSRF) · was a POST of the API answered before (Idempotency-Key) · the endpoint · commit.

FastAPI's own yield dependencies would end in another thread than they began, which a lock cannot bear, and by default
after the answer was sent, which would acknowledge what may still be lost. So the endpoint is wrapped: FastAPI sees its
path, query and body parameters only, and `session`, `me`, `form` and `request` are handed over here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from fastapi import Depends, Request, Response
from pydantic import BaseModel
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from api import auth, idempotency, refusals
from api.forms import Form
from api.gateway import check_signature
from api.kept_forms import keep_typed
from api.pace import TooOften, paces_of
from api.reading import remember_opened, written_down
from api.receiving import Received, receive
from domain.errors import NotAllowed, NotFound, Refusal, ScopeMissing
from domain.vocabulary import SystemScope
from records import engine
from records.turns import in_turn

MOST_TRIES = 3
_BEGIN_AGAIN = ("40001", "40P01")
"""PostgreSQL's serialization failure and deadlock: all was rolled back, and its manual says to begin again."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Given(Enum):
    """What an endpoint may ask for beside its own parameters."""

    SESSION = "session"
    ME = "me"
    FORM = "form"
    REQUEST = "request"


SessionDep = Annotated[Session, Given.SESSION]
"""The session of this request: it writes for a POST and reads for a GET."""
Me = Annotated[auth.SignedIn, Given.ME]
"""Who is signed in: `me.actor` for gates and commands, `me.zone`, `me.program`, `me.may(action)`."""
FormDep = Annotated[Form, Given.FORM]
"""The form that was sent; call its `check` before using what was read."""


NEVER: Literal["never"] = "never"
"""For no other organization's system, whatever its token is good for."""


@dataclass(frozen=True)
class Access:
    """Who may use a route. `systems`: the scope with which another organization's system may; pages say nothing."""

    kind: Literal["public", "signed_in", "action", "gateway"]
    action: str = ""
    systems: SystemScope | Literal["never"] | None = None


@dataclass(frozen=True)
class Served:
    """An endpoint with its declaration, and how to call it."""

    access: Access
    call: Callable[..., Any]
    given: dict[str, Given]
    own: frozenset[str]
    writes: bool | None
    again: Served | None


def access_of(endpoint: Any) -> Access | None:
    """What an endpoint declared, or None."""
    made: Served | None = getattr(endpoint, "footbridge", None)
    return made.access if made is not None else None


def served(
    endpoint: Callable[..., Any], access: Access, *, writes: bool | None, again: Callable[..., Any] | None
) -> Callable[..., Any]:
    """The endpoint as FastAPI registers it."""
    if inspect.iscoroutinefunction(endpoint):
        raise TypeError(f"{endpoint.__qualname__} is async: sessions are synchronous, so endpoints are plain functions")
    hints = get_type_hints(endpoint, include_extras=True)
    parameters = inspect.signature(endpoint).parameters
    given = {name: what for name in parameters if (what := _given(hints.get(name))) is not None}
    own = [p.replace(annotation=hints.get(p.name, Any), kind=p.KEYWORD_ONLY) for p in parameters.values()
           if p.name not in given]  # fmt: skip
    shown: Served | None = getattr(again, "footbridge", None)
    if again is not None and shown is None:
        raise TypeError(f"{again.__qualname__} does not say who may use it, so it cannot be shown again")
    made = Served(access, endpoint, given, frozenset(p.name for p in own), writes, shown)

    def serve(**values: Any) -> Any:
        request, received = values.pop("_request"), values.pop("_received")
        return run(made, request, received, values)

    serve.__name__, serve.__qualname__, serve.__doc__ = endpoint.__name__, endpoint.__qualname__, endpoint.__doc__
    serve.__module__ = endpoint.__module__
    serve.footbridge = made  # type: ignore[attr-defined]
    keyword = inspect.Parameter.KEYWORD_ONLY
    serve.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter("_request", keyword, annotation=Request),
            inspect.Parameter("_received", keyword, annotation=Annotated[Received, Depends(receive)]),
            *own,
        ],
        return_annotation=_returned(hints.get("return")),
    )
    return serve


def _given(annotation: Any) -> Given | None:
    if annotation is Request:
        return Given.REQUEST
    if get_origin(annotation) is Annotated:
        return next((extra for extra in get_args(annotation)[1:] if isinstance(extra, Given)), None)
    return None


def _returned(annotation: Any) -> Any:
    """Models describe themselves in the OpenAPI document; everything else is a response as it is."""
    origin = get_origin(annotation) or annotation
    is_model = inspect.isclass(origin) and issubclass(origin, BaseModel)
    return annotation if is_model else Response


def run(made: Served, request: Request, received: Received, values: dict[str, Any]) -> Any:
    """One request from session to answer. Refusals leave nothing behind, except the page shown again."""
    try:
        paces_of(request).turn_away(auth.credential_of(request))
        answer = _run(made, request, received, values)
    except auth.SignInNeeded as needed:
        auth.slow_guessing(request, needed)
        if needed.code != auth.NO_TOKEN:
            refusals.note(request, 401, needed.code)
        if needed.had_session and received.fields and request.method not in SAFE_METHODS:
            needed.kept = keep_typed(request, received.fields)
        raise
    except Refusal as refusal:
        refusals.note(request, refusal.status, refusal.code)
        is_shown = not isinstance(refusal, NotFound | TooOften) and refusal.code != auth.FROM_ELSEWHERE
        if made.again is None or auth.is_for_machines(request) or not is_shown:
            raise
        answer = show_again(made.again, request, received, values, refusal)
    finally:
        auth.note_use(request)
    return written_down(request, answer)


def _run(made: Served, request: Request, received: Received, values: dict[str, Any]) -> Any:
    if made.access.kind == "gateway":  # before a transaction is begun: strangers do not make writers wait
        check_signature(request, received.fields)
    writes = made.writes if made.writes is not None else request.method not in SAFE_METHODS
    for _ in range(MOST_TRIES - 1):
        try:
            return _once(made, request, received, values, writes)
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", "") not in _BEGIN_AGAIN:
                raise
    return _once(made, request, received, values, writes)


def _once(made: Served, request: Request, received: Received, values: dict[str, Any], writes: bool) -> Any:
    def answer(session: Session) -> Any:
        return _answer(made, request, received, values, session, writes)

    if writes:
        return in_turn(answer)
    with engine.read_session() as session:
        return answer(session)


def _answer(
    made: Served, request: Request, received: Received, values: dict[str, Any], session: Session, writes: bool
) -> Any:
    me = _admitted(made.access, session, request)
    if request.method not in SAFE_METHODS:
        auth.check_form_is_ours(request, received.fields)
    opened = idempotency.open_key(session, request, me, received.body) if writes and me else None
    if opened is not None and opened.answer is not None:
        return opened.answer
    answer = _call(made, request, session, me, received, values)
    if auth.is_for_machines(request):
        answer = as_response(request, answer)
    if opened is not None:
        opened.keep(session, answer)
    return answer


def _admitted(access: Access, session: Session, request: Request) -> auth.SignedIn | None:
    request.state.session = session
    if access.kind in ("public", "gateway"):
        return None
    me = auth.who(session, request)
    request.state.asker = me.id
    _count(request, me)
    request.state.me = me
    if me.system is not None:
        _require_scope(me.system.scopes, access.systems)
    if access.action:
        me.actor.require(access.action)
    return me


def _count(request: Request, me: auth.SignedIn) -> None:
    """Count a request once, however often it is begun again. Raises TooOften."""
    if getattr(request.state, "me", None) is None:
        paces_of(request).count(me.id, auth.credential_of(request), is_system=me.system is not None)


def _require_scope(scopes: frozenset[str], needed: SystemScope | str | None) -> None:
    """Raise NotAllowed unless one of a token's scopes opens this route."""
    if not isinstance(needed, SystemScope):
        raise NotAllowed("not_for_systems", "No system's token opens this address: it is for people.")
    if needed.value not in scopes:
        raise ScopeMissing(needed.value, needed.label)


def _call(
    made: Served,
    request: Request,
    session: Session,
    me: auth.SignedIn | None,
    received: Received,
    values: dict[str, Any],
) -> Any:
    form = Form(received.fields, received.files) if Given.FORM in made.given.values() else None
    request.state.form = form
    handed = {Given.SESSION: session, Given.ME: me, Given.FORM: form, Given.REQUEST: request}
    answer = made.call(**values, **{name: handed[what] for name, what in made.given.items()})
    remember_opened(request)
    if form is not None and not form.is_checked and request.method not in SAFE_METHODS:
        raise RuntimeError(f"{made.call.__qualname__} never called form.check(): what is wrong would go unsaid")
    return answer


def shown_again(endpoint: Any) -> Served | None:
    """The page that shows once more what was sent to an endpoint, if it has one."""
    made: Served | None = getattr(endpoint, "footbridge", None)
    return made.again if made is not None else None


def show_again(again: Served, request: Request, received: Received, values: dict[str, Any], refusal: Refusal) -> Any:
    """A page once more, with what was typed and what is to be said about it."""
    with engine.read_session() as session:
        me = _admitted(again.access, session, request)
        request.state.refusal = refusal
        typed = {name: value for name, value in values.items() if name in again.own}
        request.state.typed = getattr(request.state, "form", None) or Form(received.fields, received.files)
        handed = {Given.SESSION: session, Given.ME: me, Given.FORM: request.state.typed, Given.REQUEST: request}
        answer = again.call(**typed, **{name: handed[what] for name, what in again.given.items()})
        remember_opened(request)
        return answer


def as_response(request: Request, answer: Any) -> Response:
    """A model as JSON, with the route's status, the version as ETag and, when something was made, where it is."""
    if isinstance(answer, Response):
        return answer
    route = request.scope.get("route")
    status = getattr(route, "status_code", None) or 200
    response = Response(answer.model_dump_json(), status_code=status, media_type="application/json")
    version = getattr(answer, "version", None)
    if version is not None:
        response.headers["ETag"] = f'"{version}"'
    location = getattr(answer, "location", None)
    if status == 201 and location is not None:
        response.headers["Location"] = location()
    response.headers.update(getattr(request.state, "goes_with_it", {}))  # see api/outward.py
    return response
