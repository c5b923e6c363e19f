"""Carrying out what is due. The case is read again under the lock: a late, doubled or stale wake-up is harmless."""

from __future__ import annotations

from collections.abc import Callable

from sqlmodel import Session

from domain import agenda
from domain.agenda import Item
from domain.plan import LOST_KEY
from domain.protocol import ContactRule
from domain.vocabulary import Ask, ContactState, Subject
from records.commands.closing import send_report
from records.commands.escalations import climb, raise_ladder, why_missed
from records.commands.messages import tell
from records.commands.offers import expire_offer, offer_next
from records.commands.work import Work, open_for_timer
from records.queries.next_item import NextItem
from records.queries.restored import once_due
from records.queries.staff import find_active, told_for
from records.tables import Contact

MOST_AT_ONCE = 200
"""More items than this due at one moment for one person is a mistake in a protocol, not a plan."""


class RunawayAgenda(RuntimeError):
    """An item stayed due after it was carried out."""


def carry_out(session: Session, referral_id: str) -> NextItem | None:
    """Carry out everything that is due now, once each; returns what comes next, or None when the case is over.

    Escalations carry the time when they really fell due, and give people their full time to answer from now.
    """
    work = open_for_timer(session, referral_id)
    done, case = 0, work.rows.settled_facts()
    item = agenda.next_item(case)
    while item is not None and item.at <= work.now:
        with once_due(session, item.at):
            _HANDLERS[item.kind](work, item)
        done += 1
        if done > MOST_AT_ONCE:
            raise RunawayAgenda(f"{item.kind} of {referral_id} stays due")
        case = work.rows.facts()
        item = agenda.next_item(case)
    if done:
        work.settle_as(case, item, nudge=False)
    return NextItem(item.at, item.kind) if item is not None else None


def _offer(work: Work, item: Item) -> None:
    offer_next(work, due_at=item.at)


def _offer_expires(work: Work, item: Item) -> None:
    expire_offer(work, item.subject_id, due_at=item.at)


def _escalates(subject: Subject, why: str, ask: Ask | None = None) -> Callable[[Work, Item], None]:
    def handler(work: Work, item: Item) -> None:
        raise_ladder(work, subject, item.subject_id, "supervisor", due_at=item.at, why=why, ask=ask)

    return handler


def _date_check(work: Work, item: Item) -> None:
    referral = work.referral
    raise_ladder(
        work,
        Subject.DATE,
        item.subject_id,
        "supervisor",
        due_at=item.at,
        why="The expected date has passed and no discharge is on record."
        if referral.expected_on
        else "No expected date is known. Ask whether the person is still there.",
    )
    tell(
        work.session,
        find_active(work.session, referral.planner_id),
        "date_check",
        key=f"date_check:{referral.id}:{item.at.isoformat()}",
        program_id=referral.program_id,
        referral_id=referral.id,
        now=work.now,
    )


def _remind(work: Work, item: Item) -> None:
    contact = work.rows.contact(item.subject_id)
    contact.prompted = sorted({*contact.prompted, item.detail})
    rule = work.rows.rule(contact.key)
    if contact.due_at <= work.now or (rule is not None and _is_prompted_again(work, contact, rule)):
        return  # we come late: nobody is reminded of what has gone by, nor twice at once
    roles = rule.warn_tell if rule is not None and item.detail == "warning" else ("bridger",)
    for _role, staff in told_for(work.session, work.rows, roles):
        if _role == "referrer":
            continue
        tell(
            work.session,
            staff,
            "contact_reminder",
            key=f"remind:{contact.id}:{item.detail}",
            program_id=work.referral.program_id,
            referral_id=work.referral.id,
            subject_id=contact.id,
            now=work.now,
            due_at=contact.due_at.isoformat(),
        )
    work.record("contact.reminded", at=item.at, subject_id=contact.id, prompt=item.detail, due_at=contact.due_at)


