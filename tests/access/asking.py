"""Asking every route of the application as anybody about anybody's things, in a database that forgets each answer."""

from __future__ import annotations

import asyncio
import gc
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar
from unittest.mock import patch
from urllib.parse import quote, unquote, urlencode

from fastapi import FastAPI
from sqlalchemy import event
from sqlalchemy.pool import StaticPool
from starlette.datastructures import Headers
from starlette.routing import BaseRoute

from api.app import create_app
from api.auth import MACHINE_PATHS
from api.serving import Access, access_of, shown_again
from domain.access import ACTIONS, FACILITY_SCOPES
from domain.vocabulary import SystemScope
from records import engine
from records.commands.sign_in import csrf_token
from records.settings import get_settings
from tests.access.sent import BODIES, FIXED, FORMS, LIST, QUERIES, SENT_QUERIES
from tests.access.world import FAMILY, HALF, SYSTEMS, Things, World

T = TypeVar("T")
NOBODYS = "zz00nobodys0000000000000"
"""How the id of what does not exist ends: as long as a real one."""
HOST = "127.0.0.1:8000"
OVER = ("revoked token", "expired token")
_PARAMETER = re.compile(r"{(\w+)}")
_ID = re.compile(
    r"\b(?:ref|per|off|con|att|esc|stf|abs|inb|pro|fac|drf|hld|asg|dis|ntf|gls|cns|crv|sys|tel|rep|inc|pmv)_[0-9a-z]{16,40}\b"
)
_FAMILIES = re.compile("|".join([*FAMILY.values(), "Nobodyperson"]))
_CHANGES = re.compile(
    r'name="(?:csrf_token|once)" value="[^"]*"|"request_id":\s?"[^"]*"|[?&]once=[^"&]*'
    r'|\b[0-9a-f]{16}\b|<p class="fb-code">[^<]*</p>|\bfbs_[\w-]{43}'
)


@dataclass(frozen=True)
class Route:
    """One method of one address."""

    method: str
    path: str
    access: Access
    again: Access | None = None
    """Who may see the page that is shown once more when this refuses, if there is one."""

    @property
    def name(self) -> str:
        """How the expected table names it."""
        return f"{self.method} {self.path}"

    @property
    def is_for_machines(self) -> bool:
        """Whether a bearer token counts here, and no cookie."""
        return self.path.startswith(MACHINE_PATHS)

    def lets_in(self, role: str) -> bool:
        """Whether this role, or a system with its token, may use the route at all, whosever things it is about."""
        return self._opens(self.access, role)

    def reaches_things(self, role: str) -> bool:
        """Whether an answer to this role may need the things that it is about: it is let in, or it is refused and shown
        again a page that it may see."""
        return self.lets_in(role) or (self.again is not None and self._opens(self.again, role))

    def _opens(self, access: Access, role: str) -> bool:
        if role in SYSTEMS:
            scopes = FACILITY_SCOPES if role == "hospital system" else frozenset(SystemScope)
            return access.systems in scopes and any(self._opens(access, one) for one in SYSTEMS[role])
        return not access.action or any(one.value == role for one in ACTIONS[access.action])

    @property
    def parameters(self) -> tuple[str, ...]:
        """The ids in its path."""
        return tuple(name for name in _PARAMETER.findall(self.path) if name not in FIXED)


@dataclass(frozen=True)
class Who:
    """Somebody who comes: with a session, with a token, with the wrong one of them, or with none."""

    name: str
    session: str = ""
    token: str = ""


@dataclass(frozen=True)
class Answer:
    """What came back, without what differs each time."""

    status: int
    body: str
    location: str = ""
    tables: frozenset[str] = frozenset()
    """What was asked of the database for it, by the tables' names."""


