"""Calls for other people: raised rung by rung, taken, acted on, settled."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlmodel import Session

from domain.errors import Conflict, IllegalState, Invalid, NotAllowed
from domain.plan import is_try
from domain.protocol import Rung
from domain.spoken import spoken_due
from domain.states import ESCALATION
from domain.vocabulary import (
    Ask,
    Category,
    ContactState,
    EscalationState,
    Outcome,
    Purpose,
    Resolution,
    Role,
    Subject,
    WelfareDecision,
)
from records.access import Actor
from records.commands.disclosures import disclose, facility
from records.commands.effort import require_full_effort
from records.commands.messages import tell
from records.commands.text import checked_text
from records.commands.work import Work, open_case
from records.ids import new_id
from records.queries.restored import earliest_rung, once_due
from records.queries.staff import told_for
from records.tables import Escalation, EscalationTold

SETTLED = "This is settled already."
_OPEN = EscalationState.RAISED, EscalationState.ACKNOWLEDGED

FOLLOW_UP = frozenset({Subject.CONTACT, Subject.STREAK, Subject.RELEASE, Subject.DATE, Subject.LOST, Subject.FINISH})
"""What is called about because the person is out there, or expected to be: pointless while they are inside."""


def raise_ladder(
    work: Work,
    subject: Subject,
    subject_id: str,
    ladder: str,
    *,
    due_at: datetime,
    why: str,
    ask: Ask | None = None,
) -> Escalation | None:
    """Raise the first rung of a ladder, unless the same call is already open; returns it, or None."""
    mine = [e for e in work.rows.escalations if e.subject is subject and e.subject_id == subject_id]
    if any(e.state in _OPEN for e in mine):
        return None
    occurrence = max((e.occurrence for e in mine), default=0) + 1
    return _raise(work, subject, subject_id, occurrence, ladder, 0, due_at=due_at, why=why, ask=ask)


def climb(work: Work, escalation: Escalation, *, due_at: datetime) -> None:
    """Nobody answered, or nothing was settled: tell the next; at the top, or with a clinician at work, tell again."""
    rungs = work.rows.rungs(escalation.ladder)
    at_top = escalation.rung + 1 >= len(rungs)
    if at_top or (escalation.decision is not None and escalation.decision.needs_outcome):
        _tell_again(work, escalation, rungs[escalation.rung])
        return
    _raise(
        work,
        escalation.subject,
        escalation.subject_id,
        escalation.occurrence,
        escalation.ladder,
        escalation.rung + 1,
        due_at=due_at,
        why=escalation.why,
    )


def _raise(
    work: Work,
    subject: Subject,
    subject_id: str,
    occurrence: int,
    ladder: str,
    number: int,
    *,
    due_at: datetime,
    why: str,
    ask: Ask | None = None,
) -> Escalation:
    case = work.rows.facts()
    rung: Rung = case.rungs(ladder)[number]
    told = told_for(work.session, work.rows, rung.tell or ("peer_supervisor",))
    owner = next((staff for role, staff in told if role != "referrer"), None)
    row = Escalation(
        id=new_id("esc"),
        program_id=work.referral.program_id,
        referral_id=work.referral.id,
        subject=subject,
        subject_id=subject_id,
        occurrence=occurrence,
        ladder=ladder,
        rung=number,
        ask=ask or rung.ask,
        told=[{"staff_id": s.id, "name": s.name, "role": role} for role, s in told],
        owner_id=owner.id if owner else None,
        why=why,
        high_risk=case.is_high_risk,
        due_at=due_at,
        raised_at=work.now,
        answer_by=rung.answer.of(case.is_high_risk).after(work.now, case.zone, case.calendar),
    )
    work.add(row)
    work.rows.escalations.append(row)
    with once_due(work.session, earliest_rung(work.rows, row)):
        for role, staff in told:
            if role != "referrer":
                work.add(EscalationTold(escalation_id=row.id, staff_id=staff.id, referral_id=row.referral_id))
            tell(
                work.session,
                staff,
                _message(row, role),
                key=f"escalation:{row.id}",
                program_id=row.program_id,
                referral_id=row.referral_id,
                subject_id=row.id,
                now=work.now,
                answer_by=row.answer_by.isoformat(),
            )
    if "referrer" in rung.tell and work.referral.planner_id:
        recipient, to = facility(work.referral.facility_id)
        asked = (recipient, Category.STANDING, Purpose.COORDINATION)
        disclose(
            work.session, work.referral, "escalation", *asked, now=work.now, to=to, by=work.actor_id, subject_id=row.id
        )
    if "referrer" in rung.tell and all(role != "referrer" for role, _ in told):
        work.record("disclosure.withheld", subject_id=row.id, what="escalation", reason="consent does not cover it")
    work.record(
        "escalation.raised",
        at=work.now,
        subject_id=row.id,
        subject=subject,
        about=subject_id,
        ladder=ladder,
        rung=number,
        ask=row.ask,
        due_at=due_at,
        answer_by=row.answer_by,
        told=[s.id for _, s in told],
        why=why,
    )
    return row


def _message(row: Escalation, role: str) -> str:
    if role == "referrer":
        return "referrer_told"
    if row.subject is Subject.SAFETY:
        return "safety_concern"
    return "welfare_check_due" if row.ask is Ask.WELFARE_CHECK else "escalation_raised"


def _tell_again(work: Work, escalation: Escalation, rung: Rung) -> None:
    case = work.rows.facts()
    escalation.alerts += 1
    again = rung.outcome if escalation.decision is not None and escalation.decision.needs_outcome else rung.again
    until = again.after(work.now, case.zone, case.calendar)
    if escalation.state is EscalationState.RAISED:
        escalation.answer_by = until
    else:
        escalation.act_by = until
    for _role, staff in told_for(work.session, work.rows, rung.tell or ("program_manager",)):
        if _role == "referrer":
            continue
        tell(
            work.session,
            staff,
            "escalation_again",
            key=f"escalation:{escalation.id}:again:{escalation.alerts}",
            program_id=escalation.program_id,
            referral_id=escalation.referral_id,
            subject_id=escalation.id,
            now=work.now,
        )
    work.record("escalation.repeated", subject_id=escalation.id, alerts=escalation.alerts, until=until)


def settle_ladder(
    work: Work,
    resolution: Resolution,
    *,
    subject: Subject | frozenset[Subject] | None = None,
    subject_id: str | None = None,
    note: str = "",
    by: str | None = None,
) -> int:
    """Settle every open rung about this (or about anything), because of what happened; returns how many."""
    subjects = frozenset({subject}) if isinstance(subject, Subject) else subject
    count = 0
    for row in work.rows.escalations:
        if row.state is EscalationState.RESOLVED:
            continue
        if subjects is not None and row.subject not in subjects:
            continue
        if subject_id is not None and row.subject_id != subject_id:
            continue
        row.state, row.resolved_at, row.resolved_by = EscalationState.RESOLVED, work.now, by
        row.resolution, row.resolution_note = resolution, note
        work.record("escalation.resolved", subject_id=row.id, resolution=resolution, note=note, rung=row.rung, by=by)
        count += 1
    return count


def call_again(work: Work, settled_ids: Collection[str]) -> None:
    """The hold or the end that settled these calls was taken back: each ladder begins again, at its first rung.

    They keep the time when they really fell due. What is not missed any more is not called about. A ladder that the
    protocol does not have any more, since the case was moved meanwhile, is the supervisor's.
    """
    missed = {c.id for c in work.rows.contacts if c.state is ContactState.MISSED}
    for row in [e for e in work.rows.escalations if e.rung == 0 and e.id in settled_ids]:
        if row.subject is Subject.CONTACT and row.subject_id not in missed:
            continue
        ladder = row.ladder if work.rows.has_ladder(row.ladder) else "supervisor"
        raise_ladder(work, row.subject, row.subject_id, ladder, due_at=row.due_at, why=row.why, ask=row.ask)


def hurry(work: Work) -> None:
    """The person is at high risk now: whoever was called has the shorter time, counted from when they were told.

    Never a longer one.
    """
    case = work.rows.facts()
    if not case.is_high_risk:
        return
    for row in work.rows.escalations:
        if not row.state.is_open or row.alerts > 1:
            continue
        rung = case.rungs(row.ladder)[row.rung]
        row.high_risk = True
        row.answer_by = min(row.answer_by, rung.answer.of(True).after(row.raised_at, case.zone, case.calendar))
        if row.act_by is not None and row.acknowledged_at is not None and row.decision is None:
            row.act_by = min(row.act_by, rung.act.of(True).after(row.acknowledged_at, case.zone, case.calendar))


def acknowledge(session: Session, actor: Actor, referral_id: str, escalation_id: str) -> Escalation:
    """Take an escalation: “I have this”. Doing it twice changes nothing.

    Raises IllegalState when it is settled, NotAllowed for whoever was not told and is not in charge.
    """
    work = open_case(session, actor, referral_id, "acknowledge")
    row = work.rows.escalation(escalation_id)
    _require_told(work, row)
    if row.state is EscalationState.ACKNOWLEDGED:
        return row
    ESCALATION.require("escalation.acknowledged", row.state, SETTLED)
    case = work.rows.facts()
    rung = case.rungs(row.ladder)[row.rung]
    row.state, row.acknowledged_at, row.acknowledged_by = EscalationState.ACKNOWLEDGED, work.now, actor.id
    row.act_by = rung.act.of(case.is_high_risk).after(work.now, case.zone, case.calendar)
    row.owner_id = actor.id
    work.record("escalation.acknowledged", subject_id=row.id, rung=row.rung, act_by=row.act_by, answer_by=row.answer_by)
    work.settle()
    return row


def act(session: Session, actor: Actor, referral_id: str, escalation_id: str, note: str) -> Escalation:
    """Write down what was done about an escalation that stays open."""
    work = open_case(session, actor, referral_id, "acknowledge")
    row = work.rows.escalation(escalation_id)
    _require_told(work, row)
    ESCALATION.require("escalation.acted", row.state, SETTLED)
    work.record("escalation.acted", subject_id=row.id, note=checked_text(note, "note", required=True))
    work.settle()
    return row


def resolve(
    session: Session, actor: Actor, referral_id: str, escalation_id: str, resolution: Resolution, note: str
) -> Escalation:
    """Settle an escalation with what was done; the whole ladder it belongs to is settled with it.

    Raises Conflict when “unable to reach” is said while the protocol still asks for attempts (acceptance scenario 39),
    NotAllowed when the ladder has come to a welfare check and nobody but a clinician may say that none is needed.
    """
    work = open_case(session, actor, referral_id, "resolve")
    row = work.rows.escalation(escalation_id)
    _require_told(work, row)
    ESCALATION.require("escalation.resolved", row.state, SETTLED)
    text = checked_text(note, "note", required=True)
    _require_clinician(work, row, resolution)
    if resolution is Resolution.UNABLE_TO_REACH:
        require_full_effort(work, row)
    settle_ladder(work, resolution, subject=row.subject, subject_id=row.subject_id, note=text, by=actor.id)
    work.settle()
    return row


def _require_clinician(work: Work, row: Escalation, resolution: Resolution) -> None:
    """Once a ladder asks about a welfare check a clinician answers for it; that somebody was found, anybody may say."""
    if resolution.is_found or Role.CLINICIAN in work.actor.roles:
        return
    mine = (row.subject, row.subject_id, row.occurrence)
    for other in work.rows.escalations:
        is_same_climb = (other.subject, other.subject_id, other.occurrence) == mine
        if is_same_climb and other.ask is Ask.WELFARE_CHECK and other.state.is_open:
            raise NotAllowed("clinician_decides", "A clinician decides this step. Ask the on-call clinician.")


def decide_welfare_check(
    session: Session, actor: Actor, referral_id: str, escalation_id: str, decision: WelfareDecision, reason: str
) -> Escalation:
    """A clinician decides about mobile crisis or a welfare check; never a timer (Lifeline imminent-risk policy).

    When somebody was sent it stays open until the outcome is entered, and tells again every two hours.
    """
    work = open_case(session, actor, referral_id, "decide_welfare")
    row = work.rows.escalation(escalation_id)
    if row.ask is not Ask.WELFARE_CHECK:
        raise IllegalState("This step does not ask for that decision.", state=row.ask)
    ESCALATION.require("welfare.decided", row.state, SETTLED)
    text = checked_text(reason, "reason", required=True)
    case = work.rows.facts()
    rung = case.rungs(row.ladder)[row.rung]
    if row.state is EscalationState.RAISED:
        row.acknowledged_at, row.acknowledged_by = work.now, actor.id
    row.state, row.decision, row.decided_at, row.owner_id = EscalationState.ACKNOWLEDGED, decision, work.now, actor.id
    span = rung.outcome if decision.needs_outcome else rung.act.of(case.is_high_risk)
    row.act_by = span.after(work.now, case.zone, case.calendar)
    work.record("welfare.decided", subject_id=row.id, decision=decision, reason=text, outcome_by=row.act_by)
    work.settle()
    return row


def raise_concern(session: Session, actor: Actor, referral_id: str, note: str) -> Escalation:
    """A safety concern: the on-call clinician is told at once, at any hour (acceptance scenario 44)."""
    work = open_case(session, actor, referral_id, "raise_concern")
    work.require("concern.raised")
    text = checked_text(note, "note")
    concern_id = new_id("cnc")
    work.record("concern.raised", subject_id=concern_id, note=text)
    row = raise_ladder(
        work, Subject.SAFETY, concern_id, "safety", due_at=work.now, why="A safety concern was raised just now."
    )
    if row is None:
        raise Conflict("already_raised", "This concern is already with the clinician.")
    work.settle()
    return row


def why_missed(work: Work, title: str, due_at: datetime, since: datetime) -> str:
    """Why a missed contact is escalated, in one sentence that states what is on record."""
    zone = work.rows.person.zone
    tries = [a for a in work.rows.attempts if is_try(a, since)]
    when = spoken_due(due_at, zone, work.now)
    if not tries:
        return f"{title} was due by {when}. No attempt is on record."
    kinds = ", ".join(dict.fromkeys(Outcome(a.outcome).label.lower() for a in tries))
    count = "One attempt is" if len(tries) == 1 else f"{len(tries)} attempts are"
    return f"{title} was due by {when}. {count} on record ({kinds})."


def _require_told(work: Work, row: Escalation) -> None:
    actor = work.actor
    if actor.is_system or actor.roles & {Role.SUPERVISOR, Role.MANAGER}:
        return
    if not any(person["staff_id"] == actor.id for person in row.told):
        raise NotAllowed("not_told", "Only those who were told, a supervisor or a manager can answer this.")


def settle_reached(work: Work, at: datetime) -> None:
    """The person was reached: the calls that wanted just that are settled (acceptance scenarios 35, 45, 47)."""
    for subject in (Subject.STREAK, Subject.LOST, Subject.RELEASE):
        settle_ladder(work, Resolution.REACHED, subject=subject, note="The person was reached.")
    open_calls = [e for e in work.rows.escalations if e.state is not EscalationState.RESOLVED]
    states = {c.id: c for c in work.rows.contacts} if open_calls else {}
    for row in open_calls:
        if row.subject is Subject.CONTACT and row.state is not EscalationState.RESOLVED:
            contact = states.get(row.subject_id)
            rule = work.rows.rule(contact.key) if contact is not None else None
            is_settled = contact is None or contact.state in (ContactState.MET, ContactState.MET_LATE)
            if is_settled or rule is None or rule.is_series:
                settle_ladder(
                    work,
                    Resolution.REACHED,
                    subject=row.subject,
                    subject_id=row.subject_id,
                    note="The person was reached.",
                )


def parse_resolution(value: str) -> Resolution:
    """A resolution from a form. Raises Invalid with the list."""
    try:
        return Resolution(value)
    except ValueError:
        raise Invalid("resolution", "Choose how this was settled.", field="resolution") from None
