"""What I was told in the app, the newest first, and a way to say that I saw it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response

from api.access import signed_in
from api.deps import FormDep, Me, SessionDep, page, redirect_after_post
from api.pages.outbox import words_of
from domain.messaging import StaffMessage
from records import clock
from records.commands.messages import mark_seen
from records.queries.notifications import PAGE, Told, count_unseen, list_told_to, list_unseen_ids

router = APIRouter()

ABOUT_A_CALL = frozenset(
    {StaffMessage.SAFETY_CONCERN, StaffMessage.WELFARE_CHECK_DUE, StaffMessage.ESCALATION_RAISED,
     StaffMessage.ESCALATION_AGAIN}
)  # fmt: skip
ABOUT_AN_END = frozenset({StaffMessage.CLOSING_REPORT_READY, StaffMessage.REFERRAL_CLOSED})
ABOUT_AN_OFFER = frozenset({StaffMessage.OFFER_MADE})


@router.get("/notifications")
@signed_in()
def notifications(request: Request, session: SessionDep, me: Me, after: str = "") -> Response:
    """Everything that I was told. Whom it is about is shown only while I may still see them."""
    offset = int(after) if after.isascii() and after.isdecimal() and len(after) < 7 else 0
    found = list_told_to(session, me.actor, offset=offset, limit=PAGE + 1)
    return page(
        "notifications.html",
        request,
        notices=[_notice(one) for one in found[:PAGE]],
        unseen=count_unseen(session, me.id),
        until=clock.now().isoformat(),
        newer=f"/notifications?after={max(offset - PAGE, 0)}" if offset else None,
        older=f"/notifications?after={offset + PAGE}" if len(found) > PAGE else None,
        zone=me.zone,
    )


@router.post("/notifications/seen")
@signed_in(again=notifications)
def seen(request: Request, session: SessionDep, me: Me, form: FormDep) -> Response:
    """I have seen what was there when the page was shown; what came since stays new."""
    said = form.text("until", required=True, limit=40)
    form.check()
    mark_seen(session, me.id, list_unseen_ids(session, me.id, _instant(said)))
    return redirect_after_post(request, "/notifications")


def _instant(said: str) -> datetime:
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        return clock.now()
    return at if at.tzinfo is not None else clock.now()


def _notice(one: Told) -> dict[str, Any]:
    message = one.template
    return {
        "text": words_of(message),
        "who": one.person.full_name if one.person is not None else "",
        "href": _href(one, message),
        "at": one.last_at,
        "times": one.times,
        "first_at": one.first_at,
        "is_new": one.is_new,
        "is_grave": message in (StaffMessage.SAFETY_CONCERN, StaffMessage.WELFARE_CHECK_DUE),
    }


def _href(one: Told, message: str) -> str:
    if message in ABOUT_AN_OFFER:
        return "/offers"
    base = f"/referrals/{one.referral_id}"
    if message in ABOUT_AN_END:
        return f"{base}/report"  # also for a facility that asked for the person too, and sees nothing else
    if message == StaffMessage.GLASS_BROKEN and one.referral_id is None:
        return "/privacy"
    if message == StaffMessage.IDENTITY_REFUSED:
        return f"/staff/{one.subject_id}"
    if one.person is None:
        return ""
    return f"{base}/escalations/{one.subject_id}" if message in ABOUT_A_CALL and one.subject_id else base