@dataclass
class Asked:
    """The application over the world, and how to ask it."""

    app: FastAPI
    world: World
    routes: list[Route]
    forget: Callable[[], None]
    """Take back what the last question changed."""
    statements: list[str]
    """What the database is asked, since the last answer."""

    def everybody(self) -> dict[str, Callable[[Route], Who]]:
        """The columns of the expected table: who comes, with what this route would take from them."""
        world = self.world

        def holder(name: str) -> Callable[[Route], Who]:
            return lambda route: (
                Who(name, token=world.tokens[name])
                if route.is_for_machines
                else Who(name, session=world.sessions[name])
            )

        def wrong(route: Route) -> Who:
            """A manager's token where a session counts, and a session where a token does."""
            return (
                Who("wrong", session=world.sessions["manager"])
                if route.is_for_machines
                else Who("wrong", token=world.tokens["manager"])
            )

        def other_scope(route: Route) -> Who:
            """A system with one half of the scopes, for a route that asks for one of the other half."""
            return Who("other scope", token=world.halves[route.access.systems in HALF])

        systems = {name: lambda _, name=name: Who(name, token=world.tokens[name]) for name in (*SYSTEMS, *OVER)}
        strangers: dict[str, Callable[[Route], Who]] = {"anonymous": lambda _: Who("anonymous"), "wrong key": wrong}
        people = {name: holder(name) for name in world.sessions}
        return strangers | people | systems | {"other scope": other_scope}

    async def ask(self, route: Route, who: Who, things: Things) -> Answer:
        """Ask about these things; what it changes is forgotten."""
        headers, body = {"host": HOST, "if-match": "*"}, b""
        queries = QUERIES if route.method == "GET" else SENT_QUERIES
        if who.token:
            headers["authorization"] = f"Bearer {who.token}"
        if who.session:
            headers["cookie"] = f"footbridge-session={who.session}"
        if route.path == "/api/v1/imports":
            headers["content-type"], body = "text/csv", LIST
        elif route.method != "GET" and route.is_for_machines:
            headers["content-type"] = "application/fhir+json" if route.path.startswith("/fhir") else "application/json"
            body = json.dumps(filled(BODIES.get(route.path, {}), things)).encode()
        elif route.method != "GET":
            sent = filled(FORMS.get(route.path, {}), things) | {"csrf_token": csrf_token(who.session)}
            headers["content-type"], body = _as_form(sent, LIST if route.path == "/imports" else b"")
        query = urlencode(filled(queries[route.path], things)) if route.path in queries else ""
        return await self._answer(route.method, filled(route.path, things | FIXED), query, headers, body)

    async def _answer(self, method: str, path: str, query: str, headers: dict[str, str], body: bytes) -> Answer:
        """What the application answers, asked as a server asks it: a client for every question costs a tenth more."""
        headers["content-length"] = str(len(body))
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "root_path": "",
            "method": method, "path": unquote(path), "raw_path": quote(path, safe="/$%").encode(),
            "query_string": query.encode(), "headers": Headers(headers).raw,
            "client": ("127.0.0.1", 50_000), "server": ("127.0.0.1", 8000),
        }  # fmt: skip
        coming = [{"type": "http.request", "body": body, "more_body": False}]
        said: list[Any] = []

        async def receive() -> dict[str, Any]:
            return coming.pop() if coming else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            said.append(message)

        self.statements.clear()
        await self.app(scope, receive, send)
        tables = frozenset().union(*(_tables_of(one) for one in self.statements))
        self.forget()
        start, *rest = said
        location = Headers(raw=start["headers"]).get("location", "")
        return Answer(start["status"], b"".join(part["body"] for part in rest).decode(), location, tables)

    def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run many questions in one loop: thousands of them, at the price of the application alone."""

        async def all_of_it() -> T:
            return await work()

        with _one_after_the_other():
            return asyncio.run(all_of_it())


def _as_form(fields: dict[str, Any], file: bytes) -> tuple[str, bytes]:
    """A form as a browser sends it: its type and its body."""
    if not file:
        return "application/x-www-form-urlencoded", urlencode(fields, doseq=True).encode()
    begin = "--x\r\nContent-Disposition: form-data; name="
    parts = "".join(f'{begin}"{name}"\r\n\r\n{value}\r\n' for name, value in fields.items())
    head = f'{begin}"file"; filename="list.csv"\r\nContent-Type: text/csv\r\n\r\n'
    return "multipart/form-data; boundary=x", (parts + head).encode() + file + b"\r\n--x--\r\n"


@contextmanager
def _one_after_the_other() -> Iterator[None]:
    """Nobody else asks meanwhile, so an endpoint needs no thread of its own: going to one and back costs a tenth.
    What is there already is no garbage: looking through all of it again and again costs a fifth."""

    async def here(function: Callable[..., T], *args: Any, **_options: Any) -> T:
        return function(*args)

    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    try:
        with patch("anyio.to_thread.run_sync", here):
            yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


@cache
def _tables_of(statement: str) -> frozenset[str]:
    """Every table that a statement names."""
    return frozenset(_TABLE.findall(statement))


_TABLE = re.compile(r'\b(?:FROM|JOIN|INTO|UPDATE)\s+"?(\w+)')


def open_world(world: World) -> Asked:
    """The application over a world that forgets: nothing that a request commits stays."""
    write: Any = engine.database().write
    forget = _in_one_transaction(write) if write.dialect.name == "postgresql" else _committing_nothing(write)
    unhurried = {"person_requests_a_minute": 10**9, "system_requests_a_minute": 10**9}  # the limit has its own tests
    app = create_app(get_settings().model_copy(update=unhurried))
    statements: list[str] = []
    for one in {engine.database().read, write}:
        event.listen(one, "before_cursor_execute", lambda _c, _cursor, statement, *_: statements.append(statement))
    return Asked(app, world, list(routes_of(app.routes)), forget, statements)


def _committing_nothing(write: Any) -> Callable[[], None]:
    """Each transaction is rolled back where it would be committed."""
    write.dialect.do_commit = lambda connection: connection.rollback()
    return lambda: None


def _in_one_transaction(write: Any) -> Callable[[], None]:
    """All transactions of a request are one of the database's, on one connection, which is rolled back afterwards.

    Between PostgreSQL and its client everything is a message there and back: a connection of its own for each
    transaction, looked at first, begun and ended, was half of what a question cost.
    """
    with write.connect() as opened:  # what SQLAlchemy asks a database once, it has asked
        opened.rollback()
    pool = write.pool
    write.pool = StaticPool(pool._creator, reset_on_return=None, dialect=write.dialect, _dispatch=pool.dispatch)
    pool.dispose()
    kept = write.raw_connection()
    write.dialect.do_commit = lambda connection: None
    return lambda: kept.driver_connection.rollback()


def routes_of(routes: Iterable[BaseRoute]) -> Iterator[Route]:
    """Every method of every route, with who may use it."""
    for route in routes:
        endpoint = getattr(route, "endpoint", None)
        access, again = access_of(endpoint), shown_again(endpoint)
        if access is not None:
            for method in sorted(getattr(route, "methods", ()) or ()):
                yield Route(method, getattr(route, "path", ""), access, again.access if again is not None else None)


def nobodys(name: str) -> str:
    """What stands for a thing of this name that does not exist: made like a real one."""
    if name in ("family", "number"):
        return "Nobodyperson"
    if name in ("phone", "wrong_phone"):
        return "+12125550199"
    person = ("first_id", "second_id", "merged_id")
    staff = ("bridger_id", "cover_id", "supervisor_id", "staff_id")
    kind = (
        "per"
        if name in person
        else "stf"
        if name in staff
        else {
            "import_id": "inb",
            "draft": "drf",
            "glass_id": "gls",
            "consent_id": "cns",
            "reply_id": "rep",
            "move_id": "pmv",
        }.get(name)
    )
    return f"{kind or name[:3]}_{NOBODYS}{'b' if name == 'second_id' else 'a'}"


def names_in(what: object) -> set[str]:
    """The things that what is sent speaks of."""
    return set(_PARAMETER.findall(repr(what))) - set(FIXED)


def filled(what: Any, things: Things) -> Any:
    """The same with each `{name}` replaced; what these things lack does not exist."""
    if isinstance(what, dict):
        return {filled(key, things): filled(value, things) for key, value in what.items()}
    if isinstance(what, list):
        return [filled(value, things) for value in what]
    if isinstance(what, str):
        return _PARAMETER.sub(lambda found: things.get(found[1]) or nobodys(found[1]), what)
    return what


def without_what_changes(answer: Answer) -> Answer:
    """An answer with every id, random value and name that was asked for taken out, to compare two."""
    body, location = (
        _CHANGES.sub("", _FAMILIES.sub("", _ID.sub("ID", text))) for text in (answer.body, answer.location)
    )
    return Answer(answer.status, body, location)
