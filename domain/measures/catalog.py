"""Every measure, in the order in which people read them, each with what is counted, of whom, and who is left out."""

from __future__ import annotations

from collections.abc import Iterable

from domain.measures import calls, contacts, leaving, referrals
from domain.measures.figure import Context, Figure, Measure, Part, Shape
from domain.measures.journey import Journey

_LEFT = "Everybody who left in the period, counted by when they really left, even when word came late."
_GONE = (
    "Readmitted, in custody, transferred, or away before the window ended; died; consent revoked; not accepted; "
    "cancelled by the referrer; not eligible or out of area; entered in error; said no before "
    "anybody could talk to them."
)
_GONE_FOR_GOOD = (
    "Died; transferred to another program; consent revoked; readmitted or incarcerated for a long time; not accepted; "
    "cancelled by the referrer; not eligible or out of area; entered in error."
)
_JOURNAL = "Footbridge's journal."
_REACHED = {Part.MET: "Reached in time", Part.LATE: "Reached late", Part.NOT: "Not reached"}
_IN_WINDOW = {Part.MET: "Contact in the window", Part.LATE: "Contact after it", Part.NOT: "No contact"}


def _first_contact(hours: int, source: str, target: float | None = None, target_source: str = "") -> Measure:
    return Measure(
        key=f"first-contact-{hours}h",
        title=f"First two-way contact within {hours} hours",
        definition=f"People we talked with, live, within {hours} elapsed hours of leaving; nights and weekends count.",
        numerator=f"A live two-way exchange at most {hours} hours after leaving. Messages, letters and other people's "
        "word do not count, and neither does a contact made late.",
        denominator=_LEFT,
        exclusions=_GONE,
        source=source,
        rule=leaving.contact_within(hours),
        concerns=leaving.left_in_period,
        target=target,
        target_source=target_source,
        part_labels=_REACHED,
    )


def _peer_contact(days: int) -> Measure:
    return Measure(
        key=f"peer-contact-{days}d",
        title=f"Peer contact in the {days}-day window",
        definition=f"People we talked with, live, by day {days} after leaving, by local dates. After an emergency "
        "visit or a release the day of leaving counts; after a hospital stay it does not.",
        numerator=f"A live two-way exchange on days 1 to {days} after a hospital stay, or on days 0 to {days} after an "
        "emergency visit, jail or prison.",
        denominator=_LEFT,
        exclusions=_GONE,
        source="The date rules of HEDIS FUH (the day of discharge does not count), FUM and FUA (it does). Not a HEDIS "
        "rate: that needs claims, which Footbridge does not have.",
        rule=leaving.contact_by_day(days),
        concerns=leaving.left_in_period,
        part_labels=_IN_WINDOW,
    )


def _retained(days: int) -> Measure:
    return Measure(
        key=f"with-us-{days}d",
        title=f"Still with the program at {days} days",
        definition=f"People still with the program {days} days after they first left, or served to the end before.",
        numerator=f"Open, on hold included, {days} days after leaving; or closed before as “services received”.",
        denominator="Everybody who left for the first time on this referral in the period.",
        exclusions=_GONE_FOR_GOOD,
        source=f"Project choice. {_JOURNAL}",
        rule=leaving.retained(days),
        concerns=leaving.left_in_period,
        part_labels={Part.MET: "With the program", Part.NOT: "Ended before"},
    )


def _readmitted(days: int) -> Measure:
    return Measure(
        key=f"readmitted-{days}d",
        title=f"Readmitted within {days} days, as recorded",
        definition=f"People who went back to a hospital within {days} days of leaving, as far as it was recorded. "
        "After a referral has ended Footbridge seldom hears of it.",
        numerator=f"A hold for readmission that began within {days} days of leaving and was not taken back.",
        denominator=_LEFT,
        exclusions=f"Without a readmission before: {_GONE_FOR_GOOD[:1].lower()}{_GONE_FOR_GOOD[1:]}",
        source=f"{_JOURNAL} It does not show what caused what.",
        rule=leaving.readmitted(days),
        concerns=leaving.left_in_period,
        is_better_high=False,
        part_labels={Part.MET: "Readmitted", Part.NOT: "No readmission on record"},
    )


