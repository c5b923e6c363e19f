"""How it stands with texts to people and their numbers, from the records alone.

Everything that is asked by a number is asked here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, func, or_, select

from domain.consent import standing
from domain.texting import ANSWERS, Standing
from domain.vocabulary import ConsentStatus, NotificationState, Outcome, PhoneKind, ReferralStatus, TextKind
from records.marks import is_phone
from records.queries.consents import consents_of
from records.queries.people import find_open_referral
from records.tables import (
    Attempt,
    NumberAnswer,
    NumberQuarantine,
    Person,
    PersonText,
    Referral,
    TextPermission,
    TextReply,
)

FOLLOWED = frozenset({ReferralStatus.ACCEPTED, ReferralStatus.IN_PROGRESS})
_WENT = (NotificationState.SENDING, NotificationState.SENT, NotificationState.UNCONFIRMED)
_A_WEEK = timedelta(days=8)  # seven local dates, wherever the person is


def standing_of(
    session: Session, referral: Referral, number: str, now: datetime, of: PersonText | None = None
) -> Standing:
    """How it stands with texts to the person of this referral on this number, at this moment; `of` is the text that is
    about to go."""
    person = session.get_one(Person, referral.person_id)
    permission, stop = latest_permission(session, person.id, number), latest_answer(session, number)
    phone = phone_of(person, number)
    return Standing(
        zone=person.zone,
        is_permitted=permission is not None and permission.is_given,
        is_stopped=stop is not None and stop.is_stop,
        is_quarantined=find_quarantine(session, referral.program_id, number) is not None
        or bool(phone and phone.get("is_quarantined")),
        is_on_record=phone is not None,
        has_died=person.died_at is not None,
        is_followed=referral.status in FOLLOWED,
        is_in_custody=referral.setting.is_custody and referral.discharged_at is None,
        has_agreed=standing(consents_of(session, referral.id), now) is ConsentStatus.GIVEN,
        is_still_true=of is None or _is_still_true(session, of, referral),
        sent=_sent(session, person.id, number, now, of),
    )


def _is_still_true(session: Session, text: PersonText, referral: Referral) -> bool:
    if text.kind is TextKind.MEETING:
        return referral.meeting_at is not None and referral.meeting_at.isoformat() == text.params.get("at")
    if text.kind is TextKind.INTRODUCTION:
        return referral.bridger_id == text.params.get("bridger")
    if text.kind is TextKind.TRIED:
        reached = select(Attempt.id).where(
            Attempt.referral_id == referral.id, Attempt.outcome == Outcome.REACHED, Attempt.at >= text.created_at
        )
        wrote = select(TextReply.id).where(
            TextReply.referral_id == referral.id, TextReply.received_at >= text.created_at
        )
        return session.exec(reached).first() is None and session.exec(wrote).first() is None
    return True


def _sent(session: Session, person_id: str, number: str, now: datetime, of: PersonText | None) -> tuple[datetime, ...]:
    """When the automated texts went that count: to this person or to this number, answers left out."""
    rows = session.exec(
        select(func.coalesce(PersonText.sent_at, PersonText.claimed_at), PersonText.id).where(
            or_(col(PersonText.person_id) == person_id, is_phone(col(PersonText.number_mark), number)),
            col(PersonText.state).in_(_WENT),
            col(PersonText.kind).not_in(ANSWERS),
            col(PersonText.claimed_at) >= now - _A_WEEK,
        )
    )
    return tuple(at for at, text_id in rows.all() if of is None or text_id != of.id)


def latest_permission(session: Session, person_id: str, number: str) -> TextPermission | None:
    """What the person said last about texts on this number."""
    return session.exec(
        select(TextPermission)
        .where(TextPermission.person_id == person_id, is_phone(col(TextPermission.number_mark), number))
        .order_by(col(TextPermission.version).desc())
    ).first()


def latest_answer(session: Session, number: str) -> NumberAnswer | None:
    """The last STOP or START of a number."""
    return session.exec(
        select(NumberAnswer)
        .where(is_phone(col(NumberAnswer.number_mark), number))
        .order_by(col(NumberAnswer.version).desc())
    ).first()


def find_quarantine(session: Session, program_id: str, number: str) -> NumberQuarantine | None:
    """The quarantine of a number that is in force; the latest when there are several reasons."""
    return next(iter(quarantines_in_force(session, program_id, number)), None)


def quarantines_in_force(session: Session, program_id: str, number: str) -> Sequence[NumberQuarantine]:
    """Every reason for which a number is set aside, the latest first."""
    return session.exec(
        select(NumberQuarantine)
        .where(
            NumberQuarantine.program_id == program_id,
            is_phone(col(NumberQuarantine.number_mark), number),
            col(NumberQuarantine.lifted_at).is_(None),
        )
        .order_by(col(NumberQuarantine.at).desc())
    ).all()


def phone_of(person: Person, number: str) -> dict[str, Any] | None:
    """The number among the person's own, with what is allowed on it."""
    return next((phone for phone in person.phones if phone.get("number") == number), None)


