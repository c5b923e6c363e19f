"""The JSON API, one module a noun. A new noun is a new line; what stands outside `/api/v1` is in `ROOT_ROUTERS`."""

from __future__ import annotations

from fastapi import APIRouter

from api.interop import fhir, texts
from api.routes import (
    changes,
    consents,
    contacts,
    docs,
    escalations,
    events,
    health,
    imports,
    measures,
    offers,
    people,
    protocols,
    referrals,
    staff,
)

ROOT_ROUTERS: tuple[APIRouter, ...] = (health.router, docs.router, fhir.router, texts.router)
API_ROUTERS: tuple[APIRouter, ...] = (
    referrals.router,
    changes.router,
    consents.router,
    offers.router,
    contacts.router,
    escalations.router,
    people.router,
    staff.router,
    protocols.router,
    imports.router,
    measures.router,
    events.router,
)
