"""The pages, one module a screen. A new screen is a new line here."""

from __future__ import annotations

from fastapi import APIRouter

from api.pages import (
    absence,
    bridger,
    concern,
    contact_results,
    contacts,
    dates,
    filing,
    handoff,
    imports,
    offers,
    people,
    planner,
    referral,
    referral_changes,
    report,
    shell,
    sign_in,
)

ROUTERS: tuple[APIRouter, ...] = (
    shell.router,
    sign_in.router,
    filing.router,
    planner.router,
    dates.router,
    handoff.router,
    report.router,
    imports.router,
    bridger.router,
    offers.router,
    people.router,
    absence.router,
    contacts.router,
    contact_results.router,
    concern.router,
    referral_changes.router,
    referral.router,  # last: `/referrals/{id}` would take `/referrals/new` for an id
)
