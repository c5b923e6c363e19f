"""What bridgers do: attempts logged, tasks done, contacts waived or moved, the search for somebody lost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from domain.contact import LATE_ENTRY, is_contact, met_by, soonest
from domain.errors import Conflict, IllegalState, Invalid
from domain.states import CONTACT
from domain.vocabulary import (
    ClosureReason,
    ContactState,
    Counts,
    HoldReason,
    Mode,
    Outcome,
    ReferralStatus,
    Resolution,
    Subject,
    TextKind,
)
from records.access import Actor
from records.commands.closing import die_work, end_work
from records.commands.crediting import credit, meet
from records.commands.effort import require_full_effort
from records.commands.escalations import settle_ladder, settle_reached
from records.commands.holds import hold_work
from records.commands.person_texts import queue_text
from records.commands.planning import replan_case
from records.commands.text import checked_text
from records.commands.texting import quarantine, take_back_quarantine
from records.commands.work import Work, open_case
from records.ids import new_id
from records.settings import get_settings
from records.tables import Attempt, Contact

LONGEST_MINUTES = 600
_FOLLOWED = (ReferralStatus.ACCEPTED, ReferralStatus.IN_PROGRESS)


@dataclass(frozen=True, slots=True)
class Logged:
    """What logging an attempt did: the row, what it met, and what else followed from it."""

    attempt: Attempt
    met: tuple[Contact, ...]
    met_late: tuple[Contact, ...]
    consequence: str = ""


def log_attempt(
    session: Session,
    actor: Actor,
    referral_id: str,
    mode: Mode,
    outcome: Outcome,
    *,
    at: datetime | None = None,
    minutes: int | None = None,
    note: str = "",
    contact_id: str | None = None,
    call_back_at: datetime | None = None,
    reoffer_note: str = "",
) -> Logged:
    """Log one try to reach the person, now or within the back-dating limit.

    A live two-way exchange meets every contact whose window holds it. Found in hospital or in custody puts the case on
    hold; declined ends it, with no penalty in words; a death ends it and stops every message.
    Raises Invalid, IllegalState, NotFound.
    """
    work = open_case(session, actor, referral_id, "log_attempt")
    work.require("attempt.logged")
    at = at or work.now
    _check_time(work, at)
    _check_entry(mode, outcome, minutes)
    target = work.rows.contact(contact_id) if contact_id else None
    case = work.rows.settled_facts()
    met = met_by(case, mode, outcome, at)
    chosen = target.id if target else next(iter(met), None)
    if chosen is None:
        first = soonest(case.contacts, at)
        chosen = first.id if first else None
    row = Attempt(
        id=new_id("att"),
        program_id=work.referral.program_id,
        referral_id=work.referral.id,
        contact_id=chosen,
        at=at,
        recorded_at=work.now,
        recorded_by=actor.id,
        mode=mode,
        outcome=outcome,
        minutes=minutes,
        note=checked_text(note, "note"),
        call_back_at=call_back_at,
        is_late_entry=work.now - at > LATE_ENTRY,
        met=sorted(met),
    )
    work.add(row)
    if "attempts" in work.rows.__dict__:
        work.rows.attempts.append(row)
    work.record(
        "attempt.logged",
        at=at,
        subject_id=row.id,
        mode=mode,
        outcome=outcome,
        minutes=minutes,
        note=row.note or None,
        contact=chosen,
        late_entry=row.is_late_entry or None,
        call_back_at=call_back_at,
    )
    _quarantine_wrong_number(work, outcome, mode)
    _say_that_we_called(work, row)
    in_time, late = meet(work, row, met)
    is_live = is_contact(mode, outcome)
    if is_live:
        settle_reached(work, at)
    consequence = _consequence(work, outcome, at, note, reoffer_note)
    if is_live and work.referral.lost_at is not None and work.referral.status.is_open:
        _found_again(work)
    work.settle()
    return Logged(row, tuple(in_time), tuple(late), consequence)


def _consequence(work: Work, outcome: Outcome, at: datetime, note: str, reoffer_note: str) -> str:
    if outcome is Outcome.DIED:
        die_work(work, work.now)
        return "died"
    if outcome is Outcome.DECLINED:
        end_work(work, ClosureReason.DECLINED, checked_text(reoffer_note, "reoffer_note"))
        return "closed"
    if work.referral.status is ReferralStatus.ON_HOLD:
        return ""
    if outcome is Outcome.IN_HOSPITAL:
        hold_work(work, HoldReason.READMITTED, since=at, note="Found in hospital.")
        return "held"
    if outcome is Outcome.IN_CUSTODY:
        hold_work(work, HoldReason.IN_CUSTODY, since=at, note="Found in custody.")
        return "held"
    return ""


def _found_again(work: Work) -> None:
    """Somebody who was lost appeared: the search ends and the plan goes on (acceptance scenario 47)."""
    work.referral.lost_at = None
    settle_ladder(work, Resolution.REACHED, subject=Subject.LOST, note="The person was found.")
    work.record("search.ended", found=True)
    replan_case(work, "the person was found")


def _quarantine_wrong_number(work: Work, outcome: Outcome, mode: Mode) -> None:
    """A wrong number is not called again until somebody corrects it."""
    if outcome is not Outcome.WRONG_NUMBER or not mode.needs_phone:
        return
    person = work.rows.person
    usable = [p for p in person.phones if not p.get("is_quarantined")]
    if len(usable) == 1:
        quarantine(work, str(usable[0]["number"]), _ANSWERED_BY_ANOTHER, by=work.actor_id)


_ANSWERED_BY_ANOTHER = "somebody else answered a call there"


def _say_that_we_called(work: Work, row: Attempt) -> None:
    """Nobody answered a call just now: a text says so, where the person wants texts. It is no attempt of its own."""
    if row.mode is Mode.CALL and row.outcome is Outcome.NO_ANSWER and not row.is_late_entry:
        queue_text(work.session, work.referral, work.rows.person, TextKind.TRIED, key=row.id, now=work.now)


def _restore_number(work: Work, taken_back: Attempt) -> None:
    """A number that this entry set aside is used again; what else speaks against it stays."""
    if taken_back.outcome is Outcome.WRONG_NUMBER:
        take_back_quarantine(work, _ANSWERED_BY_ANOTHER, at=taken_back.recorded_at)


def _check_time(work: Work, at: datetime) -> None:
    days = get_settings().late_entry_days
    if at > work.now + timedelta(minutes=5):
        raise Invalid("in_the_future", "This time has not come yet. Check the date and time.", field="at")
    if at < work.now - timedelta(days=days):
        raise Invalid(
            "too_long_ago", f"Contacts can be entered up to {days} days later. Add a note for older ones.", field="at"
        )
    if work.referral.accepted_at is not None and at < work.referral.accepted_at - timedelta(days=1):
        raise Invalid("before_acceptance", "This is before the program accepted the referral.", field="at")


def _check_entry(mode: Mode, outcome: Outcome, minutes: int | None) -> None:
    if minutes is not None and not 0 <= minutes <= LONGEST_MINUTES:
        raise Invalid("minutes", f"Minutes are between 0 and {LONGEST_MINUTES}.", field="minutes")
    if mode is Mode.COLLATERAL and outcome in (
        Outcome.REACHED,
        Outcome.NO_ANSWER,
        Outcome.LEFT_MESSAGE,
        Outcome.WRONG_NUMBER,
        Outcome.CALL_LATER,
        Outcome.DECLINED,
    ):
        raise Invalid(
            "collateral",
            "Somebody else's word is information, not a contact. Choose “News of them”.",
            field="outcome",
        )
    if outcome is Outcome.WRONG_NUMBER and not mode.needs_phone:
        raise Invalid("wrong_number", "A wrong number goes with a call or a text.", field="outcome")


def take_back_attempt(session: Session, actor: Actor, referral_id: str, attempt_id: str, why: str) -> Attempt:
    """An attempt was logged by mistake: what it met is awaited or missed again, both stay in the journal."""
    work = open_case(session, actor, referral_id, "take_back_attempt")
    work.require_not_settled()
    row = next((a for a in work.rows.attempts if a.id == attempt_id), None)
    if row is None:
        raise Conflict("no_attempt", "This entry is not there, or was taken back before.")
    if row.recorded_by != actor.id and not actor.may("assign"):
        raise Conflict("not_yours", "Only who entered it or a supervisor can take it back.")
    row.is_retracted = True
    work.rows.attempts.remove(row)
    work.record("attempt.retracted", subject_id=row.id, note=checked_text(why, "why", required=True))
    reopened = []
    for contact in work.rows.contacts:
        if contact.met_by == row.id and contact.state in (ContactState.MET, ContactState.MET_LATE):
            contact.state, contact.met_at, contact.met_by = ContactState.PLANNED, None, None
            reopened.append(contact)
            work.record("contact.reopened", subject_id=contact.id, key=contact.key, due_at=contact.due_at)
    credit(work, {contact.id for contact in reopened})
    _restore_number(work, row)
    _rest_with_the_case(work, [contact for contact in reopened if contact.state.is_awaited])
    _leave_out_what_is_over(work, reopened)
    work.settle()
    return row


def _rest_with_the_case(work: Work, contacts: list[Contact]) -> None:
    """What is awaited again in a case that is over or on hold is not: nobody is to be called about it. On hold the
    meetings of that very hold go on, and so do introductions."""
    if work.referral.status in _FOLLOWED:
        return
    is_over = work.referral.status.is_over
    state = ContactState.CLOSED if is_over else ContactState.SUSPENDED
    contacts = [contact for contact in contacts if is_over or not _stands_in_this_hold(work, contact)]
    if not contacts:
        return
    for contact in contacts:
        contact.state, contact.reason = state, "the entry that met it was taken back"
    work.record(f"contacts.{state.value}", reason=contacts[0].reason, contacts=[c.id for c in contacts])


def _stands_in_this_hold(work: Work, contact: Contact) -> bool:
    rule = work.rows.rule(contact.key)
    is_of_hold = rule is not None and rule.due.after == "hold" and contact.seq == len(work.rows.holds)
    return is_of_hold or work.rows.is_apart(contact)


def _leave_out_what_is_over(work: Work, reopened: list[Contact]) -> None:
    """The plan may have gone on since: nobody meets somebody inside who has left, or keeps to the usual rhythm while
    the person is looked for."""
    if any(contact.state.is_awaited for contact in reopened) and work.referral.status in _FOLLOWED:
        why = "what met it was taken back, and the plan has gone on"
        replan_case(work, why, removed=ContactState.CLOSED, removed_reason=why)


def complete_task(session: Session, actor: Actor, referral_id: str, contact_id: str, note: str = "") -> Contact:
    """A check on the plan was done: an appointment settled, papers packed. Doing it twice changes nothing."""
    work = open_case(session, actor, referral_id, "log_attempt")
    work.require_open()
    contact = work.rows.contact(contact_id)
    rule = work.rows.rule(contact.key)
    if rule is None or rule.counts is not Counts.TASK:
        raise IllegalState("This is met by reaching the person, not by ticking it off.", state=contact.state)
    if contact.state in (ContactState.MET, ContactState.MET_LATE):
        return contact
    CONTACT.require("contact.met", contact.state, f"This is {contact.state.label.lower()}.")
    contact.state = ContactState.MET if work.now <= contact.due_at else ContactState.MET_LATE
    contact.met_at = work.now
    work.record(
        f"contact.{contact.state.value}",
        subject_id=contact.id,
        key=contact.key,
        seq=contact.seq,
        cycle=contact.cycle,
        due_at=contact.due_at,
        note=checked_text(note, "note") or None,
    )
    settle_ladder(work, Resolution.ARRANGED, subject=Subject.CONTACT, subject_id=contact.id, note="It was done.")
    work.settle()
    return contact


def waive_contact(session: Session, actor: Actor, referral_id: str, contact_id: str, reason: str) -> Contact:
    """A supervisor lets a contact go, with a reason that stays; it leaves the measures by rule, not by deletion."""
    work = open_case(session, actor, referral_id, "waive")
    work.require_open()
    contact = work.rows.contact(contact_id)
    if contact.state is ContactState.WAIVED:
        return contact
    CONTACT.require("contact.waived", contact.state, f"This contact is {contact.state.label.lower()}.")
    contact.reason = checked_text(reason, "reason", required=True)
    was = contact.state
    contact.state = ContactState.WAIVED
    work.record(
        "contact.waived",
        subject_id=contact.id,
        key=contact.key,
        seq=contact.seq,
        cycle=contact.cycle,
        due_at=contact.due_at,
        was=was,
        reason=contact.reason,
    )
    settle_ladder(
        work, Resolution.NOT_NEEDED, subject=Subject.CONTACT, subject_id=contact.id, note="Waived.", by=actor.id
    )
    work.settle()
    return contact


def change_rhythm(session: Session, actor: Actor, referral_id: str, key: str, every_days: int, reason: str) -> int:
    """The person asks for another rhythm (“call me monthly”): contacts in between are waived with the reason.

    Keeps one contact of the series in every `every_days` days; returns how many were waived (acceptance scenario 48).
    """
    work = open_case(session, actor, referral_id, "waive")
    work.require_open()
    text = checked_text(reason, "reason", required=True)
    rule = work.rows.rule(key)
    if rule is None or rule.every is None:
        raise Invalid("key", "Choose a contact that repeats.", field="key")
    if not 1 <= every_days <= 90:
        raise Invalid("every_days", "Choose between 1 and 90 days.", field="every_days")
    kept_until, waived = work.now, 0
    for contact in [c for c in work.rows.contacts if c.key == key and c.state is ContactState.PLANNED]:
        if contact.due_at >= kept_until + timedelta(days=every_days):
            kept_until = contact.due_at
            continue
        contact.state, contact.reason = ContactState.WAIVED, text
        waived += 1
        work.record(
            "contact.waived",
            subject_id=contact.id,
            key=key,
            seq=contact.seq,
            cycle=contact.cycle,
            due_at=contact.due_at,
            was=ContactState.PLANNED,
            reason=text,
        )
    work.record("rhythm.changed", key=key, every_days=every_days, reason=text, waived=waived)
    work.settle()
    return waived


def declare_lost(session: Session, actor: Actor, referral_id: str, note: str) -> None:
    """Every step was tried: the search cadence takes the place of the usual plan.

    Raises Conflict before the person has left, and while the protocol still asks for attempts.
    """
    work = open_case(session, actor, referral_id, "waive")
    work.require("search.started")
    if work.referral.discharged_at is None:
        raise Conflict("not_discharged", "The search begins after the person has left.")
    if work.referral.lost_at is not None:
        return
    for call in work.rows.escalations:
        if call.state.is_open:
            require_full_effort(work, call)
    work.referral.lost_at = work.now
    work.record("search.started", note=checked_text(note, "note", required=True))
    for subject in (Subject.CONTACT, Subject.STREAK):
        settle_ladder(work, Resolution.UNABLE_TO_REACH, subject=subject, note="The search began.", by=actor.id)
    replan_case(work, "the search began")
    work.settle()
