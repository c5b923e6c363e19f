"""What people text back: taken once, judged by its words (`domain/replies.py`), shown to their bridger, and acted on.

STOP and a wrong number hold from the moment at which they are taken in. Danger goes to the on-call clinician at once. A
number that nobody here has is taken quietly: nothing of it is kept but that it asked us to stop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session, col, func, select

from domain.errors import NotFound
from domain.replies import Reply, read_reply
from domain.texting import language_of
from domain.vocabulary import ReplyKind, Subject, TextKind
from records import clock, outgoing
from records.access import Actor
from records.commands.escalations import raise_ladder
from records.commands.incidents import open_incident
from records.commands.messages import tell
from records.commands.person_texts import answer_by_text, cancel_texts, number_key
from records.commands.texting import quarantine
from records.commands.work import Work, open_case, open_for_timer
from records.ids import new_id
from records.marks import is_phone, phone_mark
from records.queries.staff import find_active, supervisor_of
from records.queries.texting import Holder, holders_of, last_texted, latest_answer
from records.tables import Inbound, NumberAnswer, Staff, TextReply

SOURCE = "sms"
LONGEST = 2_000
"""Characters that are kept of one text; carriers join at most about 1,600."""
QUIET = timedelta(minutes=10)
"""So long a bridger is not told again of further texts while the first waits to be read."""
MOST_AN_HOUR = 100
"""Texts of one number that are kept within an hour; a person writes fewer, a machine that answers ours would not. Words
of danger, STOP and a wrong number count however many came before."""
WHY_DANGER = "They wrote something by text that may mean danger. Read it on their page, and call them."
WHY_WRONG = "somebody else answered a text there"


@dataclass(frozen=True, slots=True)
class IncomingText:
    """One text as the gateway brings it. `number` is E.164; `handled` what the gateway has answered by itself already:
    `STOP`, `START`, `HELP`, or nothing."""

    message_id: str
    number: str
    body: str
    handled: str = ""


def take_reply(session: Session, text: IncomingText) -> bool:
    """Take in one text. The same message again changes nothing. Returns whether it was new."""
    outgoing.in_line(session, f"{SOURCE}:{text.message_id}")
    known = select(Inbound.id).where(Inbound.source == SOURCE, Inbound.message_id == text.message_id)
    if session.exec(known.where(Inbound.program_id == "")).first() is not None:
        return False
    holders = holders_of(session, text.number)
    names = [name for one in holders if not one.is_shared for name in (one.person.given_name, one.person.called)]
    reply = _as_handled(read_reply(text.body, names), text.handled)
    _note_it_came(session, text, reply, is_known=bool(holders))
    works = [open_for_timer(session, referral_id) for referral_id in sorted({one.referral_id for one in holders})]
    if reply.asks_to_stop or reply.kind in (ReplyKind.START, ReplyKind.WRONG_NUMBER):
        outgoing.hold_back(session, number_key(text.number))
    has_changed = _keep_answer(session, text, reply)
    if not works:
        return True
    concerned = _concerned(session, text.number, works, holders, reply)
    if reply.kind is ReplyKind.WORDS and not reply.danger and _is_flooding(session, text.number):
        concerned = []
    for work in concerned:
        _take(work, text, reply, has_changed=has_changed)
    _answer(session, text, reply, concerned, has_changed=has_changed)
    for work in works:
        work.settle()
    return True


def _as_handled(reply: Reply, handled: str) -> Reply:
    """What the gateway itself took for a no is one, whatever the words."""
    if handled == "STOP" and not reply.asks_to_stop:
        return Reply(ReplyKind.STOP, "the gateway says so", True, reply.danger)
    return reply


def _note_it_came(session: Session, text: IncomingText, reply: Reply, *, is_known: bool) -> None:
    """That it came, so that it counts once; the words are kept with the person, or not at all."""
    session.add(
        Inbound(
            id=new_id("inb"),
            program_id="",
            source=SOURCE,
            message_id=text.message_id,
            fingerprint="",
            body="",
            result={"kind": reply.kind.value, "is_known": is_known},
            received_at=clock.now(),
        )
    )


def _keep_answer(session: Session, text: IncomingText, reply: Reply) -> bool:
    """Keep a STOP or START of the number; returns whether it changed anything."""
    if not (reply.asks_to_stop or reply.kind is ReplyKind.START):
        return False
    latest = latest_answer(session, text.number)
    if (latest is not None and latest.is_stop) is reply.asks_to_stop:
        return False
    session.add(
        NumberAnswer(
            id=new_id("nan"),
            number=text.number,
            number_mark=phone_mark(text.number),
            version=(latest.version if latest else 0) + 1,
            is_stop=reply.asks_to_stop,
            phrase=reply.phrase,
            message_id=text.message_id,
            at=clock.now(),
        )
    )
    session.flush()
    if reply.asks_to_stop:
        cancel_texts(session, "this number asked for no more texts", number=text.number)
    return True


def _concerned(
    session: Session, number: str, works: Sequence[Work], holders: Sequence[Holder], reply: Reply
) -> list[Work]:
    """Whose text it is: of several who share the number, whoever was texted last. What concerns the number or
    somebody's life is everybody's who has it."""
    if reply.kind is not ReplyKind.WORDS or reply.danger or len(holders) == 1:
        return list(works)
    last = last_texted(session, number)
    return [work for work in works if work.referral.id == last] or list(works)


def _is_flooding(session: Session, number: str) -> bool:
    since = clock.now() - timedelta(hours=1)
    recent = select(func.count()).where(
        is_phone(col(TextReply.number_mark), number), col(TextReply.received_at) > since
    )
    return session.exec(recent).one() >= MOST_AN_HOUR


def _take(work: Work, text: IncomingText, reply: Reply, *, has_changed: bool) -> None:
    """Keep it with the person, tell their bridger, and do what it asks."""
    row = TextReply(
        id=new_id("rep"),
        program_id=work.referral.program_id,
        referral_id=work.referral.id,
        person_id=work.rows.person.id,
        message_id=text.message_id,
        number=text.number,
        number_mark=phone_mark(text.number),
        body=text.body[:LONGEST],
        kind=reply.kind,
        is_danger=bool(reply.danger),
        why=reply.why,
        received_at=work.now,
    )
    waits = _waits_unread(work)
    work.add(row)
    work.record("text.replied", subject_id=row.id, kind=reply.kind)
    if reply.asks_to_stop and has_changed:
        work.record("texts.stopped", subject_id=row.id)
    if reply.kind is ReplyKind.START and has_changed:
        work.record("texts.resumed", subject_id=row.id)
    if reply.kind is ReplyKind.WRONG_NUMBER:
        quarantine(work, text.number, WHY_WRONG, by=work.actor_id)
        open_incident(work, text.number, reply_id=row.id)
    if not waits or reply.danger:
        _tell_bridger(work, row)
    if reply.danger:
        _tell_clinician(work, row)


def _waits_unread(work: Work) -> bool:
    """Whether the bridger was told of a text just now and has not read it."""
    unread = select(TextReply.id).where(
        TextReply.referral_id == work.referral.id,
        col(TextReply.seen_at).is_(None),
        col(TextReply.received_at) > work.now - QUIET,
    )
    return work.session.exec(unread).first() is not None


def _tell_bridger(work: Work, row: TextReply) -> None:
    bridger: Staff | None = find_active(work.session, work.referral.bridger_id)
    tell(
        work.session,
        bridger or supervisor_of(work.session, work.rows),
        "reply_received",
        key=f"reply:{row.id}",
        program_id=row.program_id,
        referral_id=row.referral_id,
        subject_id=row.id,
        is_high_risk=row.is_danger or work.rows.is_high_risk,
        now=work.now,
    )


def _tell_clinician(work: Work, row: TextReply) -> None:
    """The call that a safety concern is: at any hour, to the on-call clinician. While one about their texts is open,
    the same people are told again; when the case is over, whoever is on call looks it up."""
    if work.referral.status.is_open:
        open_calls = [e for e in work.rows.escalations if e.subject is Subject.SAFETY and e.state.is_open]
        if not any(call.why == WHY_DANGER for call in open_calls):
            work.record(
                "concern.raised", subject_id=row.id, note="It came from their own text; it is with their replies."
            )
            raise_ladder(work, Subject.SAFETY, row.id, "safety", due_at=work.now, why=WHY_DANGER)
            return
    program = work.rows.program
    for staff_id in dict.fromkeys((program.clinician_id, program.supervisor_id)):
        tell(
            work.session,
            find_active(work.session, staff_id),
            "safety_concern",
            key=f"reply:{row.id}",
            program_id=row.program_id,
            referral_id=row.referral_id,
            subject_id=row.id,
            now=work.now,
        )


def _answer(
    session: Session, text: IncomingText, reply: Reply, concerned: Sequence[Work], *, has_changed: bool
) -> None:
    """What goes back by itself: one confirmation of a STOP or START, who we are, or where help is at any hour. A
    stranger at a wrong number gets nothing more."""
    if not concerned or reply.kind is ReplyKind.WRONG_NUMBER:
        return
    kinds = []
    if reply.kind is ReplyKind.STOP:
        kinds = [TextKind.STOPPED] if has_changed and text.handled != "STOP" else []
    elif reply.danger:
        kinds = [TextKind.DANGER]
    elif reply.kind is ReplyKind.START:
        kinds = [TextKind.RESUMED] if has_changed and text.handled != "START" else []
    elif reply.kind is ReplyKind.HELP:
        kinds = [TextKind.HELP] if text.handled != "HELP" else []
    work = concerned[0]
    for kind in kinds:
        language = reply.language or language_of(work.rows.person.language)
        answer_by_text(
            session, work.referral, work.rows.person, kind,
            number=text.number, message_id=text.message_id, language=language,
        )  # fmt: skip


def mark_reply_seen(session: Session, actor: Actor, referral_id: str, reply_id: str) -> TextReply:
    """Somebody who works with the person has read it. Twice changes nothing. Raises NotFound."""
    work = open_case(session, actor, referral_id, "see_texts")
    row = session.exec(select(TextReply).where(TextReply.id == reply_id, TextReply.referral_id == referral_id)).first()
    if row is None:
        raise NotFound("That reply")
    if row.seen_at is None:
        row.seen_at, row.seen_by = work.now, actor.id
        work.record("text.seen", subject_id=row.id, by=actor.id)
        work.settle()
    return row
