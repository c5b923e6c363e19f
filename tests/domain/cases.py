"""Cases for the tests of the pure rules: nobody in particular, as far along as a test asks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.case import Case, Contact
from domain.clock import Calendar
from domain.plan import Planned, Replanned
from domain.protocol import Protocol, default_protocols
from domain.vocabulary import ContactState, ReferralStatus, RiskFlag

PSYCHIATRIC = default_protocols()["psychiatric-inpatient"]
UNSCHEDULED = default_protocols()["unscheduled"]
ON_HOLD = default_protocols()["on-hold"]
HANDOVER = default_protocols()["handover"]
BY_SETTING = tuple(p for p in default_protocols().values() if p.settings)
HIGH = frozenset({RiskFlag.SUICIDE_RISK})
SUBMITTED = datetime(2026, 9, 1, 14, 0, tzinfo=UTC)


def a_case(protocol: Protocol = PSYCHIATRIC, **facts: Any) -> Case:
    """An accepted case in New York whose dates are unknown, with the facts given."""
    return Case(
        **{
            "referral_id": "ref_1",
            "status": ReferralStatus.ACCEPTED,
            "protocol": protocol,
            "zone": "America/New_York",
            "calendar": Calendar(),
            "submitted_at": SUBMITTED,
            "accepted_at": SUBMITTED + timedelta(hours=1),
            **facts,
        }
    )


def left(at: datetime, protocol: Protocol = PSYCHIATRIC, **facts: Any) -> Case:
    """A case whose person left at this instant, two days after the program said yes."""
    accepted = at - timedelta(days=2)
    return a_case(
        protocol,
        **{
            "status": ReferralStatus.IN_PROGRESS,
            "submitted_at": accepted - timedelta(hours=1),
            "accepted_at": accepted,
            "discharged_at": at,
            **facts,
        },
    )


def contact_of(planned: Planned, state: ContactState = ContactState.PLANNED) -> Contact:
    """The contact that a planned one becomes."""
    return Contact(
        id=f"{planned.key}-{planned.seq}-{planned.cycle}",
        key=planned.key,
        seq=planned.seq,
        cycle=planned.cycle,
        opens_at=planned.opens_at,
        due_at=planned.due_at,
        state=state,
    )


def with_contacts(case: Case, planned: Iterable[Planned]) -> Case:
    """The case with these contacts on record."""
    return replace(case, contacts=tuple(contact_of(p) for p in planned))


def apply(case: Case, change: Replanned) -> Case:
    """The case after its contacts were changed, as the records would."""
    moved = {m.contact.id: m for m in change.moved}
    gone = {c.id for c in change.removed}
    contacts: list[Contact] = []
    for contact in case.contacts:
        if contact.id in gone:
            contact = replace(contact, state=ContactState.SUPERSEDED)
        elif contact.id in moved:
            to = moved[contact.id]
            contact = replace(contact, opens_at=to.opens_at, due_at=to.due_at)
        contacts.append(contact)
    return replace(case, contacts=(*contacts, *(contact_of(p) for p in change.added)))


def marked(case: Case, state: ContactState, which: Sequence[tuple[str, int]]) -> Case:
    """The case with some contacts, named by key and number, in another state."""
    chosen = set(which)
    contacts = tuple(replace(c, state=state) if (c.key, c.seq) in chosen else c for c in case.contacts)
    return replace(case, contacts=contacts)
