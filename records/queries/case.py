"""Loading one case: its rows for the commands, its facts for the rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, and_, event
from sqlmodel import Session, col, select

from domain import case as facts
from domain.case import Case
from domain.clock import Calendar
from domain.errors import NotFound
from domain.protocol import ContactRule, Protocol, Rung, rule_of, rungs_of
from domain.vocabulary import ReferralStatus, RiskFlag
from records.access import opened
from records.engine import OF_TURN
from records.queries.protocols import calendar_of, overlays, protocol_of
from records.tables import Assignment, Attempt, Contact, Escalation, Hold, Offer, Person, Program, Referral
from records.tables.row import rows_as_facts

_CACHE, _BEGAN_HERE = "footbridge_cases", "footbridge_began_here"


@dataclass
class CaseRows:
    """The rows of one transition. What is seldom needed is read when asked for."""

    session: Session
    referral: Referral
    person: Person
    program: Program
    protocol: Protocol
    calendar: Calendar
    contacts: list[Contact]
    escalations: list[Escalation]
    overlays: tuple[Protocol, ...] = ()
    _settled: tuple[int, Case] | None = None
    _by_id: dict[str, Contact] = field(default_factory=dict)

    @cached_property
    def offers(self) -> list[Offer]:
        """Every offer made, oldest first."""
        rows = select(Offer).where(Offer.referral_id == self.referral.id).order_by(col(Offer.made_at), col(Offer.id))
        return list(self.session.exec(rows))

    @cached_property
    def holds(self) -> list[Hold]:
        """Every hold, oldest first."""
        rows = select(Hold).where(Hold.referral_id == self.referral.id).order_by(col(Hold.started_at), col(Hold.id))
        return list(self.session.exec(rows))

    @cached_property
    def assignments(self) -> list[Assignment]:
        """Every assignment, oldest first."""
        rows = select(Assignment).where(Assignment.referral_id == self.referral.id)
        return list(self.session.exec(rows.order_by(col(Assignment.started_at), col(Assignment.id))))

    @cached_property
    def attempts(self) -> list[Attempt]:
        """Every attempt that stands, by the time it was made."""
        rows = select(Attempt).where(Attempt.referral_id == self.referral.id, col(Attempt.is_retracted).is_(False))
        return list(self.session.exec(rows.order_by(col(Attempt.at), col(Attempt.id))))

    def rule(self, key: str) -> ContactRule | None:
        """The rule of a contact, from the protocol or one on top; without building the facts."""
        return rule_of((self.protocol, *self.overlays), key)

    def is_apart(self, contact: Contact) -> bool:
        """Whether this contact outlives holds and new discharges."""
        rule = self.rule(contact.key)
        return rule is not None and rule.is_apart

    def rungs(self, ladder: str) -> tuple[Rung, ...]:
        """The rungs of a ladder. Raises LookupError when no protocol of the case has it."""
        return rungs_of((self.protocol, *self.overlays), ladder)

    def has_ladder(self, ladder: str) -> bool:
        """Whether one of the case's protocols has this ladder."""
        return any(ladder in protocol.ladders for protocol in (self.protocol, *self.overlays))

    @property
    def is_high_risk(self) -> bool:
        """Whether the shorter windows apply."""
        return any(RiskFlag(risk).is_high for risk in self.referral.risks)

    @property
    def assignment(self) -> Assignment | None:
        """The assignment in force."""
        return next((a for a in self.assignments if a.ended_at is None), None)

    @property
    def hold(self) -> Hold | None:
        """The hold in force."""
        return next((h for h in self.holds if h.ended_at is None), None)

    def contact(self, contact_id: str) -> Contact:
        """One contact of this case. Raises NotFound."""
        if len(self._by_id) != len(self.contacts):  # contacts are added, never taken away
            self._by_id = {contact.id: contact for contact in self.contacts}
        found = self._by_id.get(contact_id)
        if found is None:
            raise NotFound("That contact")
        return found

    def escalation(self, escalation_id: str) -> Escalation:
        """One escalation of this case. Raises NotFound."""
        for escalation in self.escalations:
            if escalation.id == escalation_id:
                return escalation
        raise NotFound("That escalation")

    def settled_facts(self) -> Case:
        """The case as the last command left it: what `settle` saw, while nothing has changed since."""
        kept = self._settled
        return kept[1] if kept is not None and kept[0] == self.referral.version else self.facts()

    def remember_settled(self, case: Case) -> None:
        """Keep what `settle` saw under the version that it wrote."""
        self._settled = (self.referral.version, case)

    def facts(self, *, with_attempts: bool = False) -> Case:
        """The case as the rules see it."""
        row = self.referral.held()
        status: ReferralStatus = row["status"]
        asks = status.is_open and row["bridger_id"] is None
        return Case(
            referral_id=row["id"],
            status=status,
            protocol=self.protocol,
            zone=self.person.zone,
            calendar=self.calendar,
            submitted_at=row["submitted_at"] or row["created_at"],
            cycle=row["cycle"],
            accepted_at=row["accepted_at"],
            expected_on=row["expected_on"],
            expected_time=row["expected_time"],
            date_known_at=row["date_known_at"],
            discharged_at=row["discharged_at"],
            notice_at=row["notice_at"],
            is_unscheduled=row["is_unscheduled"],
            risks=frozenset(RiskFlag(risk) for risk in row["risks"]),
            has_phone=self.person.has_phone,
            first_appointment_at=row["first_appointment_at"],
            assigned_since=row["assigned_since"],
            unassigned_since=row["unassigned_since"],
            offers_exhausted_at=row["offers_exhausted_at"],
            cancel_requested_at=row["cancel_requested_at"],
            consent=row["consent"],
            consent_expires_at=row["consent_expires_at"],
            consent_warned=row["consent_warned_at"] is not None,
            lost_at=row["lost_at"],
            finish_at=row["finish_at"],
            ended_at=row["ended_at"],
            reported_at=row["reported_at"],
            contacts=rows_as_facts(self.contacts, contact_facts),
            escalations=rows_as_facts(self.escalations, _escalation),
            offers=rows_as_facts(self.offers, _offer) if asks else (),
            holds=rows_as_facts(self.holds, _hold) if status is ReferralStatus.ON_HOLD else (),
            attempts=rows_as_facts(self.attempts, attempt_facts) if with_attempts else (),
            overlays=self.overlays,
        )


