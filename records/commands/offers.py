"""Finding a bridger: the ranking, one offer at a time with an answer-by time, and what bridgers answer."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from domain.errors import Conflict, NotFound
from domain.matching import why_nobody
from domain.states import OFFER
from domain.vocabulary import DeclineReason, OfferState, Resolution, Subject
from records import clock
from records.access import Actor
from records.commands.assignments import begin_assignment, has_room
from records.commands.escalations import raise_ladder, settle_ladder
from records.commands.messages import tell
from records.commands.text import checked_text
from records.commands.work import Work
from records.ids import new_id
from records.queries.case import load_case
from records.queries.matching import rank_for
from records.tables import Offer, Staff


def offer_next(work: Work, *, due_at: datetime) -> Offer | None:
    """Rank the candidates and offer the person to the best; with none left the supervisor is told."""
    ranking = rank_for(work.session, work.rows, work.now)
    if not ranking.ranked:
        work.referral.offers_exhausted_at = work.now
        work.record("offers.exhausted", considered=len(ranking.excluded), why=why_nobody(ranking))
        raise_ladder(
            work,
            Subject.ASSIGNMENT,
            work.referral.id,
            "supervisor",
            due_at=due_at,
            why=f"No bridger can be asked now: {why_nobody(ranking)}.",
        )
        return None
    best, case = ranking.ranked[0], work.rows.facts()
    row = Offer(
        id=new_id("off"),
        program_id=work.referral.program_id,
        referral_id=work.referral.id,
        bridger_id=best.candidate_id,
        made_at=work.now,
        answer_by=work.rows.protocol.assignment.offer_answer.of(case.is_high_risk).after(
            work.now, case.zone, case.calendar
        ),
        score=best.score,
        reasons=list(best.reasons_for),
    )
    work.add(row)
    work.rows.offers.append(row)
    work.referral.offers_exhausted_at = None
    work.record(
        "offer.made",
        subject_id=row.id,
        bridger=row.bridger_id,
        answer_by=row.answer_by,
        score=best.score,
        reasons=list(best.reasons_for),
        against=list(best.reasons_against),
    )
    tell(
        work.session,
        work.session.get(Staff, row.bridger_id),
        "offer_made",
        key=f"offer:{row.id}",
        program_id=row.program_id,
        referral_id=row.referral_id,
        subject_id=row.id,
        now=work.now,
        answer_by=row.answer_by.isoformat(),
    )
    return row


def expire_offer(work: Work, offer_id: str, *, due_at: datetime) -> None:
    """The answer-by time of an open offer has passed: it is closed, and the next bridger is asked."""
    row = next(o for o in work.rows.offers if o.id == offer_id)
    row.state, row.closed_at = OfferState.EXPIRED, due_at
    work.record("offer.expired", at=due_at, subject_id=row.id, bridger=row.bridger_id)


def accept_offer(session: Session, actor: Actor, offer_id: str) -> Offer:
    """A bridger takes the person. Taking it twice changes nothing; whoever comes second is told so.

    Raises Conflict when the offer was answered, ran out or was withdrawn meanwhile.
    """
    work, row = _open_offer(session, actor, offer_id)
    if row.state is OfferState.ACCEPTED and row.bridger_id == work.referral.bridger_id:
        return row
    _require("offer.accepted", row, work.now)
    _require_room(work, row.bridger_id)
    row.state, row.closed_at = OfferState.ACCEPTED, work.now
    work.record("offer.accepted", subject_id=row.id, bridger=row.bridger_id)
    begin_assignment(work, row.bridger_id, by=actor.id)
    settle_ladder(
        work, Resolution.ARRANGED, subject=Subject.ASSIGNMENT, subject_id=work.referral.id, note="A bridger accepted."
    )
    work.settle()
    return row


def decline_offer(session: Session, actor: Actor, offer_id: str, reason: DeclineReason, note: str = "") -> Offer:
    """A bridger does not take the person; the next is asked at once. A conflict is kept for matching, privately."""
    work, row = _open_offer(session, actor, offer_id)
    if row.state is OfferState.DECLINED:
        return row
    _require("offer.declined", row, work.now)
    row.state, row.closed_at = OfferState.DECLINED, work.now
    row.decline_reason, row.decline_note = reason, checked_text(note, "note")
    if reason is DeclineReason.KNOW_THE_PERSON:
        from records.commands.staff import remember_conflict

        remember_conflict(session, row.bridger_id, work.referral.person_id)
    work.record("offer.declined", subject_id=row.id, bridger=row.bridger_id, reason=reason)
    work.settle()
    return row


_REFERRAL_OF = select(Offer.referral_id).where(
    col(Offer.id) == bindparam("offer_id"),
    col(Offer.bridger_id) == bindparam("bridger_id"),
    col(Offer.program_id) == bindparam("program_id"),
)


def _open_offer(session: Session, actor: Actor, offer_id: str) -> tuple[Work, Offer]:
    actor.require("answer_offer")
    asked = {"offer_id": offer_id, "bridger_id": actor.id, "program_id": actor.program_id}
    referral_id = session.exec(_REFERRAL_OF, params=asked).first()
    if referral_id is None:
        raise NotFound("That offer")
    rows = load_case(session, referral_id, lock=True)  # the offer is read under the lock: somebody may have been first
    row = next(o for o in rows.offers if o.id == offer_id)
    return Work(session, actor, rows, clock.now()), row


def _require_room(work: Work, bridger_id: str) -> None:
    """Between offer and answer the bridger may have got other people: the limit still holds (invariant 8)."""
    if not has_room(work, bridger_id):
        raise Conflict("caseload_full", "Your caseload is full. Ask your supervisor to assign this person by name.")


def _require(event: str, row: Offer, now: datetime) -> None:
    if row.state is OfferState.OPEN and row.answer_by <= now:
        raise Conflict("offer_over", "The time to answer this offer has passed; the next bridger is being asked.")
    OFFER.require(event, row.state, f"This offer is {row.state.label.lower()} already.", code="offer_over")
