"""Telling staff: one notification row a recipient and channel, unique by its key; and what becomes of its sending."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from domain.messaging import Recipient, StaffMessage, is_too_old, plan_sending
from domain.vocabulary import Channel, NotificationState
from records import clock, engine
from records.ids import new_id
from records.queries.case import began_here
from records.tables import Notification, Outbox, Program, Referral, Staff

CLAIM_HOLDS = timedelta(minutes=2)
"""A claim older than this belongs to a process that died between claiming and recording: it may have been sent."""


_TOLD = "footbridge_told"
_OF_KEY = select(col(Notification.id)).where(col(Notification.key) == bindparam("key"))


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that this process alone may send now."""

    notification_id: str
    key: str
    channel: Channel
    template: str
    to: str
    staff_name: str
    params: dict[str, Any]
    referral_id: str | None
    number: str


def tell(
    session: Session,
    staff: Staff | None,
    template: str,
    *,
    key: str,
    program_id: str,
    referral_id: str | None = None,
    subject_id: str = "",
    is_high_risk: bool = False,
    now: datetime | None = None,
    **params: Any,
) -> None:
    """Tell one member of staff: in the app always, by e-mail and text as `domain.messaging` says.

    The same key is told once, however often it is asked. Params are ids, numbers and times, never names.
    """
    if staff is None or not staff.is_active:
        return
    now = now or clock.now()
    program = session.get_one(Program, program_id)
    for sending in plan_sending(StaffMessage(template), _recipient(staff, program), now, is_high_risk=is_high_risk):
        channel = sending.channel
        full_key = f"{key}:{staff.id}:{channel.value}"
        if _was_told(session, full_key, referral_id):
            continue
        in_app = channel is Channel.IN_APP
        row = Notification(
            id=new_id("ntf"),
            program_id=program_id,
            referral_id=referral_id,
            key=full_key,
            template=template,
            channel=channel,
            staff_id=staff.id,
            subject_id=subject_id,
            params=params,
            state=NotificationState.SENT if in_app else NotificationState.QUEUED,
            created_at=now,
            not_before=sending.not_before,
            sent_at=now if in_app else None,
        )
        session.add(row)
        if not in_app and sending.not_before <= now:  # a later one is started by upkeep
            engine.leave_word(session, delivery=row.id)


def send_by_email(session: Session, staff: Staff, template: str, *, key: str, subject_id: str, **params: Any) -> None:
    """Send one member of staff an e-mail that is for their mailbox alone: the app, and what they wish, play no part."""
    now = clock.now()
    row = Notification(
        id=new_id("ntf"),
        program_id=staff.program_id,
        key=f"{key}:{staff.id}:{Channel.EMAIL.value}",
        template=template,
        channel=Channel.EMAIL,
        staff_id=staff.id,
        subject_id=subject_id,
        params=params,
        state=NotificationState.QUEUED,
        created_at=now,
        not_before=now,
    )
    session.add(row)
    engine.leave_word(session, delivery=row.id)


def _was_told(session: Session, key: str, referral_id: str | None) -> bool:
    """Whether this was told before, in this transaction or an earlier one."""
    mine = session.info.setdefault(_TOLD, set())
    if key in mine:
        return True
    mine.add(key)
    if began_here(session, referral_id):  # whom this session has told, it knows
        return False
    return session.connection().execute(_OF_KEY, {"key": key}).first() is not None


def _recipient(staff: Staff, program: Program) -> Recipient:
    return Recipient(
        zone=program.zone,
        has_email=bool(staff.email),
        has_phone=bool(staff.phone),
        wants_email=staff.wants_email,
        wants_sms=staff.wants_sms,
        is_on_call=staff.id == program.clinician_id,
    )


