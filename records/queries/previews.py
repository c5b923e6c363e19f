"""What will happen to a referral before it is filed: from the very plan and agenda that will run.

Three moments of the same case, each asked for what it will await: filed, accepted, left on the day that is expected.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from sqlmodel import Session

from domain import agenda
from domain.agenda import Item, promised_by
from domain.case import Case, Contact
from domain.clock import Span
from domain.errors import NotFound
from domain.plan import Planned, plan
from domain.protocol import ContactRule
from domain.vocabulary import ConsentStatus, Counts, ReferralStatus
from records import clock
from records.access import Actor
from records.commands.referrals import ReferralDetails
from records.queries.protocols import calendar_of, newest_for_setting, overlays, protocol_of
from records.tables import Facility, Program

Stage = Literal["program", "before", "after", "end"]


@dataclass(frozen=True, slots=True)
class PreviewItem:
    """One thing that will be done, by whom it is awaited and why. A series is one item: `count` times until `until`."""

    at: datetime
    kind: str
    title: str
    why: str
    stage: Stage
    who: str
    clock: str = ""
    count: int = 1
    every: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What will happen. `promised_by`: by when the program answers, or names a bridger when it accepts at once.

    `assumed_leaving` is the expected instant from which the contacts are counted; None when no date is known or the
    person has left.
    """

    items: tuple[PreviewItem, ...]
    promised_by: datetime | None
    accepts_at_once: bool
    assumed_leaving: datetime | None
    is_high_risk: bool
    protocol_title: str
    zone: str


def preview(
    session: Session, actor: Actor, details: ReferralDetails, *, facility_id: str | None = None, has_phone: bool = True
) -> Preview:
    """Preview a referral of these details, filed now by this actor. Raises NotFound (facility), Invalid (setting)."""
    facility = session.get(Facility, facility_id or actor.facility_id or "")
    is_foreign = actor.facility_id is not None and facility is not None and facility.id != actor.facility_id
    if facility is None or facility.program_id != actor.program_id or is_foreign:
        raise NotFound("That facility")
    program = session.get_one(Program, actor.program_id)
    filed = _filed(session, program, facility.zone, details, has_phone=has_phone)
    at_once = program.accepts_at_once and details.consent is not ConsentStatus.DECLINED
    accepted = _accepted(filed, details)
    left = _left(accepted)
    leaving = accepted.expected_at if details.discharged_at is None else None
    return Preview(
        items=tuple(sorted(_items(filed, accepted, left, at_once=at_once), key=lambda i: (i.at, i.stage, i.title))),
        promised_by=promised_by(accepted if at_once else filed),
        accepts_at_once=at_once,
        assumed_leaving=leaving,
        is_high_risk=filed.is_high_risk,
        protocol_title=filed.protocol.title,
        zone=facility.zone,
    )


def _filed(session: Session, program: Program, zone: str, details: ReferralDetails, *, has_phone: bool) -> Case:
    now = clock.now()
    protocol_id = newest_for_setting(session, program.id, details.setting)
    left = details.discharged_at
    return Case(
        referral_id="",
        status=ReferralStatus.SUBMITTED,
        protocol=protocol_of(session, protocol_id),
        zone=zone,
        calendar=calendar_of(program),
        submitted_at=now,
        expected_on=details.expected_on if left is None else None,
        expected_time=details.expected_time if left is None else None,
        date_known_at=now if details.expected_on else None,
        discharged_at=left,
        notice_at=now if left is not None else None,
        first_appointment_at=details.first_appointment_at,
        risks=frozenset(details.risks),
        has_phone=has_phone,
        consent=details.consent,
        consent_expires_at=details.consent_expires_at,
        overlays=overlays(),
    )


def _accepted(filed: Case, details: ReferralDetails) -> Case:
    """The same case, accepted this minute."""
    now = filed.submitted_at
    return replace(
        filed,
        status=ReferralStatus.ACCEPTED,
        accepted_at=now,
        unassigned_since=now,
        is_unscheduled=filed.discharged_at is not None
        and details.disposition is not None
        and details.disposition.is_unscheduled,
    )


def _left(accepted: Case) -> Case | None:
    """The same case once the person is out and a bridger walks along; None while no date is known."""
    left = accepted.discharged_at or accepted.expected_at
    if left is None:
        return None
    return replace(
        accepted,
        status=ReferralStatus.IN_PROGRESS,
        assigned_since=accepted.accepted_at,
        discharged_at=left,
        notice_at=accepted.notice_at or left,
    )


def _items(filed: Case, accepted: Case, left: Case | None, *, at_once: bool) -> Iterator[PreviewItem]:
    if not at_once:
        yield from _of_kinds(filed, "program", (agenda.UNACCEPTED,))
    latest = filed.submitted_at if at_once else promised_by(filed) or filed.submitted_at
    yield from _of_kinds(
        replace(accepted, accepted_at=latest, unassigned_since=latest), "program", (agenda.UNASSIGNED,)
    )
    yield from _of_kinds(left or accepted, "before" if left is None else "after", (agenda.CONSENT_PENDING,))
    before = _planned(accepted, filed.submitted_at) if accepted.discharged_at is None else []
    if accepted.discharged_at is None:
        yield from _of_kinds(accepted, "before", (agenda.DATE_CHECK,))
        yield from _contacts(accepted, "before", before)
    if left is not None:
        known = {(p.key, p.seq) for p in before}
        after = [p for p in _planned(left, filed.submitted_at) if (p.key, p.seq) not in known]
        yield from _contacts(left, "after", after)
        yield from _of_kinds(replace(left, contacts=_facts(after)), "end", (agenda.FINISH,))


def _planned(case: Case, now: datetime) -> list[Planned]:
    return [p for p in plan(case, now) if not p.has_gone_by]


_WHO = {
    agenda.UNACCEPTED: "The program",
    agenda.UNASSIGNED: "The program",
    agenda.CONSENT_PENDING: "You or the bridger",
    agenda.DATE_CHECK: "You",
    agenda.FINISH: "The program",
}


def _of_kinds(case: Case, stage: Stage, kinds: tuple[str, ...]) -> Iterator[PreviewItem]:
    item: Item
    for item in agenda.agenda(case):
        if item.kind in kinds:
            yield PreviewItem(item.at, item.kind, item.title, agenda.why(item, case), stage, _WHO[item.kind])


def _contacts(case: Case, stage: Stage, planned: Iterable[Planned]) -> Iterator[PreviewItem]:
    """Each contact, and each series as one."""
    grouped: dict[str, list[Planned]] = {}
    for one in planned:
        grouped.setdefault(one.key, []).append(one)
    for key, several in grouped.items():
        rule = case.rule(key)
        if rule is None:
            continue
        first, last = several[0], several[-1]
        yield PreviewItem(
            at=first.due_at,
            kind=agenda.CONTACT_MISSED,
            title=rule.title,
            why=agenda.rule_words(rule, case),
            stage=stage,
            who="The program" if rule.counts is Counts.TASK else "The bridger",
            clock=_clock(rule),
            count=len(several),
            every=rule.every.words if rule.every is not None and len(several) > 1 else "",
            until=last.due_at if len(several) > 1 else None,
        )


def _clock(rule: ContactRule) -> str:
    span: Span | None = rule.due.within or rule.due.by
    if rule.due.dates is not None:
        return "calendar days"
    if span is None:
        return ""
    return "business days" if span.business_days else "hours"


def _facts(planned: Iterable[Planned]) -> tuple[Contact, ...]:
    return tuple(Contact(f"{p.key}:{p.seq}", p.key, p.seq, p.cycle, p.opens_at, p.due_at) for p in planned)
