"""The pages, one module a screen. A new screen is a new line here."""

from __future__ import annotations

from fastapi import APIRouter

from api.pages import (
    absence,
    assign,
    board,
    bridger,
    concern,
    contact_results,
    contacts,
    dates,
    decisions,
    endings,
    escalations,
    filing,
    handoff,
    holding,
    imports,
    measures,
    offers,
    people,
    plan_changes,
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
    measures.router,
    imports.router,
    bridger.router,
    offers.router,
    people.router,
    absence.router,
    contacts.router,
    contact_results.router,
    concern.router,
    referral_changes.router,
    board.router,
    assign.router,
    decisions.router,
    plan_changes.router,
    holding.router,
    endings.router,
    escalations.router,
    referral.router,  # last: `/referrals/{id}` would take `/referrals/new` for an id
)
