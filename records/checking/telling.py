"""What was said: to whom outside, as far as the person had agreed; to staff, each thing once and nothing left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from records.checking.clocks import EVENING, MORNING, Where
from records.checking.consent import Version, covers, open_text, standing, versions_of
from records.checking.dossier import Dossier, at_of
from records.checking.plan import HIGH
from records.checking.story import Story

ANSWERS = frozenset(
    {
        "referral_accepted", "referral_rejected", "bridger_named", "cancel_decision", "date_check", "referral_closed",
    }
)  # fmt: skip
"""Messages to a facility that answer its own request and say nothing of the person."""
TELLS_HOW_IT_GOES = frozenset({"referrer_told", "closing_report_ready"})
CALLS = frozenset({"escalation_raised", "safety_concern", "welfare_check_due", "referrer_told"})
BY_DAY = frozenset(
    {
        "offer_made", "assignment_made", "absence_cover", "referral_joined", "date_moved", "referral_filed",
        "list_filed", "cancel_requested", "date_check", "referral_rejected", "referrer_told",
    }
)  # fmt: skip
"""Messages that go by text in waking hours only, unless somebody is at high risk."""
REPORTS = frozenset({"closing_report_ready", "referral_closed"})
ONCE = CALLS | {"offer_made", "assignment_made", "assignment_ended", "bridger_named"}
"""Messages of which one member of staff gets one over one channel about one thing."""
_STANDING = ("referrer", "", "standing", "coordination")
Problem = tuple[int, str]


def said_to_others(d: Dossier, now: datetime) -> Iterator[Problem]:
    """Nothing left the program that the person had not agreed to at that moment."""
    versions = versions_of(d)
    said = standing(versions, now)
    if d.referral.consent != ("given" if said == "expired" else said):
        yield 6, f"the flag says that consent is {d.referral.consent}, and what was signed says {said}"
    allowed = set()
    for row in d.tables["disclosure"]:
        if not row.is_allowed or row.category is None or row.recipient_kind is None:
            continue
        to = open_text(row.recipient, "disclosure.recipient").removeprefix("facility:")
        if _agreed(versions, row.recipient_kind, to, row.category, row.purpose, row.at):
            allowed.add(row.subject_id)
        else:
            yield 6, f"“{row.what}” went out and no consent covered it"
    for row in d.tables["notification"]:
        staff = d.around.staff.get(row.staff_id)
        if staff is None or staff.facility_id is None:
            continue
        if row.template in TELLS_HOW_IT_GOES and not _agreed(versions, *_STANDING, at_of(row.created_at)):
            yield 6, f"a facility was told ({row.template}) and no consent covered it"
        if row.channel != "in_app" and row.state == "sent" and row.id not in allowed:
            yield 6, f"a message to a facility ({row.template}) went out past the gate"
    for call in d.tables["escalation"]:
        if any(one.get("role") == "referrer" for one in call.told) and not _agreed(
            versions, *_STANDING, call.raised_at
        ):
            yield 6, f"rung {call.rung} about {call.subject} told the referrer, and no consent covered it"
    for entry in d.tables["journal"]:
        if entry.event == "report.sent" and not _agreed(versions, *_STANDING, entry.recorded_at):
            yield 6, "the referrer was sent a report that no consent covered"


def _agreed(versions: list[Version], kind: str, name: str, category: str, purpose: str, at: datetime) -> bool:
    """Whether consent covered it then, or the moment before: of one moment nobody knows what came first in it."""
    moments = (at, at - timedelta(microseconds=1))
    return any(covers(versions, kind, name, category, purpose, moment) for moment in moments)


def told_to_staff(d: Dossier, s: Story) -> Iterator[Problem]:
    """Whoever is called hears of it, and each thing is told once."""
    told: Counter[tuple[str, str, str, str]] = Counter()
    heard: set[tuple[str, str]] = set()
    program = d.around.programs[d.referral.program_id]
    there = Where(program.zone, program.offices)
    is_high = not HIGH.isdisjoint(d.referral.risks) or s.known.was_high
    in_app = [row for row in d.tables["notification"] if row.channel == "in_app"]
    for row in d.tables["notification"]:
        told[row.template, row.subject_id, row.staff_id, row.channel] += 1
        if row.channel == "in_app":
            heard.add((row.subject_id, row.staff_id))
        elif row.channel == "sms" and row.template in BY_DAY and not is_high:
            if not MORNING <= there.wall(at_of(row.not_before)).time() < EVENING:
                yield 7, f"a text ({row.template}) was to go out at night"
    reminders = Counter(row.subject_id for row in in_app if row.template == "contact_reminder")
    for about, times in Counter(contact_id for contact_id, _, _ in s.reminded).items():
        if reminders[about] < times:
            yield 2, f"{times} reminders of {s.contacts[about].key} are on record, and {reminders[about]} were told"
    for (template, about, _, channel), count in told.items():
        if count > _most(template, about, s):
            yield 4, f"somebody was told {template} {count} times by {channel}"
    for call in d.tables["escalation"]:
        for one in call.told:
            if (call.id, one["staff_id"]) not in heard:
                yield 4, f"somebody who is called at rung {call.rung} about {call.subject} was not told"


def _most(template: str, about: str, s: Story) -> int:
    if template in ONCE:
        return 1
    if template in REPORTS:
        return s.events["report.sent"] + s.events["report.withheld"]
    if template == "contact_reminder":
        return sum(contact_id == about for contact_id, _, _ in s.reminded)
    if template == "escalation_again":
        return max(0, s.calls[about].told_times - 1) if about in s.calls else 0
    return 1000