def load_case(
    session: Session, referral_id: str, *, lock: bool = False, among: ColumnElement[bool] | None = None
) -> CaseRows:
    """Load a case, if it is among those of the condition; with `lock`, its referral stays locked until the end of the
    transaction. Raises NotFound.

    A case that begins in this transaction is there as it stands: nobody else can see it yet.
    """
    begun: dict[str, CaseRows] = session.info.get(OF_TURN, {})
    if referral_id in begun:
        return begun[referral_id]
    kept: dict[str, CaseRows] | None = session.info.get(_CACHE)
    if kept is not None and referral_id in kept:
        return kept[referral_id]
    condition = Referral.id == referral_id if among is None else and_(col(Referral.id) == referral_id, among)
    query = select(Referral).where(condition)
    if lock:
        query = query.with_for_update()
    referral = session.exec(query.execution_options(populate_existing=lock)).first()
    if referral is None:
        raise NotFound("That referral")
    if among is not None:
        opened(session, referral.id, referral.person_id)
    rows = _load(session, referral)
    if kept is not None:
        kept[referral_id] = rows
    return rows


def keep_cases(session: Session) -> None:
    """Let this session keep the cases it loads, whoever asks: for simulations and the seed, which write alone.

    Nobody else may write to the database meanwhile, and the gates are not asked again for a case that is kept.
    """
    session.info[_CACHE] = {}


