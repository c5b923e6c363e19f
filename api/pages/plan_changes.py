"""Changes of the plan that somebody in charge decides: a contact waived, another rhythm, the search begun."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.access import requires
from api.deps import FormDep, Me, SessionDep, page
from api.filters import due_time
from api.pages.decision_form import about, decision, done, field
from api.pages.once import Once
from domain.vocabulary import ContactState, ReferralStatus, Subject
from records.commands import contacts
from records.queries.case import CaseRows, load_case
from records.queries.own_case import load_own_case
from records.queries.search import against_search

router = APIRouter()

WORKS = frozenset({ReferralStatus.ACCEPTED, ReferralStatus.IN_PROGRESS})
CAN_BE_WAIVED = (ContactState.PLANNED, ContactState.MISSED)


@router.get("/referrals/{referral_id}/waive")
@requires("waive")
def choose_contact(request: Request, session: SessionDep, me: Me, referral_id: str) -> Response:
    """Which contact to let go, or which rhythm to change."""
    rows = load_own_case(session, me.actor, referral_id)
    found = [c for c in rows.contacts if c.state in CAN_BE_WAIVED and rows.referral.status.is_open]
    return page(
        "waive.html",
        request,
        who=rows.person.full_name,
        base=f"/referrals/{referral_id}",
        contacts=found,
        repeats=_repeating(rows),
        zone=rows.person.zone,
    )


@router.get("/referrals/{referral_id}/waive/{contact_id}")
@requires("waive")
def waive_form(request: Request, session: SessionDep, me: Me, referral_id: str, contact_id: str) -> Response:
    """Let one contact go, with a reason that stays."""
    referral, person = about(session, me, referral_id, "waive")
    rows = load_case(session, referral_id)
    contact = rows.contact(contact_id)
    called = any(e.subject is Subject.CONTACT and e.subject_id == contact_id and e.state.is_open
                 for e in rows.escalations)  # fmt: skip
    then = [f"{contact.title}, due {due_time(contact.due_at, person.zone)}, is not expected any more."]
    if called:
        then.append("Those who were called about it are not asked any more.")
    then += ["It leaves the measures by rule; the reason and your name stay on record.",
             "Everything else on the plan stays as it is."]  # fmt: skip
    return decision(
        request, referral, person, title=f"Waive: {contact.title}", then=then, button="Waive this contact",
        path=f"/waive/{contact_id}", fields=[field("area", "reason", "Why")],
        instead="" if contact.state in CAN_BE_WAIVED else f"This contact is {contact.state.label.lower()} already.",
    )  # fmt: skip


@router.post("/referrals/{referral_id}/waive/{contact_id}")
@requires("waive", again=waive_form)
def waive(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str, contact_id: str) -> Response:
    """Waive the contact. The same again changes nothing."""
    once = Once(session, request, me, form)
    reason = form.area("reason", required=True)
    form.check()
    if (before := once.answered()) is not None:
        return before
    contacts.waive_contact(session, me.actor, referral_id, contact_id, reason)
    return done(once, referral_id, "Waived, with your reason.")


@router.get("/referrals/{referral_id}/rhythm")
@requires("waive")
def rhythm_form(request: Request, session: SessionDep, me: Me, referral_id: str) -> Response:
    """Another rhythm, because the person asks for it."""
    referral, person = about(session, me, referral_id, "waive")
    repeats = _repeating(load_case(session, referral_id))
    return decision(
        request, referral, person, title="Another rhythm",
        then=[
            "The contacts in between are waived with your reason. The ones that stay keep their due times.",
            "It can be made denser again only by hand: log contacts whenever you like.",
        ],
        button="Change the rhythm", path="/rhythm", allowed=WORKS,
        fields=[
            field("select", "key", "Which contact", options=repeats),
            field("number", "every_days", "One in how many days", "7 is weekly, 30 is monthly."),
            field("area", "reason", "Why", "What the person said, such as “call me monthly”."),
        ],
        instead="" if repeats else "Nothing on this plan repeats.",
    )  # fmt: skip


@router.post("/referrals/{referral_id}/rhythm")
@requires("waive", again=rhythm_form)
def change_rhythm(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str) -> Response:
    """Keep one contact in so many days."""
    once = Once(session, request, me, form)
    key, days = form.text("key", required=True), form.number("every_days", least=1, most=90)
    reason = form.area("reason", required=True)
    form.check()
    if (before := once.answered()) is not None:
        return before
    waived = contacts.change_rhythm(session, me.actor, referral_id, key, days, reason)
    said = "1 contact is" if waived == 1 else f"{waived} contacts are"
    return done(once, referral_id, f"{said} waived. The others stay when they are due.")


@router.get("/referrals/{referral_id}/search")
@requires("waive")
def search_form(request: Request, session: SessionDep, me: Me, referral_id: str) -> Response:
    """Every step was tried: look for the person from now on. What is missing is said before."""
    referral, person = about(session, me, referral_id, "waive")
    instead = against_search(load_case(session, referral_id))
    return decision(
        request, referral, person, title=f"Look for {person.called}",
        then=[
            "The usual contacts rest; a search at longer and longer intervals takes their place.",
            "When somebody reaches or finds them, the plan goes on by itself.",
            "At the end of the search you are asked to sign the closure or to keep going.",
        ],
        button="Start the search", path="/search", allowed=WORKS, instead=instead,
        fields=[field("area", "note", "What was tried", "Stays in the timeline.")],
    )  # fmt: skip


@router.post("/referrals/{referral_id}/search")
@requires("waive", again=search_form)
def start_search(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str) -> Response:
    """Begin the search; refused while the protocol still asks for attempts."""
    once = Once(session, request, me, form)
    note = form.area("note", required=True)
    form.check()
    if (before := once.answered()) is not None:
        return before
    contacts.declare_lost(session, me.actor, referral_id, note)
    return done(once, referral_id, "The search begins. Its first step is on the plan.")


def _repeating(rows: CaseRows) -> list[dict[str, str]]:
    """The contacts of the plan that repeat and are still to come, as choices."""
    found: dict[str, str] = {}
    for contact in rows.contacts:
        rule = rows.rule(contact.key)
        if contact.state is ContactState.PLANNED and rule is not None and rule.every is not None:
            found.setdefault(contact.key, rule.title)
    return [{"value": key, "text": title} for key, title in found.items()]