MEASURES: tuple[Measure, ...] = (
    Measure(
        key="referral-to-acceptance",
        title="From referral to acceptance",
        definition="How long the program took to accept a referral: the middle one, and nine of ten.",
        numerator="The time from sending the referral to its acceptance, in elapsed hours, in hours that fall on "
        "business days, and in business days.",
        denominator="Referrals sent in the period and accepted.",
        exclusions="Not accepted; ended before; entered in error.",
        source=_JOURNAL,
        rule=referrals.to_acceptance,
        concerns=referrals.sent_in_period,
        shape=Shape.TIME,
        is_better_high=False,
        part_labels={Part.MET: "Accepted", Part.WAITING: "Waiting for an answer"},
    ),
    Measure(
        key="referral-to-bridger",
        title="From referral to a bridger, by name",
        definition="How long it took until a peer bridger was named: the middle one, and nine of ten.",
        numerator="The time from sending the referral to the first assignment, in elapsed hours, in hours that fall on "
        "business days, and in business days.",
        denominator="Referrals sent in the period and assigned.",
        exclusions="Not accepted; ended before; entered in error.",
        source=_JOURNAL,
        rule=referrals.to_bridger,
        concerns=referrals.sent_in_period,
        shape=Shape.TIME,
        is_better_high=False,
        part_labels={Part.MET: "Bridger named", Part.WAITING: "Waiting for a bridger"},
    ),
    Measure(
        key="bridger-in-time",
        title="Bridger named within the promise",
        definition="Referrals for which a bridger was named before the protocol's deadline ran out.",
        numerator="A bridger was named before anybody had to be called because nobody had the person.",
        denominator="Referrals sent in the period.",
        exclusions="Not accepted; ended before; entered in error.",
        source=f"{_JOURNAL} The deadline is the protocol's.",
        rule=referrals.bridger_in_time,
        concerns=referrals.sent_in_period,
        part_labels={Part.MET: "In time", Part.LATE: "Named late", Part.NOT: "Nobody yet, and late"},
    ),
    Measure(
        key="in-reach",
        title="Met before leaving",
        definition="People whom a bridger met, in person or by video, before they left.",
        numerator="A live meeting in person or by video before leaving; after a readmission, since it began.",
        denominator=_LEFT,
        exclusions="Referred after leaving; not accepted; entered in error; consent revoked before.",
        source="NYAPRS Peer Bridger: from admission on. TN PICS: consent before discharge.",
        rule=leaving.in_reach,
        concerns=leaving.left_in_period,
        part_labels={Part.MET: "Met before", Part.NOT: "Not met before"},
    ),
    Measure(
        key="handoff",
        title="Handoff on the day of leaving",
        definition="People with whom a bridger was, or talked, on the local date on which they left.",
        numerator="A live exchange in person, by call or by video after leaving, on the same date.",
        denominator=_LEFT,
        exclusions=_GONE,
        source="NYC Health + Hospitals: accompany home on the day of discharge.",
        rule=leaving.handoff,
        concerns=leaving.left_in_period,
        part_labels={Part.MET: "On the day", Part.NOT: "Not on the day"},
    ),
    _first_contact(24, "TN PICS; Zero Suicide: a caring contact within 24 hours."),
    _first_contact(48, "NICE QS159: within 48 hours when a risk of suicide is known."),
    _first_contact(72, "NHS England's standard for adult acute psychiatric discharges.", 80, "NHS England"),
    _peer_contact(7),
    _peer_contact(30),
    Measure(
        key="face-to-face-7d",
        title="Face to face within 7 days",
        definition="People whom a bridger met in person by day 7 after leaving, by local dates.",
        numerator="A visit with a live exchange; the day of leaving counts after an emergency visit or a release.",
        denominator=_LEFT,
        exclusions=_GONE,
        source="TN PICS: face to face within 7 days.",
        rule=leaving.face_to_face,
        concerns=leaving.left_in_period,
        part_labels={Part.MET: "Met in time", Part.LATE: "Met late", Part.NOT: "Not met"},
    ),
    Measure(
        key="contacts-kept",
        title="Planned contacts kept",
        definition="Planned contacts that were made within their window. One made late is shown and does not "
        "count as kept.",
        numerator="Met at or before its due time, by when it happened and not by when it was entered.",
        denominator="Planned contacts made in the period, or that fell due in it without being made in time.",
        exclusions="Waived with a reason; suspended by a hold; replaced by a new plan; not needed any more because the "
        "person left, the hold ended or the referral ended; fell due after a death; entered in error.",
        source=_JOURNAL,
        rule=contacts.kept,
        part_labels={Part.MET: "Kept", Part.LATE: "Met late", Part.NOT: "Missed"},
    ),
    Measure(
        key="escalations-answered",
        title="Escalations answered in time",
        definition="Calls for other people that somebody took before their answer-by time.",
        numerator="Taken, or settled by hand, at or before the answer-by time it was raised with.",
        denominator="Escalations raised in the period, each rung by itself.",
        exclusions="Settled by what happened before an answer was due, for example because the person was reached; "
        "entered in error.",
        source=_JOURNAL,
        rule=calls.answered_in_time,
        concerns=calls.has_calls,
        part_labels={Part.MET: "In time", Part.LATE: "Answered late", Part.NOT: "Not answered"},
    ),
    Measure(
        key="escalations-unanswered",
        title="Escalations that nobody answered",
        definition="Calls for other people whose answer-by time passed and that nobody ever took. The next "
        "rung was called.",
        numerator="Never taken, and its answer-by time passed, even if the next rung was answered.",
        denominator="Escalations raised in the period, each rung by itself.",
        exclusions="Settled by what happened before an answer was due; entered in error.",
        source=_JOURNAL,
        rule=calls.unanswered,
        concerns=calls.has_calls,
        is_better_high=False,
        part_labels={Part.MET: "Not answered", Part.NOT: "Answered"},
    ),
    Measure(
        key="escalations-resolved",
        title="Escalations resolved",
        definition="Calls for other people that are settled by now.",
        numerator="Resolved by hand or by what happened.",
        denominator="Escalations raised in the period, each rung by itself.",
        exclusions="Entered in error.",
        source=_JOURNAL,
        rule=calls.settled,
        concerns=calls.has_calls,
        part_labels={Part.MET: "Resolved", Part.NOT: "Still open"},
    ),
    Measure(
        key="missed-to-answer",
        title="From a missed contact to somebody who answers",
        definition="How long after a contact fell due somebody took its escalation: the middle one, and nine of ten.",
        numerator="The time from the due time to the first person who took it, on whichever rung, in elapsed hours.",
        denominator="Missed contacts escalated in the period and answered.",
        exclusions="Settled by what happened before anybody took it; entered in error.",
        source=_JOURNAL,
        rule=calls.missed_to_answer,
        concerns=calls.has_calls,
        shape=Shape.TIME,
        is_better_high=False,
        part_labels={Part.MET: "Answered", Part.WAITING: "Waiting for an answer"},
    ),
    _retained(30),
    _retained(60),
    _retained(90),
    _readmitted(30),
    _readmitted(90),
    Measure(
        key="closed-loop",
        title="Closed loop",
        definition="Referrals that ended and whose referrer was told how, as far as the person agreed. An end is not a "
        "success: see the reasons.",
        numerator="Over, and the closing report was sent.",
        denominator="Referrals that ended in the period, for whatever reason.",
        exclusions="The person's consent does not cover a report (the referrer hears only that it ended); entered "
        "in error.",
        source=_JOURNAL,
        rule=referrals.closed_loop,
        part_labels={Part.MET: "Referrer told", Part.NOT: "Referrer not told"},
    ),
)
BY_KEY = {measure.key: measure for measure in MEASURES}


def figures(journeys: Iterable[Journey], context: Context) -> dict[str, Figure]:
    """Every measure over these journeys, by its key."""
    everybody = list(journeys)
    concerned = {
        concerns: [journey for journey in everybody if concerns(journey, context)]
        for concerns in {measure.concerns for measure in MEASURES}
    }
    return {measure.key: measure.figure(concerned[measure.concerns], context) for measure in MEASURES}
