"""Every route says who may use it, and the application is not built otherwise."""

from __future__ import annotations

import pytest
from fastapi import APIRouter, FastAPI, Request, Response
from starlette.applications import Starlette

from api.access import UndeclaredRoute, public, require_declarations, requires, signed_in
from api.app import create_app
from api.auth import MACHINE_PATHS
from api.serving import access_of
from domain.access import ACTIONS
from domain.vocabulary import Role
from records.settings import get_settings
from tests.api.house import House

NEEDS_NOBODY = {
    "/choose-password/{token}",
    "/docs",
    "/healthz",
    "/metrics",
    "/openapi.json",
    "/readyz",
    "/set-up/{token}",
    "/sign-in",
    "/sign-in/forgotten",
    "/sign-in/organization",
    "/sign-in/organization/back",
    "/sign-in/second-step",
    "/sign-out",
}


def _plain() -> Response:
    return Response("hello")


def test_the_application_is_not_built_with_a_route_that_does_not_say_who_may_use_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    router = APIRouter()
    router.get("/forgotten")(_plain)
    monkeypatch.setattr("api.app.ROUTERS", (router,))
    with pytest.raises(UndeclaredRoute, match=r"/forgotten \(_plain\)"):
        create_app(get_settings())


def test_the_same_route_is_taken_once_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    router = APIRouter()
    router.get("/forgotten")(public()(_plain))
    monkeypatch.setattr("api.app.ROUTERS", (router,))
    create_app(get_settings())


def test_a_route_within_a_router_within_a_router_is_found() -> None:
    inner, outer, app = APIRouter(), APIRouter(), FastAPI(openapi_url=None)
    inner.get("/deep")(_plain)
    outer.include_router(inner, prefix="/far")
    app.include_router(outer)
    with pytest.raises(UndeclaredRoute, match="/deep"):
        require_declarations(app.routes)


def test_a_mounted_application_is_found() -> None:
    app = FastAPI(openapi_url=None)
    app.mount("/elsewhere", Starlette())
    with pytest.raises(UndeclaredRoute, match="/elsewhere"):
        require_declarations(app.routes)


def test_an_action_that_is_not_in_the_table_is_refused_at_once() -> None:
    with pytest.raises(KeyError, match="no such action"):
        requires("fly")


def test_an_async_endpoint_is_refused() -> None:
    async def later() -> Response:
        return Response()

    with pytest.raises(TypeError, match="is async"):
        signed_in()(later)


def test_showing_an_undeclared_page_again_is_refused() -> None:
    def page(request: Request) -> Response:
        return Response()

    with pytest.raises(TypeError, match="cannot be shown again"):
        signed_in(again=page)(page)


def _routes(routes: object) -> list[tuple[str, set[str], object]]:
    found = []
    for route in routes:  # type: ignore[attr-defined]
        inner = getattr(route, "original_router", None)
        if inner is not None:
            found += _routes(inner.routes)
        elif hasattr(route, "endpoint"):
            found.append((route.path, route.methods, route.endpoint))
    return found


def test_only_these_routes_need_nobody_to_be_signed_in() -> None:
    app = create_app(get_settings())
    open_routes = set()
    for path, _, endpoint in _routes(app.routes):
        access = access_of(endpoint)
        assert access is not None
        if access.kind == "public":
            open_routes.add(path)
    assert open_routes <= NEEDS_NOBODY


@pytest.mark.sqlite
def test_every_route_refuses_whoever_is_not_signed_in(house: House) -> None:
    house.client.cookies.clear()
    checked = 0
    for path, methods, endpoint in _routes(house.app.routes):
        access = access_of(endpoint)
        assert access is not None
        if access.kind in ("public", "gateway"):  # what the gateway signs: tests/api/test_texts_in.py
            continue
        address = path.replace("{", "").replace("}", "")
        is_api = address.startswith(MACHINE_PATHS)
        for method in methods:
            response = house.client.request(method, address, json={} if is_api else None)
            expected = (401, 422) if is_api else (303,)
            assert response.status_code in expected, (method, address, response.status_code)
            if response.status_code == 303:
                assert response.headers["location"].startswith("/sign-in")
            checked += 1
    assert checked > 40


@pytest.mark.sqlite
@pytest.mark.parametrize("role", list(Role))
def test_a_role_without_the_action_is_refused_before_anything_else(house: House, role: Role) -> None:
    """Whether the thing exists is never told to a role that may not use the route."""
    who = {Role.PLANNER: "planner"}.get(role, role.value)
    probes = {
        "accept_referral": ("POST", "/referrals/ref_none/accept", None),
        "request_cancel": ("POST", "/referrals/ref_none/cancel", {"reason": "x"}),
        "waive": ("POST", "/contacts/con_none/waive", {"reason": "x"}),
        "decide_welfare": ("POST", "/escalations/esc_none/decide", {"decision": "keep_trying", "reason": "x"}),
        "answer_offer": ("POST", "/offers/off_none/accept", None),
        "manage_staff": ("GET", "/staff", None),
        "see_person": ("GET", "/referrals/ref_none", None),
        "acknowledge": ("GET", "/escalations", None),
    }
    for action, (method, path, body) in probes.items():
        response = house.call(who, method, path, body)
        if role in ACTIONS[action]:
            assert response.status_code in (200, 404), (action, response.text)
        else:
            assert response.status_code == 403, (action, response.text)
            assert response.json()["code"] == "not_allowed"
