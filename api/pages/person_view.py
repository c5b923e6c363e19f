"""A person's transition as the page shows it: rows made into what the components take. No rule is decided here."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from api.filters import local, local_date, local_day
from domain.agenda import SEARCH_WORDS, rule_words
from domain.contact import is_contact
from domain.languages import language_name
from domain.sensitivity import WITHHELD, hides, list_labels, open_values
from domain.vocabulary import (
    ConsentStatus,
    ContactState,
    DateCertainty,
    EscalationState,
    Mode,
    Need,
    Outcome,
    PlaceKind,
    ReferralStatus,
    RiskFlag,
    SafetyFlag,
)
from records.queries.person_page import PersonPage
from records.tables import Attempt, Contact, Escalation, Person, Referral

STATUS_TONES = {
    ReferralStatus.IN_PROGRESS: "go",
    ReferralStatus.ON_HOLD: "wait",
    ReferralStatus.SUBMITTED: "wait",
    ReferralStatus.ACCEPTED: "wait",
}


def safety(person: Person) -> list[dict[str, str]]:
    """What must be known before anything else, the gravest first."""
    found = []
    for order in person.protective_orders:
        whom = order.get("name") or "one of the bridgers"
        where = f"Never go to {order['address']}." if order.get("address") else f"It names {whom}."
        found.append({"text": "Protective order.", "detail": f"{where} {order.get('note', '')}".strip()})
    flags = [SafetyFlag(flag) for flag in person.safety_flags]
    found += [{"text": f"{flag.label}."} for flag in flags]
    if person.safety_note:
        found.append({"text": person.safety_note})
    return found


def may_not_voicemail(person: Person) -> bool:
    """Whether no message may be left anywhere."""
    return SafetyFlag.NO_VOICEMAIL.value in person.safety_flags


def header(page: PersonPage) -> dict[str, Any]:
    """Who this is about, and how to reach and find them."""
    person, referral = page.rows.person, page.referral
    facts = [person.pronouns] if person.pronouns else []
    language = language_name(person.language)
    if person.needs_interpreter:
        facts.append(f"{language}, needs an interpreter")
    elif person.language != "en":
        facts.append(language)
    facts.append(f"No. {referral.number}")
    return {
        "name": person.full_name,
        "given": person.given_name if person.preferred_name and person.preferred_name != person.given_name else "",
        "born_on": person.birth_on,
        "facts": facts,
        "tags": tags(referral, page.is_withheld),
        "phones": phones(person),
        "places": [
            {"address": p.get("text", ""), "kind": PlaceKind(p["kind"]).label if p.get("kind") else "",
             "when": p.get("when", "")}
            for p in person.places
        ],
        "others": person.others,
    }  # fmt: skip


def phones(person: Person) -> list[dict[str, Any]]:
    """The numbers with what is allowed on each; one found wrong stays visible and is not called."""
    never = may_not_voicemail(person)
    return [
        {
            "number": p.get("number", ""),
            "kind": str(p.get("kind", "")),
            "may_voicemail": bool(p.get("may_voicemail")) and not never,
            "may_text": bool(p.get("may_text")),
            "note": p.get("note", ""),
            "is_wrong": bool(p.get("is_quarantined")),
        }
        for p in person.phones
    ]


def tags(referral: Referral, is_withheld: bool | None = None) -> list[dict[str, str]]:
    """Where it stands, and what makes it urgent: as lists name it, or as the consent allows."""
    found = [{"text": referral.status.label, "tone": STATUS_TONES.get(referral.status, "neutral")}]
    if is_withheld is None:
        labels = list_labels(referral.risks)
    else:
        shown = open_values("risks", referral.risks) if is_withheld else referral.risks
        labels = [RiskFlag(risk).label for risk in shown]
        if is_withheld and any(hides(field, getattr(referral, field)) for field in ("risks", "needs", "needs_note")):
            found.append({"text": WITHHELD, "tone": "wait"})
    found += [{"text": label, "tone": "care"} for label in labels]
    if referral.lost_at is not None and referral.status.is_open:
        found.append({"text": "Looking for them", "tone": "stop"})
    if referral.consent is not ConsentStatus.GIVEN:
        found.append({"text": f"Consent {referral.consent.label.lower()}", "tone": "stop"})
    return found


def strip(page: PersonPage, now: datetime) -> list[dict[str, str]]:
    """The way across, from filed to closed."""
    referral, zone = page.referral, page.rows.person.zone
    leaving = "Released" if referral.setting.is_custody else "Left"
    reached = _first_reached(page)
    steps: list[tuple[str, datetime | None, str]] = [
        ("Filed", referral.submitted_at, ""),
        ("Accepted", referral.accepted_at, ""),
        ("Bridger", referral.assigned_since if referral.bridger_id else None, ""),
        (leaving, referral.discharged_at, _expected(referral)),
        ("First contact", reached, ""),
        ("Day 30", _after(referral, now, 30), ""),
        ("Closed", referral.ended_at, ""),
    ]
    if referral.status.is_over:  # what was not reached any more is not shown as still to come
        steps = [step for step in steps if step[1] is not None]
    shown, is_current = [], False
    for label, at, expected in steps:
        state = "done" if at is not None else "coming"
        if at is None and not is_current:
            is_current = True
            is_late = referral.overdue_since is not None or (
                label == "Bridger" and referral.escalated_since is not None
            )
            state = "late" if is_late and label in ("Bridger", "First contact") else "current"
        shown.append({"label": label, "state": state, "when": local_day(at, zone) if at else expected})
    return shown


def _expected(referral: Referral) -> str:
    if referral.expected_on is None:
        return "no date yet"
    certainty = (
        "" if referral.date_certainty is DateCertainty.CONFIRMED else f", {referral.date_certainty.label.lower()}"
    )
    return f"expected {local_day(referral.expected_on)}{certainty}"


def _after(referral: Referral, now: datetime, days: int) -> datetime | None:
    if referral.discharged_at is None:
        return None
    day = referral.discharged_at + timedelta(days=days)
    return day if day <= now else None


def _first_reached(page: PersonPage) -> datetime | None:
    left = page.referral.discharged_at
    if left is None:
        return None
    times = [
        a.at
        for a in page.rows.attempts
        if a.at >= left and a.outcome is Outcome.REACHED and is_contact(a.mode, a.outcome)
    ]
    return min(times, default=None)


def plan(page: PersonPage, now: datetime) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The plan: what is still awaited or calls somebody, and what is behind us; each with its reason."""
    case, by_id = page.rows.facts(), {a.id: a for a in page.rows.attempts}
    called = {e.subject_id for e in page.open_escalations}
    ahead, behind = [], []
    for contact in page.rows.contacts:
        if contact.state in (ContactState.SUPERSEDED, ContactState.CLOSED):
            continue
        rule = case.rule(contact.key)
        step = {
            "id": contact.id,
            "at": contact.due_at,
            "title": contact.title,
            "why": rule_words(rule, case) if rule is not None else SEARCH_WORDS,
            "state": _state(contact),
            "outcome": _outcome(page, contact, by_id),
            "href": f"/referrals/{page.referral.id}/log?contact={contact.id}",
        }
        if contact.state is ContactState.PLANNED or contact.id in called:
            ahead.append(step)
        else:
            del step["href"]
            behind.append(step)
    return ahead, behind[::-1]


