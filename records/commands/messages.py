"""Telling staff: one notification row a recipient and channel, unique by its key; and what becomes of its sending.

A message about a person to somebody of a facility leaves the program: it passes the gate of
`records/commands/disclosures.py` when it is claimed and once more at the moment of sending (`let_go`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from domain.messaging import Recipient, StaffMessage, is_too_old, plan_sending
from domain.vocabulary import Channel, NotificationState, Purpose, RecipientKind
from records import clock, engine, outgoing
from records.commands.disclosures import disclose, facility, went_out
from records.ids import new_id
from records.queries.case import began_here
from records.queries.consents import decide
from records.queries.report import is_told
from records.queries.restored import doubt, find_hold
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
    is_outward: bool = False  # to somebody of a facility about a person, or to the person: it leaves the program
    said: str = ""  # the words, once they are written

    @property
    def outbox_name(self) -> str:
        """To whom it is, in the local outbox."""
        return self.to


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
    may_have_gone = doubt(session)
    for sending in plan_sending(StaffMessage(template), _recipient(staff, program), now, is_high_risk=is_high_risk):
        channel = sending.channel
        full_key = f"{key}:{staff.id}:{channel.value}"
        if _was_told(session, full_key, referral_id):
            continue
        in_app = channel is Channel.IN_APP
        waits = NotificationState.UNCONFIRMED if may_have_gone else NotificationState.QUEUED
        state = NotificationState.SENT if in_app else waits
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
            state=state,
            created_at=now,
            not_before=sending.not_before,
            sent_at=now if in_app else None,
            problem="" if in_app else may_have_gone,
        )
        session.add(row)
        if state is NotificationState.QUEUED and sending.not_before <= now:  # a later one is started by upkeep
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
    referral = outward_of(session, notification_id)
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
    if referral is not None and (
        find_hold(session, row.program_id) or not _asks_gate(session, referral, row, is_last=False)
    ):
        return None  # held after a restore, it waits
    about = referral or (session.get(Referral, row.referral_id) if row.referral_id else None)
    row.state, row.claimed_at, row.tries = NotificationState.SENDING, now, row.tries + 1
    return Claimed(
        notification_id=row.id,
        key=row.key,
        channel=row.channel,
        template=row.template,
        to=to,
        staff_name=staff.first_name or staff.name,
        params=dict(row.params),
        referral_id=row.referral_id,
        number=about.number if about else "",
        is_outward=referral is not None,
    )


def let_go(session: Session, claimed: Claimed) -> Callable[[], None] | None:
    """The last question before a message about a person leaves for a facility; None: not any more, and it is recorded.

    A consent that is taken back from here on waits until what is returned is called: after the gateway has answered.
    """
    referral = outward_of(session, claimed.notification_id)
    row = session.exec(select(Notification).where(Notification.id == claimed.notification_id).with_for_update()).one()
    if referral is None or row.state is not NotificationState.SENDING or not _asks_gate(session, referral, row):
        return None
    return outgoing.going_out(session, referral.id)


def outward_of(session: Session, notification_id: str) -> Referral | None:
    """The referral of a message to somebody of a facility, locked before the message is: every command locks so."""
    about = session.exec(
        select(Notification.referral_id)
        .join(Staff, col(Staff.id) == col(Notification.staff_id))
        .where(Notification.id == notification_id, col(Staff.facility_id).is_not(None))
    ).first()
    if not about:
        return None
    locked = select(Referral).where(Referral.id == about).with_for_update()
    return session.exec(locked.execution_options(populate_existing=True)).first()


def _asks_gate(session: Session, referral: Referral, row: Notification, *, is_last: bool = True) -> bool:
    """Whether this message may go to that facility now. A refusal ends the message; a yes is written down when it is
    the last time that anybody asks."""
    now, staff = clock.now(), session.get_one(Staff, row.staff_id)
    recipient, to = facility(staff.facility_id or "")
    asked = (StaffMessage(row.template).tells, Purpose.COORDINATION)
    if is_told(session, referral, recipient.name):
        is_allowed = decide(session, referral.id, recipient, *asked, now).is_allowed
    else:
        recipient, is_allowed = replace(recipient, kind=RecipientKind.ORGANIZATION), False
    if not is_allowed or is_last:
        disclose(
            session,
            referral,
            f"message: {row.template}",
            recipient,
            *asked,
            now=now,
            to=to,
            subject_id=row.id,
            content={"channel": row.channel.value},
            is_out=False,
        )
    if not is_allowed:
        row.state, row.problem = NotificationState.WITHHELD, "the person’s consent does not cover it any more"
    return is_allowed


def release(session: Session, notification_id: str, problem: str) -> None:
    """The message was certainly not sent: put it back, to be tried again."""
    row = session.get_one(Notification, notification_id)
    if row.state is NotificationState.SENDING:
        row.state, row.claimed_at, row.problem = NotificationState.QUEUED, None, problem[:200]


def mark_sent(session: Session, notification_id: str, provider_id: str) -> None:
    """The gateway took it."""
    row = session.get_one(Notification, notification_id)
    row.state, row.sent_at, row.provider_id, row.problem = NotificationState.SENT, clock.now(), provider_id, ""
    went_out(session, row.id, clock.now())


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
