"""Forms that were begun: kept while somebody types, thrown away when they say so, marked when they were sent."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import delete
from sqlmodel import Session, col, select

from domain.errors import Conflict, Invalid, NotFound
from domain.vocabulary import ReferralStatus
from records import clock
from records.access import Actor, referral_for
from records.queries.drafts import find_draft
from records.tables import Draft, Referral

KEPT_FOR = timedelta(days=14)  # project choice: longer than a ward plans ahead, shorter than anybody remembers
MOST_DRAFTS = 50
LARGEST = 40_000
"""Characters that one draft may hold."""
_KEY = re.compile(r"(drf|ref)_[0-9A-Za-z_-]{16,60}")


def keep_draft(session: Session, actor: Actor, draft_id: str, fields: Mapping[str, Sequence[str]]) -> Draft:
    """Keep what was typed so far; the same id again replaces it.

    Raises Invalid for an id that no page gave out or too much text, NotFound for somebody else's draft, Conflict when
    it was sent already or the shelf is full.
    """
    actor.require("file_referral")
    if not _KEY.fullmatch(draft_id):
        raise Invalid("draft_id", "Open the form again from the page Referrals.")
    if sum(len(name) + sum(map(len, values)) for name, values in fields.items()) > LARGEST:
        raise Invalid("too_long", "This is too much for one referral. Shorten the notes, please.", field="note")
    draft = find_draft(session, actor, draft_id)
    if draft is not None and draft.sent_referral_id is not None:
        raise Conflict("already_sent", "This referral was sent already.")
    if draft is None:
        draft = _new(session, actor, draft_id)
    draft.fields = {name: list(values) for name, values in fields.items()}
    draft.staff_id, draft.updated_at = actor.id, clock.now()
    session.add(draft)
    session.flush()
    return draft


def _new(session: Session, actor: Actor, draft_id: str) -> Draft:
    if session.get(Draft, draft_id) is not None:
        raise NotFound("That draft")
    if draft_id.startswith("ref_"):
        referral = referral_for(session, actor, draft_id, "file_referral")
        if referral.status is not ReferralStatus.DRAFT:
            raise Conflict("already_sent", "This referral was sent already.")
    now = clock.now()
    session.exec(delete(Draft).where(col(Draft.program_id) == actor.program_id, col(Draft.updated_at) < now - KEPT_FOR))
    held = session.exec(
        select(Draft.id)
        .where(Draft.staff_id == actor.id, col(Draft.sent_referral_id).is_(None))
        .order_by(col(Draft.updated_at).desc())
        .offset(MOST_DRAFTS - 1)
    ).all()
    if held:
        raise Conflict("too_many_drafts", f"You have {MOST_DRAFTS} drafts. Send some, or throw some away.")
    return Draft(
        id=draft_id,
        program_id=actor.program_id,
        staff_id=actor.id,
        facility_id=actor.facility_id,
        created_at=now,
        updated_at=now,
    )


def discard_draft(session: Session, actor: Actor, draft_id: str) -> None:
    """Throw a draft away. One that is gone already is no mistake."""
    actor.require("file_referral")
    draft = find_draft(session, actor, draft_id)
    if draft is not None and draft.sent_referral_id is None:
        session.delete(draft)
        session.flush()


def mark_sent(session: Session, draft: Draft, referral: Referral) -> None:
    """What was typed became this referral: the words themselves are kept there alone."""
    draft.fields, draft.sent_referral_id, draft.updated_at = {}, referral.id, clock.now()
    session.flush()
