"""Who may use a route. Every route says it, or the application is not built.

    @router.get("/today")
    @requires("log_attempt")        an action of domain/access.py; whose people one sees is up to the gates
    def today(request: Request, session: SessionDep, me: Me) -> Response: ...

A route of the API also says with which scope another organization's system may use it, or that none ever may:

    @requires("see_person", systems=SystemScope.REFERRALS_READ)
    @requires("record_consent", systems=NEVER)

`signed_in()` is for whoever has signed in, `public()` for everybody, `signed_by_gateway()` for the
SMS gateway alone. The declaration also runs the endpoint: see `api/serving.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

from starlette.routing import BaseRoute, Mount

from api.auth import MACHINE_PATHS
from api.serving import NEVER, Access, access_of, served
from domain.access import ACTIONS
from domain.vocabulary import SystemScope

__all__ = [
    "NEVER",
    "Access",
    "UndeclaredRoute",
    "public",
    "require_declarations",
    "requires",
    "signed_by_gateway",
    "signed_in",
]

Endpoint = Callable[..., Any]
OPEN_MOUNTS = frozenset({"/static"})
"""What is served without a route: files that tell nothing."""


class UndeclaredRoute(RuntimeError):
    """A route does not say who may use it."""


def requires(
    action: str,
    *,
    writes: bool | None = None,
    again: Endpoint | None = None,
    systems: SystemScope | Literal["never"] | None = None,
) -> Callable[[Endpoint], Endpoint]:
    """For those whose roles allow `action`.

    `writes`: whether the endpoint gets a writing transaction; by default it does unless the method is GET.
    `again`: the page to show once more, with what was typed and what is wrong, when this one refuses.
    `systems`: the scope that a system's token needs, or NEVER; for routes of the API, and for those alone.
    Raises KeyError for an action that is not in the table.
    """
    if action not in ACTIONS:
        raise KeyError(f"no such action: {action}")
    return _declared(Access("action", action, systems), writes, again)


def signed_in(*, writes: bool | None = None, again: Endpoint | None = None) -> Callable[[Endpoint], Endpoint]:
    """For everybody who has signed in; the gates decide what they see."""
    return _declared(Access("signed_in"), writes, again)


def public(*, writes: bool | None = None, again: Endpoint | None = None) -> Callable[[Endpoint], Endpoint]:
    """For everybody. `me` is not available."""
    return _declared(Access("public"), writes, again)


def signed_by_gateway() -> Callable[[Endpoint], Endpoint]:
    """For forms that the SMS gateway signed, and for nobody else. `me` is not available."""
    return _declared(Access("gateway", systems=NEVER), None, None)


def _declared(access: Access, writes: bool | None, again: Endpoint | None) -> Callable[[Endpoint], Endpoint]:
    def declare(endpoint: Endpoint) -> Endpoint:
        return served(endpoint, access, writes=writes, again=again)

    return declare


def require_declarations(routes: Iterable[BaseRoute]) -> None:
    """Raise UndeclaredRoute, naming each route that does not say who may use it."""
    undeclared = [f"{path} ({endpoint})" for path, endpoint in _undeclared(routes)]
    unsaid = [path for path, access in _declared_paths(routes) if _is_unsaid(path, access)]
    if unsaid:
        raise UndeclaredRoute(
            "A route of the API says which scope of a system's token opens it, or systems=NEVER; a page says neither, "
            f"since no token opens one: {', '.join(unsaid)}"
        )
    if undeclared:
        raise UndeclaredRoute(
            "These routes do not say who may use them; add @requires, @signed_in, @public or @signed_by_gateway of "
            f"api/access.py below the route's decorator: {', '.join(undeclared)}"
        )


def _is_unsaid(path: str, access: Access) -> bool:
    is_for_systems = path.startswith(MACHINE_PATHS) and access.kind != "public"
    return is_for_systems != (access.systems is not None)


def _declared_paths(routes: Iterable[BaseRoute]) -> Iterator[tuple[str, Access]]:
    for route in routes:
        included, access = getattr(route, "original_router", None), access_of(getattr(route, "endpoint", None))
        if included is not None:
            yield from _declared_paths(included.routes)
        elif access is not None:
            yield getattr(route, "path", ""), access


def _undeclared(routes: Iterable[BaseRoute]) -> Iterator[tuple[str, str]]:
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from _undeclared(included.routes)
        elif isinstance(route, Mount):
            if route.path not in OPEN_MOUNTS:
                yield route.path, "mounted"
        elif access_of(getattr(route, "endpoint", None)) is None:
            yield getattr(route, "path", repr(route)), getattr(getattr(route, "endpoint", None), "__name__", "?")