def claim(session: Session, notification_id: str) -> Claimed | None:
    """Take a queued message for sending; None when it was sent, cancelled, is too old by now, or is another's.

    A claim that was never answered means that a process died while sending: whether it went out is unknown, so it is
    marked unconfirmed and not sent again (never twice), and stays visible in the app and on the list of the unsent.
    """
    row = session.exec(select(Notification).where(Notification.id == notification_id).with_for_update()).first()
    now = clock.now()
    if row is None or row.state not in (NotificationState.QUEUED, NotificationState.SENDING) or row.not_before > now:
        return None
    if row.state is NotificationState.SENDING:
        if row.claimed_at is not None and now - row.claimed_at >= CLAIM_HOLDS:
            row.state, row.problem = NotificationState.UNCONFIRMED, "the sender stopped while sending"
        return None
    if is_too_old(row.not_before, now, clock.speed()):
        row.state, row.problem = NotificationState.STALE, "it could not go out within a day of its time"
        return None
    staff = session.get(Staff, row.staff_id)
    to = (staff.email if row.channel is Channel.EMAIL else staff.phone) if staff else ""
    if staff is None or not staff.is_active or not to:
        row.state, row.problem = NotificationState.FAILED, "nobody to send it to"
        return None
    row.state, row.claimed_at, row.tries = NotificationState.SENDING, now, row.tries + 1
    referral = session.get(Referral, row.referral_id) if row.referral_id else None
    return Claimed(
        notification_id=row.id,
        key=row.key,
        channel=row.channel,
        template=row.template,
        to=to,
        staff_name=staff.first_name or staff.name,
        params=dict(row.params),
        referral_id=row.referral_id,
        number=referral.number if referral else "",
    )


def release(session: Session, notification_id: str, problem: str) -> None:
    """The message was certainly not sent: put it back, to be tried again."""
    row = session.get_one(Notification, notification_id)
    if row.state is NotificationState.SENDING:
        row.state, row.claimed_at, row.problem = NotificationState.QUEUED, None, problem[:200]


def mark_sent(session: Session, notification_id: str, provider_id: str) -> None:
    """The gateway took it."""
    row = session.get_one(Notification, notification_id)
    row.state, row.sent_at, row.provider_id, row.problem = NotificationState.SENT, clock.now(), provider_id, ""


def mark_failed(session: Session, notification_id: str, problem: str) -> None:
    """The gateway refused it for good."""
    row = session.get_one(Notification, notification_id)
    row.state, row.problem = NotificationState.FAILED, problem[:200]


def mark_unconfirmed(session: Session, notification_id: str, problem: str) -> None:
    """It may have been sent, nobody knows: it is not sent again by itself."""
    row = session.get_one(Notification, notification_id)
    row.state, row.problem = NotificationState.UNCONFIRMED, problem[:200]


def put_in_outbox(session: Session, *, key: str, channel: Channel, to: str, subject: str, body: str) -> str:
    """Deliver into the local outbox, once a key; returns the id that a provider would give."""
    found = session.exec(select(Outbox).where(Outbox.key == key)).first()
    if found is None:
        found = Outbox(key=key, channel=channel, recipient=to, subject=subject, body=body, at=clock.now())
        session.add(found)
        session.flush()
    return f"outbox-{found.id}"


def mark_seen(session: Session, staff_id: str, notification_ids: list[str]) -> int:
    """The staff member has seen these; returns how many were new to them."""
    rows = session.exec(
        select(Notification).where(
            Notification.staff_id == staff_id,
            col(Notification.id).in_(notification_ids),
            col(Notification.seen_at).is_(None),
        )
    ).all()
    for row in rows:
        row.seen_at = clock.now()
    return len(rows)


def cancel_waiting(session: Session, referral_id: str, reason: str) -> int:
    """Cancel what waits to be sent about a referral: after a death nothing more goes out. Returns how many."""
    rows = session.exec(
        select(Notification).where(
            Notification.referral_id == referral_id, Notification.state == NotificationState.QUEUED
        )
    ).all()
    for row in rows:
        row.state, row.problem = NotificationState.CANCELLED, reason
    return len(rows)
