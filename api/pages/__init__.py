"""The pages, one module a screen. A new screen is a new line here."""

from __future__ import annotations

from fastapi import APIRouter

from api.pages import (
    absence,
    bridger,
    concern,
    contact_results,
    contacts,
    offers,
    people,
    referral,
    referral_changes,
    shell,
    sign_in,
)

ROUTERS: tuple[APIRouter, ...] = (
    shell.router,
    sign_in.router,
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