def _state(contact: Contact) -> str | None:
    states = {ContactState.PLANNED: None, ContactState.MET: "done"}
    return states.get(contact.state, contact.state.value)


def _outcome(page: PersonPage, contact: Contact, attempts: dict[str, Attempt]) -> str:
    zone = page.rows.person.zone
    if contact.met_at is not None:
        met = attempts.get(contact.met_by or "")
        how = f"{met.mode.label}, {_lower(met.outcome.label)}" if met is not None else "Done"
        return f"{how}, {local(contact.met_at, zone)}"
    if contact.state is ContactState.WAIVED:
        return contact.reason  # as somebody typed it
    if contact.reason:
        return contact.reason[:1].upper() + contact.reason[1:]
    if contact.state is ContactState.MISSED:
        tries = [a for a in page.attempts_for(contact) if a.at <= contact.due_at]
        return "Tried, not reached in time" if tries else "No attempt on record in time"
    return ""


def attempts(page: PersonPage, newest: int = 3) -> tuple[list[dict[str, Any]], int]:
    """The latest tries, newest first, and how many there are in all."""
    rows = page.rows.attempts[::-1]
    shown = [
        {
            "id": a.id,
            "at": a.at,
            "what": f"{a.mode.label}, {_lower(a.outcome.label)}",
            "is_live": is_contact(a.mode, a.outcome),
            "by": page.names.get(a.recorded_by or "", "a colleague"),
            "minutes": a.minutes,
            "note": a.note,
            "is_late_entry": a.is_late_entry,
            "recorded_by": a.recorded_by,
        }
        for a in rows[:newest]
    ]
    return shown, len(rows)


def calls_to_others(page: PersonPage, reader_id: str) -> list[dict[str, Any]]:
    """The calls that do not wait for the reader, the open ones first: why, who was told, and what they did."""
    mine = {e.id for e in page.told_to(reader_id)}
    others = [e for e in page.rows.escalations if e.id not in mine]
    ordered = sorted(others, key=lambda e: e.raised_at, reverse=True)
    ordered.sort(key=lambda e: e.state is EscalationState.RESOLVED)
    return [call(page, e) for e in ordered]