def forget_cases(session: Session) -> None:
    """Let go of the cases that were kept: the next journey begins with nothing."""
    session.info[_CACHE] = {}


def keep_case(session: Session, rows: CaseRows) -> None:
    """A case that was just written: kept when the session keeps cases."""
    kept = session.info.get(_CACHE)
    if kept is not None:
        kept[rows.referral.id] = rows


def start_case(session: Session, referral: Referral, person: Person, program: Program) -> CaseRows:
    """The case of a referral that is being written in this transaction: nothing hangs on it yet."""
    protocol = protocol_of(session, referral.protocol_id)
    rows = CaseRows(session, referral, person, program, protocol, calendar_of(program), [], [], overlays())
    rows.offers, rows.holds, rows.assignments, rows.attempts = [], [], [], []
    session.info.setdefault(OF_TURN, {})[referral.id] = rows
    session.info.setdefault(_BEGAN_HERE, set()).add(referral.id)
    keep_case(session, rows)
    return rows


def began_here(session: Session, referral_id: str | None) -> bool:
    """Whether this session itself began the case: all that hangs on it is known without asking."""
    return referral_id in session.info.get(_BEGAN_HERE, ())


@event.listens_for(Session, "after_commit")
def _is_written(session: Any) -> None:
    session.info.pop(OF_TURN, None)


@event.listens_for(Session, "after_soft_rollback")
def _is_undone(session: Any, _previous: Any) -> None:
    session.info.pop(OF_TURN, None)


def _load(session: Session, referral: Referral) -> CaseRows:
    person = session.get_one(Person, referral.person_id)
    program = session.get_one(Program, referral.program_id)
    contacts = select(Contact).where(Contact.referral_id == referral.id)
    escalations = select(Escalation).where(Escalation.referral_id == referral.id)
    return CaseRows(
        session=session,
        referral=referral,
        person=person,
        program=program,
        protocol=protocol_of(session, referral.protocol_id),
        calendar=calendar_of(program),
        contacts=list(session.exec(contacts.order_by(col(Contact.due_at), col(Contact.id)))),
        escalations=list(session.exec(escalations.order_by(col(Escalation.raised_at), col(Escalation.rung)))),
        overlays=overlays(),
    )


def contact_facts(row: Contact) -> facts.Contact:
    """One contact as the rules see it."""
    held = row.held()
    return facts.Contact(
        id=held["id"],
        key=held["key"],
        seq=held["seq"],
        cycle=held["cycle"],
        opens_at=held["opens_at"],
        due_at=held["due_at"],
        state=held["state"],
        prompted=frozenset(held["prompted"]) if held["prompted"] else _NONE,
        met_at=held["met_at"],
    )


_NONE: frozenset[str] = frozenset()


def attempt_facts(row: Attempt) -> facts.Attempt:
    """One attempt as the rules see it."""
    return facts.Attempt(at=row.at, mode=row.mode, outcome=row.outcome, recorded_at=row.recorded_at)


def _escalation(row: Escalation) -> facts.Escalation:
    held = row.held()
    return facts.Escalation(
        id=held["id"],
        subject=held["subject"],
        subject_id=held["subject_id"],
        occurrence=held["occurrence"],
        ladder=held["ladder"],
        rung=held["rung"],
        ask=held["ask"],
        state=held["state"],
        answer_by=held["answer_by"],
        act_by=held["act_by"],
        raised_at=held["raised_at"],
        resolved_at=held["resolved_at"],
        alerts=held["alerts"],
    )


def _offer(row: Offer) -> facts.Offer:
    return facts.Offer(
        id=row.id,
        bridger_id=row.bridger_id,
        state=row.state,
        made_at=row.made_at,
        answer_by=row.answer_by,
        closed_at=row.closed_at,
    )


def _hold(row: Hold) -> facts.Hold:
    return facts.Hold(id=row.id, started_at=row.started_at, ended_at=row.ended_at)
