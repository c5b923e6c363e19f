"""Every e-mail and text of the program: sent, waiting, failed, or nobody knows; with the words of the local outbox."""

from __future__ import annotations

import re
from typing import Any

from fastapi import APIRouter, Request, Response

from api.access import requires
from api.deps import Me, SessionDep, page
from domain.messaging import StaffMessage
from domain.vocabulary import NotificationState
from records import clock
from records.commands import links
from records.queries.notifications import PAGE, Sent, count_by_state, count_stuck, list_sent
from records.settings import get_settings

router = APIRouter()

TONES = {
    NotificationState.SENT: "go",
    NotificationState.QUEUED: "wait",
    NotificationState.SENDING: "wait",
    NotificationState.FAILED: "stop",
    NotificationState.UNCONFIRMED: "stop",
    NotificationState.WITHHELD: "wait",
    NotificationState.STALE: "stop",
}
_ONE_TIME = re.compile(rf"({links.PATH})/[\w.-]+")
NOT_SENT = (NotificationState.FAILED, NotificationState.UNCONFIRMED, NotificationState.STALE)


@router.get("/outbox")
@requires("see_outbox")
def outbox(request: Request, session: SessionDep, me: Me, state: str = "", after: str = "") -> Response:
    """What went out and what did not; messages name nobody, so administrators may read them."""
    offset = int(after) if after.isascii() and after.isdecimal() and len(after) < 7 else 0
    chosen = NotificationState(state) if state in set(NotificationState) else None
    counts, now = count_by_state(session, me.actor), clock.now()
    found = list_sent(session, me.actor, chosen, offset=offset)
    settings = get_settings()
    query = f"state={chosen.value}&" if chosen is not None else ""
    return page(
        "outbox.html",
        request,
        messages=[_message(one) for one in found[:PAGE]],
        chips=[{"value": "", "text": f"All {sum(counts.values())}"}]
        + [{"value": s.value, "text": f"{s.label} {counts[s]}"} for s in NotificationState if counts.get(s)],
        chosen=chosen.value if chosen is not None else "",
        stuck=count_stuck(session, me.actor, now),
        failed=sum(counts.get(state, 0) for state in NOT_SENT),
        is_local=settings.email_gateway == "outbox" or settings.sms_gateway == "outbox",
        newer=f"/outbox?{query}after={max(offset - PAGE, 0)}" if offset else None,
        older=f"/outbox?{query}after={offset + PAGE}" if len(found) > PAGE else None,
        zone=me.program.zone,
    )


def words_of(template: str) -> str:
    """What a message says, in the app's words; one that is not written any more keeps its name."""
    known = template in {message.value for message in StaffMessage}
    return StaffMessage(template).label if known else template.replace("_", " ").capitalize()


def _message(one: Sent) -> dict[str, Any]:
    row = one.row
    return {
        "what": words_of(row.template),
        "to": one.recipient,
        "channel": row.channel.label,
        "state": row.state.label,
        "tone": TONES.get(row.state, "neutral"),
        "at": row.sent_at or row.created_at,
        "not_before": row.not_before if row.state is NotificationState.QUEUED else None,
        "problem": row.problem,
        "tries": row.tries,
        "subject": one.outbox.subject if one.outbox is not None else "",
        "body": _without_links(one.outbox.body) if one.outbox is not None else "",
        "address": one.outbox.recipient if one.outbox is not None else "",
    }


def _without_links(body: str) -> str:
    """In production nobody reads a colleague's one-time link here; on a trial machine this is the only mailbox."""
    if get_settings().environment != "production":
        return body
    return _ONE_TIME.sub(r"\1/…", body)