def call(page: PersonPage, row: Escalation) -> dict[str, Any]:
    """One escalation in words."""
    zone, name = page.rows.person.zone, page.names.get
    answers = []
    if row.acknowledged_at is not None:
        answers.append(
            f"Taken by {name(row.acknowledged_by or '', 'a colleague')}, {local(row.acknowledged_at, zone)}."
        )
    if row.decision is not None:
        answers.append(f"Decided: {_lower(row.decision.label)}.")
    if row.resolved_at is not None and row.resolution is not None:
        by = f" by {name(row.resolved_by, 'a colleague')}" if row.resolved_by else ""
        answers.append(f"{row.resolution.label}{by}, {local(row.resolved_at, zone)}. {row.resolution_note}".strip())
    return {
        "id": row.id,
        "subject": row.subject.label,
        "why": row.why,
        "told": ", ".join(p["name"] for p in row.told),
        "raised_at": row.raised_at,
        "answer_by": row.answer_by if row.state is EscalationState.RAISED else None,
        "state": row.state,
        "answers": answers,
    }


def facts(page: PersonPage, may_change: bool) -> list[dict[str, Any]]:
    """Where this stands, as terms and what they say."""
    referral, zone, base = page.referral, page.rows.person.zone, f"/referrals/{page.referral.id}"
    leaving = "Released" if referral.setting.is_custody else "Left"
    rows: list[dict[str, Any]] = [
        {"term": "Peer bridger", "text": _bridger(page)},
        {"term": "From", "text": f"{page.facility.name}{', ' + referral.unit if referral.unit else ''}"},
    ]
    if referral.discharged_at is not None:
        how = f" ({_lower(referral.disposition.label)})" if referral.disposition else ""
        rows.append({"term": leaving, "text": f"{local(referral.discharged_at, zone)}{how}"})
    else:
        expected = _expected(referral)
        rows.append({"term": f"Expected {referral.setting.leaving}", "text": expected.removeprefix("expected ")})
    meeting = _place_and_time(referral.meeting_at, referral.meeting_where, zone)
    appointment = _place_and_time(referral.first_appointment_at, referral.first_appointment_where, zone)
    change = {"change_href": f"{base}/meeting"} if may_change else {}
    rows.append({"term": "Meeting", "text": meeting or "Not set yet", **change})
    change = {"change_href": f"{base}/appointment"} if may_change else {}
    rows.append({"term": "First appointment", "text": appointment or "Not set yet", **change})
    consent = referral.consent.label
    if referral.consent_expires_at is not None:
        consent += f", until {local_date(referral.consent_expires_at, zone)}"
    rows.append({"term": "Consent", "text": consent})
    needs = open_values("needs", referral.needs) if page.is_withheld else referral.needs
    note = "" if page.is_withheld else referral.needs_note
    if needs or note:
        labels = ", ".join(Need(need).label for need in needs)
        rows.append({"term": "Would help", "text": ". ".join(filter(None, (labels, note)))})
    if referral.closure_reason is not None:
        rows.append({"term": "Closed", "text": f"{referral.closure_reason.label}. {referral.closure_note}".strip()})
    return rows


def _bridger(page: PersonPage) -> str:
    if page.bridger is None:
        return "Nobody right now"
    covers = page.assignment.covers_for_id if page.assignment is not None else None
    return f"{page.bridger.name}, covering for {page.names.get(covers, 'a colleague')}" if covers else page.bridger.name


def _place_and_time(at: datetime | None, where: str, zone: str) -> str:
    return ", ".join(filter(None, (local(at, zone) if at else "", where)))


def _lower(label: str) -> str:
    return label[:1].lower() + label[1:]


def usual_mode(page: PersonPage, contact: Contact | None) -> Mode:
    """The mode to begin with: what the contact asks for, what worked before, a call where there is a number.

    Where a call would do, a visit is chosen by hand: one that nobody made would count as the visit that is owed.
    """
    rule = page.rows.rule(contact.key) if contact is not None else None
    allowed = rule.modes if rule is not None else tuple(Mode)
    may_call = Mode.CALL in allowed and page.rows.person.has_phone
    worked = [a.mode for a in page.rows.attempts if is_contact(a.mode, a.outcome) and a.mode in allowed]
    if worked and not (may_call and worked[-1] is Mode.VISIT):
        return worked[-1]
    if may_call:
        return Mode.CALL
    return Mode.VISIT if Mode.VISIT in allowed else allowed[0]
