"""What a person says about texts on their numbers, and numbers that turned out to be somebody else's."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from domain.errors import Conflict, Invalid
from domain.texting import WORDING
from domain.vocabulary import AgreedHow, TextKind
from records import outgoing
from records.access import Actor
from records.commands.person_texts import cancel_texts, number_key, queue_text, remind_of_meeting
from records.commands.text import checked_text
from records.commands.work import Work, open_case
from records.ids import new_id
from records.marks import phone_mark
from records.queries.texting import (
    find_quarantine,
    latest_answer,
    latest_permission,
    phone_of,
    quarantines_in_force,
)
from records.tables import NumberQuarantine, Person, TextPermission

_LINE = 300


def allow_texts(session: Session, actor: Actor, referral_id: str, number: str, how: AgreedHow) -> TextPermission:
    """The person said yes to automated texts on one of their numbers; whoever records it heard or saw it.

    A welcome goes out: who writes, and how to stop it. Twice changes nothing. Raises Invalid for a number that is not
    theirs, Conflict after a STOP (only START from the number itself takes it back) and while it is quarantined.
    """
    work = open_case(session, actor, referral_id, "record_texts")
    work.require("texts.allowed")
    person = work.rows.person
    if phone_of(person, number) is None:
        raise Invalid("number", "This is not one of their numbers. Choose one that is.", field="number")
    if find_quarantine(session, work.referral.program_id, number) is not None or _is_flagged(work, number):
        raise Conflict("quarantined", "Somebody else answered at this number. Find out first whose it is.")
    answer = latest_answer(session, number)
    if answer is not None and answer.is_stop:
        raise Conflict("stopped", "This number said STOP. Texts go on only when START comes from it.")
    latest = latest_permission(session, person.id, number)
    if latest is not None and latest.is_given:
        return latest
    row = _version(work, number, is_given=True, how=how, by=actor.id)
    _set_flag(work, number, may_text=True)
    work.record("texts.allowed", subject_id=row.id, how=how)
    session.flush()
    queue_text(session, work.referral, person, TextKind.WELCOME, key=row.id, now=work.now, number=number)
    remind_of_meeting(session, work.referral, person, work.now)
    work.settle()
    return row


def refuse_texts(session: Session, actor: Actor, referral_id: str, number: str) -> None:
    """The person took it back, however they said it, and need give no reason: texts on this number stop at once, and
    what waits is cancelled."""
    work = open_case(session, actor, referral_id, "record_texts")
    latest = latest_permission(session, work.rows.person.id, number)
    if latest is None or not latest.is_given:
        return
    outgoing.hold_back(session, number_key(number))
    row = _version(work, number, is_given=False, how=None, by=actor.id)
    _set_flag(work, number, may_text=False)
    cancel_texts(session, "they took their yes to texts back", number=number, person_id=work.rows.person.id)
    work.record("texts.refused", subject_id=row.id)
    work.settle()


def quarantine(work: Work, number: str, why: str, *, by: str) -> None:
    """Somebody else answered at this number: no texts to it any more, and it is called with a warning only.

    Within a command that is under way. The yes to texts there ends: it was not the person's number. Each way in which
    it was heard is kept by itself, so that taking one back leaves the others.
    """
    session, person = work.session, work.rows.person
    outgoing.hold_back(session, number_key(number))
    latest = latest_permission(session, person.id, number)
    if latest is not None and latest.is_given:
        _version(work, number, is_given=False, how=None, by=None)
    if why not in {row.why for row in quarantines_in_force(session, work.referral.program_id, number)}:
        session.add(
            NumberQuarantine(
                id=new_id("qua"),
                program_id=work.referral.program_id,
                number=number,
                number_mark=phone_mark(number),
                person_id=person.id,
                why=why,
                by=by,
                at=work.now,
            )
        )
        session.flush()
    _mark_aside(person, number, is_aside=True)
    cancel_texts(session, "somebody else answered at this number", number=number)
    work.record("phone.quarantined", why=why)


def lift_quarantine(session: Session, actor: Actor, referral_id: str, number: str, reason: str) -> None:
    """The number is the person's after all, and somebody says how they know. Texts need a new yes.

    Raises Invalid without a reason or for a number that is not quarantined.
    """
    work = open_case(session, actor, referral_id, "record_texts")
    text = checked_text(reason, "reason", limit=_LINE, required=True)
    rows = quarantines_in_force(session, work.referral.program_id, number)
    if phone_of(work.rows.person, number) is None or not (rows or _is_flagged(work, number)):
        raise Invalid("number", "This number is not set aside.", field="number")
    for row in rows:
        row.lifted_at, row.lifted_by, row.lifted_because = work.now, actor.id, text
    _mark_aside(work.rows.person, number, is_aside=False)
    work.record("phone.cleared", note=text)
    work.settle()


def take_back_quarantine(work: Work, why: str, *, at: datetime) -> None:
    """The entry that set a number aside at that moment, for that reason, was taken back: the number is used again,
    unless somebody else was heard there in another way too."""
    rows = work.session.exec(
        select(NumberQuarantine).where(
            NumberQuarantine.person_id == work.rows.person.id,
            NumberQuarantine.why == why,
            NumberQuarantine.at == at,
            col(NumberQuarantine.lifted_at).is_(None),
        )
    ).all()
    for row in rows:
        row.lifted_at, row.lifted_by, row.lifted_because = work.now, work.actor_id, "the entry was taken back"
        work.session.flush()
        if not quarantines_in_force(work.session, row.program_id, row.number):
            _mark_aside(work.rows.person, row.number, is_aside=False)
            work.record("phone.restored")


def _mark_aside(person: Person, number: str, *, is_aside: bool) -> None:
    person.phones = [p | {"is_quarantined": is_aside} if p.get("number") == number else p for p in person.phones]


def _is_flagged(work: Work, number: str) -> bool:
    phone = phone_of(work.rows.person, number)
    return bool(phone and phone.get("is_quarantined"))


def _set_flag(work: Work, number: str, *, may_text: bool) -> None:
    person = work.rows.person
    person.phones = [p | {"may_text": may_text} if p.get("number") == number else p for p in person.phones]


def _version(work: Work, number: str, *, is_given: bool, how: AgreedHow | None, by: str | None) -> TextPermission:
    latest = latest_permission(work.session, work.rows.person.id, number)
    row = TextPermission(
        id=new_id("txp"),
        program_id=work.referral.program_id,
        person_id=work.rows.person.id,
        number=number,
        number_mark=phone_mark(number),
        version=(latest.version if latest else 0) + 1,
        is_given=is_given,
        how=how,
        wording=WORDING if is_given else "",
        seen_by=by,
        at=work.now,
    )
    work.add(row)
    work.session.flush()
    return row
