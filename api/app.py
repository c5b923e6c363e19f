"""The application: pages for people, JSON for programs, one process, any number of copies."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from api import errors
from api.access import require_declarations
from api.edge import Edge
from api.headers import SecurityHeaders
from api.measuring import statements_counted
from api.pace import Paces
from api.pages import ROUTERS
from api.refusals import Refusals
from api.routes import API_ROUTERS, ROOT_ROUTERS
from api.static_files import static_app
from api.tracing import Traced
from records import engine
from records.commands.upkeep import share_clock
from records.settings import Settings
from workflows.client import Teller


def create_app(settings: Settings) -> FastAPI:
    """The application with everything in it. Raises UndeclaredRoute when a route does not say who may use it."""
    app = FastAPI(
        title="Footbridge",
        version=version("footbridge"),
        description="Sees a person across: referrals, bridgers, follow-up contacts, escalations.",
        docs_url=None,  # ours are in routes/docs.py: nothing is loaded from elsewhere
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(settings),
    )
    app.state.settings = settings
    app.state.paces = Paces(settings)
    app.state.refusals = Refusals()
    # Not `include_router`: it nests, and every request asks every router twice (a third of what filing cost the loop).
    for router in (*API_ROUTERS, *ROOT_ROUTERS):
        app.router.routes.extend(router.routes)
    for router in ROUTERS:
        for route in router.routes:
            assert isinstance(route, APIRoute)
            route.include_in_schema = False
            app.router.routes.append(route)
    app.mount("/static", static_app)
    errors.install(app)
    app.add_middleware(Edge)
    app.add_middleware(SecurityHeaders)
    if settings.traces_url:
        app.add_middleware(Traced)
    require_declarations(app.routes)
    return app


def _lifespan(settings: Settings) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Open the records, follow the shared clock, and pass on to the workflows what commits have to say."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        _open_records(settings)
        await run_in_threadpool(_follow_clock, settings.clock_speed)
        teller = Teller().start()
        stop_hearing = engine.on_commit(teller.hear)
        gc.freeze()  # what is loaded by now is never garbage: it need not be looked through while people wait
        try:
            with statements_counted():
                yield
        finally:
            gc.unfreeze()
            stop_hearing()
            await run_in_threadpool(teller.close)

    return lifespan


def _open_records(settings: Settings) -> None:
    try:
        engine.database()
    except RuntimeError:  # nobody opened them before: this process is the web server alone
        engine.configure(settings.sqlalchemy_url())


def _follow_clock(speed: float) -> None:
    with engine.transaction() as session:
        share_clock(session, speed)