def number_to_text(session: Session, person: Person) -> str | None:
    """The person's first number on which they said yes to texts; None: they are sent none."""
    if not any(phone.get("may_text") and not phone.get("is_quarantined") for phone in person.phones):
        return None  # mostly so, and asks nothing
    permissions = permissions_of(session, person.id)
    given = {number for number, row in permissions.items() if row.is_given}
    return next((str(phone["number"]) for phone in person.phones if phone["number"] in given), None)


def permissions_of(session: Session, person_id: str) -> dict[str, TextPermission]:
    """What the person said last about texts, by number."""
    rows = session.exec(
        select(TextPermission).where(TextPermission.person_id == person_id).order_by(col(TextPermission.version))
    )
    return {row.number: row for row in rows}


def answers_of(session: Session, numbers: Iterable[str]) -> dict[str, NumberAnswer]:
    """The last STOP or START of each number."""
    rows = session.exec(
        select(NumberAnswer)
        .where(is_phone(col(NumberAnswer.number_mark), *set(numbers)))
        .order_by(col(NumberAnswer.version))
    )
    return {row.number: row for row in rows}


def quarantines_of(session: Session, program_id: str, numbers: Iterable[str]) -> dict[str, NumberQuarantine]:
    """The quarantines in force, by number."""
    rows = session.exec(
        select(NumberQuarantine).where(
            NumberQuarantine.program_id == program_id,
            is_phone(col(NumberQuarantine.number_mark), *set(numbers)),
            col(NumberQuarantine.lifted_at).is_(None),
        )
    )
    return {row.number: row for row in rows}


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who has a number: the person, and the referral that goes on, or the last one."""

    person: Person
    referral_id: str
    is_shared: bool


def holders_of(session: Session, number: str) -> list[Holder]:
    """Everybody, in any program, who was asked about texts on this number and has it: on record still, or with a yes
    that was not taken back, should somebody have taken it off. A text in need is not to go unread."""
    asked = session.exec(
        select(TextPermission, Person)
        .join(Person, col(Person.id) == col(TextPermission.person_id))
        .where(is_phone(col(TextPermission.number_mark), number))
        .order_by(col(TextPermission.version))
    ).all()
    people: dict[str, Person] = {}
    for permission, row in asked:  # the latest version of each stays
        person = session.get(Person, row.merged_into_id) if row.merged_into_id else row
        if person is not None:
            people.pop(person.id, None)
            if permission.is_given or phone_of(person, number) is not None:
                people[person.id] = person
    found = []
    for person in sorted(people.values(), key=lambda one: one.id):
        referral_id = _referral_of(session, person.id)
        if referral_id is not None:
            phone = phone_of(person, number) or {}
            shared = len(people) > 1 or phone.get("kind") != PhoneKind.OWN.value
            found.append(Holder(person, referral_id, shared))
    return found


def _referral_of(session: Session, person_id: str) -> str | None:
    going_on = find_open_referral(session, person_id)
    if going_on is not None:
        return going_on.id
    latest = select(Referral.id).where(Referral.person_id == person_id, Referral.status != ReferralStatus.DRAFT)
    return session.exec(latest.order_by(col(Referral.created_at).desc())).first()


def last_texted(session: Session, number: str) -> str | None:
    """The referral about which this number was texted last."""
    return session.exec(
        select(PersonText.referral_id)
        .where(
            is_phone(col(PersonText.number_mark), number),
            col(PersonText.state).in_(_WENT),
            col(PersonText.kind).not_in(ANSWERS),
        )
        .order_by(col(PersonText.claimed_at).desc())
    ).first()


def texts_to(session: Session, number: str, program_id: str) -> list[PersonText]:
    """The automated texts that went to a number, or may have, oldest first."""
    rows = session.exec(
        select(PersonText)
        .where(
            is_phone(col(PersonText.number_mark), number),
            PersonText.program_id == program_id,
            col(PersonText.state).in_(_WENT),
        )
        .order_by(col(PersonText.claimed_at))
    )
    return list(rows)


def texts_about(session: Session, referral_id: str, limit: int = 20) -> Sequence[PersonText]:
    """The automated texts of a referral, the newest first."""
    rows = select(PersonText).where(PersonText.referral_id == referral_id)
    return session.exec(rows.order_by(col(PersonText.created_at).desc(), col(PersonText.id).desc()).limit(limit)).all()
