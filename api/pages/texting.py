"""Texts and one person: whether they want them, number by number; what they wrote; what went out by itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlmodel import Session

from api.access import requires
from api.deps import FormDep, Me, SessionDep, page, redirect_after_post
from api.filters import local
from domain.errors import NotFound
from domain.texting import WORDING, wording
from domain.vocabulary import AgreedHow, NotificationState, ReplyKind
from records import clock
from records.access import readable_for, referral_for
from records.commands import replies, texting
from records.queries.staff import names_of
from records.queries.text_pages import NumberStanding, number_standings, replies_of
from records.queries.texting import texts_about
from records.tables import Person, Referral

router = APIRouter()

TONES = {NotificationState.SENT: "go", NotificationState.QUEUED: "wait", NotificationState.FAILED: "stop"}
KIND_TONES = {ReplyKind.STOP: "stop", ReplyKind.WRONG_NUMBER: "stop", ReplyKind.START: "go"}


@router.get("/referrals/{referral_id}/texts")
@requires("see_texts")
def texts(request: Request, session: SessionDep, me: Me, referral_id: str) -> Response:
    """Each number with what they said about texts; their own texts; what went out by itself."""
    referral, read_until = readable_for(session, me.actor, referral_id)
    person = session.get_one(Person, referral.person_id)
    works = read_until is None
    rows = replies_of(session, referral_id)
    names = names_of(session, {row.seen_by for row in rows})
    phones = zip(person.phones, number_standings(session, referral.program_id, person), strict=True)
    return page(
        "texts.html",
        request,
        row=referral,
        called=person.called,
        base=f"/referrals/{referral_id}",
        numbers=[_number(phone, one, place, person.zone) for place, (phone, one) in enumerate(phones)],
        replies=reply_lines(rows, names, person.zone, works=works),
        texts=[
            {"kind": one.kind.label, "at": one.sent_at or one.not_before, "state": one.state.label, "said": one.said,
             "tone": TONES.get(one.state, "neutral"), "problem": one.problem}
            for one in texts_about(session, referral_id)
        ],
        wording=wording(WORDING),
        hows=[{"value": how.value, "text": how.label} for how in AgreedHow],
        may_record=works and me.may("record_texts") and referral.status.is_open,
        zone=person.zone,
    )  # fmt: skip


def _number(phone: dict[str, Any], one: NumberStanding, place: int, zone: str) -> dict[str, Any]:
    """One number as the page shows it."""
    said = one.permission
    return {
        "number": one.number,
        "place": place,
        "note": phone.get("note", ""),
        "is_shared": phone.get("kind") == "shared",
        "is_on": one.is_on,
        "is_stopped": one.is_stopped,
        "is_set_aside": one.is_set_aside,
        "said": _said(one, zone),
        "may_ask": not one.is_on and not one.is_stopped and not one.is_set_aside,
        "may_stop": said is not None and said.is_given,
    }


def _said(one: NumberStanding, zone: str) -> str:
    """What is known about texts on a number, in one sentence."""
    if one.is_set_aside:
        since = f" {local(one.quarantine.at, zone)}:" if one.quarantine is not None else ""
        return f"Set aside{since} {one.quarantine.why if one.quarantine is not None else 'wrong number'}."
    if one.is_stopped and one.answer is not None:
        return f"STOP came from it {local(one.answer.at, zone)}. Only START from it brings texts back; you can call."
    said = one.permission
    if said is None:
        return "Nobody has asked them about automatic texts yet."
    if not said.is_given:
        return f"They want none, since {local(said.at, zone)}."
    how = f"{said.how.label[:1].lower()}{said.how.label[1:]}, " if said.how is not None else ""
    return f"They said yes {local(said.at, zone)}: {how}heard by {one.seen_by or 'a colleague'}."


def reply_lines(rows: Any, names: dict[str, str], zone: str, *, works: bool) -> list[dict[str, Any]]:
    """What they wrote, as lines; the unread ones can be marked as read by whoever works with them."""
    return [
        {
            "id": row.id,
            "at": row.received_at,
            "body": row.body,
            "kind": row.kind.label if row.kind is not ReplyKind.WORDS else "",
            "tone": KIND_TONES.get(row.kind, "neutral"),
            "is_danger": row.is_danger,
            "why": row.why if row.kind is not ReplyKind.WORDS or row.is_danger else "",
            "is_new": row.seen_at is None,
            "may_mark": row.seen_at is None and works,
            "seen": f"read by {names.get(row.seen_by or '', 'a colleague')}, {_when(row.seen_at, zone)}"
            if row.seen_at is not None
            else "",
        }
        for row in rows
    ]


def _when(at: datetime | None, zone: str) -> str:
    return local(at, zone) if at is not None else ""


@router.post("/referrals/{referral_id}/texts/allow")
@requires("record_texts", again=texts)
def allow(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str) -> Response:
    """They said yes to texts on this number."""
    number, how = form.text("number", required=True), form.word("how", AgreedHow)
    form.check()
    texting.allow_texts(session, me.actor, referral_id, number, how)
    return redirect_after_post(request, f"/referrals/{referral_id}/texts", "Texts are on. A first one says who writes.")


@router.post("/referrals/{referral_id}/texts/refuse")
@requires("record_texts", again=texts)
def refuse(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str) -> Response:
    """They want no more texts on this number."""
    number = form.text("number", required=True)
    form.check()
    texting.refuse_texts(session, me.actor, referral_id, number)
    return redirect_after_post(request, f"/referrals/{referral_id}/texts", "Noted. No more texts go to this number.")


@router.get("/referrals/{referral_id}/texts/clear/{place}")
@requires("record_texts")
def clear_form(request: Request, session: SessionDep, me: Me, referral_id: str, place: str) -> Response:
    """Why a number that was set aside is theirs after all."""
    referral = referral_for(session, me.actor, referral_id)
    person = session.get_one(Person, referral.person_id)
    standings = number_standings(session, referral.program_id, person)
    found = dict(enumerate(standings)).get(int(place) if place.isascii() and place.isdecimal() else -1)
    if found is None or not found.is_set_aside:
        raise NotFound("That number")
    return page(
        "texts_clear.html",
        request,
        values={"reason": ""},
        row=referral,
        called=person.called,
        base=f"/referrals/{referral_id}",
        number=found.number,
        place=place,
        said=_said(found, person.zone),
    )


@router.post("/referrals/{referral_id}/texts/clear/{place}")
@requires("record_texts", again=clear_form)
def clear(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str, place: str) -> Response:
    """The number is theirs after all, and somebody says how they know."""
    number, reason = form.text("number", required=True), form.text("reason", required=True)
    form.check()
    texting.lift_quarantine(session, me.actor, referral_id, number, reason)
    return redirect_after_post(request, f"/referrals/{referral_id}/texts", "The number can be called again.")


@router.post("/referrals/{referral_id}/replies/{reply_id}/seen")
@requires("see_texts")
def seen(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str, reply_id: str) -> Response:
    """Somebody has read what they wrote."""
    form.check()
    replies.mark_reply_seen(session, me.actor, referral_id, reply_id)
    return redirect_after_post(request, f"/referrals/{referral_id}#texts", "Marked as read.")


def on_the_page(session: Session, referral: Referral, person: Person, *, works: bool) -> dict[str, Any]:
    """What a person's page shows of texts: the unread ones, the latest read one, and how each number stands."""
    rows = replies_of(session, referral.id, limit=10)
    names = names_of(session, {row.seen_by for row in rows})
    unread = [row for row in rows if row.seen_at is None]
    return {
        "replies": reply_lines(unread or rows[:1], names, person.zone, works=works),
        "standing": {
            one.number: {"is_on": one.is_on, "is_stopped": one.is_stopped, "said": _said(one, person.zone)}
            for one in number_standings(session, referral.program_id, person)
        },
        "now": clock.now(),
    }
