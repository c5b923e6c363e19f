"""One person's case in the demonstration: what staff did, in a few words each."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from domain.vocabulary import (
    Ask,
    ContactState,
    Counts,
    DateCertainty,
    DeclineReason,
    Disposition,
    EscalationState,
    Mode,
    OfferState,
    Outcome,
    Resolution,
    Setting,
    WelfareDecision,
)
from records import clock
from records.access import Actor
from records.commands import (
    assignments,
    contacts,
    discharges,
    escalations,
    offers,
    referrals,
)
from records.commands.people import PersonDetails
from records.commands.referrals import ReferralDetails
from records.queries.case import CaseRows, load_case
from records.seed.world import World
from records.tables import Contact, Offer, Referral

FACE_TO_FACE = {"in-reach", "bedside", "handoff", "gate-pickup", "face-to-face", "visit", "closing-meeting"}
NOTES = (
    "We talked about the week. Sleep is better; the new prescription is at the pharmacy.",
    "Walked to the bus together. The appointment on Thursday is on the fridge.",
    "Short call. Tired, and glad that somebody called.",
    "Coffee at the corner. Going to the peer group on Friday.",
    "Went through the papers for benefits; two signatures are still missing.",
    "A hard day, and we made a plan for the evening. Has the number for the night: 988.",
)


@dataclass
class Case:
    """A referral and everybody around it."""

    world: World
    referral: Referral
    planner: Actor

    def rows(self) -> CaseRows:
        """Everything on record of this case."""
        return load_case(self.world.session, self.referral.id)

    @property
    def bridger(self) -> Actor:
        """Who walks with the person now."""
        return next(a for a in self.world.staff.by.values() if a.id == self.referral.bridger_id)

    @property
    def supervisor(self) -> Actor:
        """Who looks after the bridgers."""
        return self.world.staff.by["supervisor"]

    def accept(self) -> None:
        """The program takes the referral."""
        referrals.accept_referral(self.world.session, self.supervisor, self.referral.id)

    def give_to(self, bridger: str) -> None:
        """The supervisor assigns by hand."""
        assignments.assign(self.world.session, self.supervisor, self.referral.id, self.world.staff.by[bridger].id)

    def open_offer(self) -> tuple[Actor, Offer]:
        """Who is being asked now, and what they hold."""
        offer = next(o for o in self.rows().offers if o.state is OfferState.OPEN)
        return next(a for a in self.world.staff.by.values() if a.id == offer.bridger_id), offer

    def take(self) -> None:
        """Whoever is asked says yes."""
        bridger, offer = self.open_offer()
        offers.accept_offer(self.world.session, bridger, offer.id)

    def decline(self, reason: DeclineReason) -> None:
        """Whoever is asked says no."""
        bridger, offer = self.open_offer()
        offers.decline_offer(self.world.session, bridger, offer.id, reason)

    def leave(self, disposition: Disposition = Disposition.HOME, *, at: datetime | None = None) -> None:
        """The planner records that the person left."""
        when = at or clock.now()
        discharges.record_discharge(self.world.session, self.planner, self.referral.id, when, disposition)

    def log(self, mode: Mode, outcome: Outcome, note: str = "", *, minutes: int | None = None) -> None:
        """The bridger writes down one try."""
        contacts.log_attempt(
            self.world.session, self.bridger, self.referral.id, mode, outcome, minutes=minutes, note=note
        )

    def answer(self, resolution: Resolution, note: str) -> None:
        """Every open call about this person is taken and settled: by the clinician where a clinician must decide."""
        session, clinician = self.world.session, self.world.staff.by["clinician"]
        for row in sorted(self.rows().escalations, key=lambda e: e.ask is not Ask.WELFARE_CHECK):
            if row.state is EscalationState.RESOLVED:
                continue
            if row.ask is Ask.WELFARE_CHECK:
                escalations.decide_welfare_check(
                    session, clinician, self.referral.id, row.id, WelfareDecision.KEEP_TRYING, note
                )
                escalations.resolve(session, clinician, self.referral.id, row.id, resolution, note)
                continue
            escalations.acknowledge(session, self.supervisor, self.referral.id, row.id)
            escalations.resolve(session, self.supervisor, self.referral.id, row.id, resolution, note)

    def acknowledge(self) -> None:
        """The supervisor takes every open call, and is at work on it."""
        for row in list(self.rows().escalations):
            if row.state is EscalationState.RAISED:
                escalations.acknowledge(self.world.session, self.supervisor, self.referral.id, row.id)

    def follow(self, until: datetime, *, leave_out: frozenset[str] = frozenset()) -> Generator[datetime, None, None]:
        """The bridger does what the plan asks, each in good time, until an instant."""
        while (upcoming := self._soonest(leave_out)) is not None:
            contact, at = upcoming
            if at > until:
                return
            yield at
            if contact.state is ContactState.PLANNED:
                self._meet(contact)

    def _soonest(self, leave_out: frozenset[str]) -> tuple[Contact, datetime] | None:
        planned = [c for c in self.rows().contacts if c.state is ContactState.PLANNED and c.key not in leave_out]
        moments = [(self._good_moment(c), c.due_at, c.id, c) for c in planned]
        if not moments:
            return None
        at, _, _, contact = min(moments, key=lambda m: m[:3])
        return contact, at

    def _good_moment(self, contact: Contact) -> datetime:
        """A third into the window, by day where the person is, and never in the past."""
        opens = max(contact.opens_at, clock.now())
        zone = ZoneInfo(self.rows().person.zone)
        third = (opens + (contact.due_at - opens) / 3).astimezone(zone)
        if third.hour < 9:
            third = datetime.combine(third.date(), time(9, 20), zone)
        elif third.hour >= 19:
            third = datetime.combine(third.date(), time(18, 10), zone)
        latest = contact.due_at - timedelta(minutes=2)
        return max(min(third, latest), opens)

    def _meet(self, contact: Contact) -> None:
        session, rule = self.world.session, self.rows().rule(contact.key)
        if rule is not None and rule.counts is Counts.TASK:
            contacts.complete_task(session, self.bridger, self.referral.id, contact.id)
            return
        modes = rule.modes if rule is not None else (Mode.CALL,)
        mode = Mode.VISIT if contact.key in FACE_TO_FACE and Mode.VISIT in modes else Mode(modes[0])
        note = NOTES[self.referral.journal_seq % len(NOTES)]
        minutes = 10 + self.referral.journal_seq * 7 % 50
        self.log(mode, Outcome.REACHED, note, minutes=minutes)


def filed(
    world: World,
    by: str,
    person: PersonDetails,
    setting: Setting,
    *,
    leaves_on: date | None = None,
    certainty: DateCertainty = DateCertainty.LIKELY,
    **details: Any,
) -> Case:
    """A planner sends a referral now."""
    planner = world.staff.by[by]
    said = ReferralDetails(
        setting=setting, expected_on=leaves_on, certainty=certainty if leaves_on else DateCertainty.UNKNOWN, **details
    )
    row = referrals.file_referral(world.session, planner, person, said)
    world.referrals.append(row)
    return Case(world, row, planner)


def begun(
    world: World,
    by: str,
    person: PersonDetails,
    setting: Setting,
    *,
    at: datetime,
    to: str = "",
    leaves_on: date | None = None,
    **details: Any,
) -> Generator[datetime, None, Case]:
    """Filed at an instant, accepted within the hour, then with a bridger: `to` by hand, or whoever is asked."""
    yield at
    case = filed(world, by, person, setting, leaves_on=leaves_on, **details)
    yield at + timedelta(minutes=35)
    case.accept()
    if to:
        case.give_to(to)
        return case
    yield at + timedelta(minutes=60)
    case.take()
    return case
