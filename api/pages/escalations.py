"""Calls for other people: what waits for whom, and one call from why it was raised to how it was settled."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from api.access import requires
from api.deps import FormDep, Me, SessionDep, page
from api.forms import Form
from api.pages import call_words, person_view
from api.pages.call_words import Place
from api.pages.next_words import sentence
from api.pages.once import Once, new_once
from domain.vocabulary import Ask, EscalationState, Resolution, Role, Subject, WelfareDecision
from records.commands import escalations
from records.queries.call_page import CallPage, load_call
from records.queries.calls import PAGE, list_open_calls
from records.queries.incidents import count_open_incidents

router = APIRouter()

ONE = "/referrals/{referral_id}/escalations/{escalation_id}"
_TEXT_OF = {"how": "resolve", "reason": "decide"}
"""Fields of the page's one form, and the step that keeps what is typed there. A note goes with every step."""


@router.get("/escalations")
@requires("acknowledge")
def open_calls(request: Request, session: SessionDep, me: Me, after: str = "") -> Response:
    """Mine first, what nobody took first; everything open about one person stands together."""
    offset = int(after) if after.isascii() and after.isdecimal() and len(after) < 7 else 0
    found = list_open_calls(session, me.actor, offset=offset)
    people = []
    for one in found.people:
        base = f"/referrals/{one.referral.id}"
        zone = one.person.zone
        cards = [call_words.climb_card(climb, me.actor, found.names, base, zone) for climb in one.climbs]
        people.append(
            {
                "name": one.person.full_name,
                "href": base,
                "facility": one.facility,
                "zone": zone,
                "tags": person_view.tags(one.referral)[1:],
                "calls": cards,
                "is_raised": any(card["is_raised"] for card in cards),
                "is_mine": any(card["is_mine"] for card in cards),
                "has_safety": any(climb.top.subject is Subject.SAFETY for climb in one.climbs),
            }
        )
    last = offset + len(people)
    return page(
        "escalations.html",
        request,
        people=people,
        count=found.count,
        incidents=count_open_incidents(session, me.actor) if me.may("handle_incidents") else 0,
        newer=f"/escalations?after={max(offset - PAGE, 0)}" if offset else None,
        older=f"/escalations?after={last}" if last < found.count else None,
        zone=me.program.zone,
    )


@router.get(ONE)
@requires("acknowledge")
def call(request: Request, session: SessionDep, me: Me, referral_id: str, escalation_id: str) -> Response:
    """One call: why, who was told, what was tried, what comes next and for whom; and what can be done about it."""
    found = load_call(session, me.actor, referral_id, escalation_id)
    rows, zone, top = found.rows, found.rows.person.zone, found.climb.top
    mine = found.climb.answerable_by(me.actor)
    is_open = top.state is not EscalationState.RESOLVED
    base = f"/referrals/{referral_id}"
    tag, tone = call_words.SEVERITY[call_words.gravity(top)]
    return page(
        "escalation.html",
        request,
        values=dict.fromkeys(("note", "looked", "resolution", "how", "decision", "reason"), "") | {"once": new_once()},
        who=rows.person.full_name,
        called=rows.person.called,
        base=base,
        here=f"{base}/escalations/{mine.id if mine else top.id}",
        zone=zone,
        subject=top.subject.label,
        tag=tag,
        tone=tone,
        why=call_words.why(found.climb, zone),
        top=top,
        is_open=is_open,
        is_raised=top.state is EscalationState.RAISED,
        is_safety=top.subject is Subject.SAFETY,
        may_answer=is_open and mine is top,
        may_note=is_open and mine is not None,
        taker=found.names.get(top.acknowledged_by or "", ""),
        rungs=[call_words.rung_words(found, r, zone) for r in found.climb.rungs],
        next_step=found.next,
        next_sentence=sentence(found.next, zone, me.id, rows.referral.setting.leaving) if found.next else "",
        attempts=[_attempt(found, a) for a in reversed(found.attempts)],
        missing=found.missing,
        deeds=[d for d in found.deeds if d.text],
        concern=found.concern,
        looks=found.looks_for_them and is_open,
        places=_places(found),
        agreed=[o for o in rows.person.others if o.get("may_contact")],
        decides=is_open and top.ask is Ask.WELFARE_CHECK and Role.CLINICIAN in me.actor.roles,
        awaits_clinician=is_open and top.ask is Ask.WELFARE_CHECK and Role.CLINICIAN not in me.actor.roles,
        decision=top.decision,
        decision_options=[{"value": d.value, "text": d.label} for d in WelfareDecision],
        resolutions=call_words.resolutions(top),
        decisions=call_words.decisions(me.actor, top, rows),
        others=[call_words.climb_card(c, me.actor, found.names, base, zone) for c in found.others],
        safety=person_view.safety(rows.person),
        phones=person_view.phones(rows.person),
    )