def _is_prompted_again(work: Work, contact: Contact, rule: ContactRule) -> bool:
    moments = agenda.prompts(rule, contact.opens_at, contact.due_at, work.rows.person.zone)
    return any(at <= work.now and name not in contact.prompted for name, at in moments)


def _contact_missed(work: Work, item: Item) -> None:
    contact = work.rows.contact(item.subject_id)
    contact.state, contact.missed_at = ContactState.MISSED, item.at
    work.record(
        "contact.missed",
        at=item.at,
        subject_id=contact.id,
        key=contact.key,
        seq=contact.seq,
        cycle=contact.cycle,
        due_at=contact.due_at,
        overdue_on_arrival=contact.is_overdue_on_arrival or None,
    )
    rule = work.rows.rule(contact.key)
    raise_ladder(
        work,
        Subject.CONTACT,
        contact.id,
        rule.ladder if rule is not None else "supervisor",
        due_at=item.at,
        why=why_missed(work, contact.title, contact.due_at, contact.opens_at),
        ask=Ask.LOCATE if contact.key == LOST_KEY else None,
    )


def _climb(work: Work, item: Item) -> None:
    climb(work, work.rows.escalation(item.subject_id), due_at=item.at)


def _streak(work: Work, item: Item) -> None:
    key, misses, _cycle, _seq = item.subject_id.split(":")
    rule = work.rows.rule(key)
    title = rule.title if rule is not None else key
    raise_ladder(
        work, Subject.STREAK, item.subject_id, item.detail, due_at=item.at, why=f"{title}: {misses} missed in a row."
    )


def _consent_expires(work: Work, item: Item) -> None:
    referral = work.referral
    referral.consent_warned_at = work.now
    work.record("consent.expiring", at=item.at, expires_at=referral.consent_expires_at)
    for staff_id in dict.fromkeys((referral.bridger_id, work.rows.program.supervisor_id)):
        tell(
            work.session,
            find_active(work.session, staff_id),
            "consent_expiring",
            key=f"consent:{referral.id}:{referral.consent_expires_at}",
            program_id=referral.program_id,
            referral_id=referral.id,
            now=work.now,
        )


def _report(work: Work, item: Item) -> None:
    send_report(work, due_at=item.at)


_HANDLERS: dict[str, Callable[[Work, Item], None]] = {
    agenda.OFFER: _offer,
    agenda.OFFER_EXPIRES: _offer_expires,
    agenda.UNACCEPTED: _escalates(Subject.ACCEPTANCE, "The referral was not answered in the promised time."),
    agenda.UNASSIGNED: _escalates(Subject.ASSIGNMENT, "Nobody has this person, and the promised time has passed."),
    agenda.DATE_CHECK: _date_check,
    agenda.REMIND: _remind,
    agenda.CONTACT_MISSED: _contact_missed,
    agenda.UNACKNOWLEDGED: _climb,
    agenda.UNRESOLVED: _climb,
    agenda.STREAK: _streak,
    agenda.REVIEW: _escalates(Subject.HOLD, "The hold has lasted long: keep waiting, or close?", Ask.DECIDE),
    agenda.CANCEL_UNDECIDED: _escalates(
        Subject.CANCEL, "The referrer asked to cancel and waits for an answer.", Ask.DECIDE
    ),
    agenda.CONSENT_PENDING: _escalates(
        Subject.CONSENT, "The person's agreement is not on record: record it, or close.", Ask.DECIDE
    ),
    agenda.CONSENT_EXPIRES: _consent_expires,
    agenda.CLOSE_LOST: _escalates(
        Subject.LOST, "The search has lasted as long as the protocol asks.", Ask.SIGN_CLOSURE
    ),
    agenda.FINISH: _escalates(Subject.FINISH, "The plan has run its course: close, or extend.", Ask.SIGN_CLOSURE),
    agenda.REPORT: _report,
}