@router.post(ONE + "/acknowledge")
@requires("acknowledge", again=call)
def acknowledge(
    request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str, escalation_id: str
) -> Response:
    """One tap: I have this. A second tap changes nothing; what was typed before it is written down too."""
    once = Once(session, request, me, form)
    typed = [_written(form), *_unsent(form)]
    form.check()
    if (before := once.answered()) is not None:
        return before
    row = escalations.acknowledge(session, me.actor, referral_id, escalation_id)
    for text in filter(None, typed):
        escalations.act(session, me.actor, referral_id, escalation_id, text)
    is_mine = row.acknowledged_by == me.id
    said = "It is yours now. Write down what you do, and settle it here." if is_mine else "A colleague has it already."
    return once.go(_address(referral_id, escalation_id), said, "done" if is_mine else "note")


@router.post(ONE + "/act")
@requires("acknowledge", again=call)
def act(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str, escalation_id: str) -> Response:
    """Write down what was done, or where somebody looked and what came of it; the call stays open."""
    once = Once(session, request, me, form)
    text = _written(form, required=True)
    _refuse_unsent(form, "act", "Write it down")
    form.check()
    if (before := once.answered()) is not None:
        return before
    escalations.act(session, me.actor, referral_id, escalation_id, text)
    return once.go(_address(referral_id, escalation_id) + "#done", "It is written down.")


@router.post(ONE + "/decide")
@requires("decide_welfare", again=call)
def decide(
    request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str, escalation_id: str
) -> Response:
    """The clinician decides, with the reason; when somebody is sent it stays open until the outcome is known."""
    once = Once(session, request, me, form)
    decision, reason = form.word("decision", WelfareDecision), form.area("reason", required=True)
    text = _written(form)
    _refuse_unsent(form, "decide", "Keep this decision")
    form.check()
    if (before := once.answered()) is not None:
        return before
    if text:
        escalations.act(session, me.actor, referral_id, escalation_id, text)
    escalations.decide_welfare_check(session, me.actor, referral_id, escalation_id, decision, reason)
    said = "Decided. It stays open until you enter what came of it." if decision.needs_outcome else "Decided."
    return once.go(_address(referral_id, escalation_id), said)


@router.post(ONE + "/resolve")
@requires("resolve", again=call)
def resolve(
    request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str, escalation_id: str
) -> Response:
    """Settle it with how and what was done; refused while the protocol still asks for attempts."""
    once = Once(session, request, me, form)
    resolution, how = form.word("resolution", Resolution), form.area("how", required=True)
    text = _written(form)
    _refuse_unsent(form, "resolve", "Settle it")
    form.check()
    if (before := once.answered()) is not None:
        return before
    if text:
        escalations.act(session, me.actor, referral_id, escalation_id, text)
    escalations.resolve(session, me.actor, referral_id, escalation_id, resolution, how)
    return once.go("/escalations", "Settled, and everybody's clock for it has stopped.")


def _written(form: Form, *, required: bool = False) -> str:
    """What was done, and where, as it is written down; empty when nothing was typed."""
    looked = form.word_or_none("looked", Place)
    note = form.area("note", required=required or looked is not None)
    return f"{looked.label}: {note}" if looked is not None else note


def _unsent(form: Form) -> list[str]:
    """What was typed for steps that keep words of their own."""
    form.also_asked("decision", "resolution")
    return [form.area(name) for name in _TEXT_OF]


def _refuse_unsent(form: Form, step: str, button: str) -> None:
    """Words for another step are neither dropped nor taken for this one's: the page comes back with all of them."""
    form.also_asked("decision", "resolution")
    for name, whose in _TEXT_OF.items():
        if whose != step and form.area(name):
            form.problem(name, "not_sent", f"“{button}” does not keep this. Use the button below it, or empty it.")


def _address(referral_id: str, escalation_id: str) -> str:
    return f"/referrals/{referral_id}/escalations/{escalation_id}"


def _attempt(found: CallPage, row: Any) -> dict[str, Any]:
    return {
        "at": row.at,
        "what": f"{row.mode.label}: {row.outcome.label[:1].lower()}{row.outcome.label[1:]}",
        "by": found.names.get(row.recorded_by or "", "a colleague"),
        "note": row.note,
    }


def _places(found: CallPage) -> list[dict[str, Any]]:
    """Where to look, and whether somebody looked there during this call."""
    done = {place: [d for d in found.deeds if d.text.startswith(f"{place.label}: ")] for place in Place}
    return [{"value": p.value, "text": p.label, "done": done[p][-1] if done[p] else None} for p in Place]
