"""Filing a referral: one form, kept while it is typed, previewed before it is sent.

The address carries the draft from the first moment on, so that a reload, the back button, a sign-out and an error all
come back to what was typed. The form is stored as typed; only the last step makes a referral of it.
"""

from __future__ import annotations

import dataclasses

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from api.access import requires
from api.deps import FormDep, Me, SessionDep, page, redirect_after_post
from api.errors import errors_by_field
from api.forms import Form
from api.pages import referral_form as typing
from api.pages.planner_words import promise_before, stages
from api.pages.referral_choices import choices
from api.rendering import render
from domain.errors import Conflict, Invalid, NotFound, Refusal
from domain.vocabulary import ReferralStatus
from records import clock
from records.access import referral_for
from records.commands import drafts, recognition, referrals
from records.ids import new_id
from records.queries.drafts import find_draft
from records.queries.people import find_duplicates, find_open_referral, is_with_others
from records.queries.planner import Alike, alikes, list_facilities, list_identifiers
from records.queries.previews import preview
from records.tables import Draft, Facility, Person

router = APIRouter()
HERE = "/referrals/new"


@router.get(HERE)
@requires("file_referral")
def form_page(request: Request, session: SessionDep, me: Me, draft: str = "") -> Response:
    """The form, as it was left."""
    if not draft:
        return RedirectResponse(f"{HERE}?draft={new_id('drf')}", status_code=303)
    kept = find_draft(session, me.actor, draft)
    if kept is not None and kept.sent_referral_id is not None:
        return RedirectResponse(f"/referrals/{kept.sent_referral_id}", status_code=303)
    return _form(request, session, me, draft, _fields(session, me, draft, kept), kept)


def _fields(session: SessionDep, me: Me, draft_id: str, kept: Draft | None) -> typing.Fields:
    """What the form shows: what was typed, what a message said, or what the facility lets us assume."""
    if kept is not None:
        return dict(kept.fields)
    if draft_id.startswith("ref_"):
        referral = referral_for(session, me.actor, draft_id, "file_referral")
        if referral.status is not ReferralStatus.DRAFT:
            raise Conflict("already_sent", "This referral was sent already.")
        person = session.get_one(Person, referral.person_id)
        return typing.fields_of(referral, person, list_identifiers(session, person.id), me.zone)
    facility = session.get(Facility, me.actor.facility_id) if me.actor.facility_id else None
    return typing.blank(facility, me.zone, clock.now())


def _form(
    request: Request,
    session: SessionDep,
    me: Me,
    draft_id: str,
    fields: typing.Fields,
    kept: Draft | None,
    refusal: Refusal | None = None,
) -> Response:
    facility = _facility(session, me, fields)
    sentence, detail = _promise(session, me, facility)
    return page(
        "referral_form.html",
        request,
        status=refusal.status if refusal is not None else 200,
        values=typing.shown(fields),
        errors=errors_by_field(refusal) if refusal is not None else {},
        draft=draft_id,
        kept_at=kept.updated_at if kept is not None else None,
        zone=facility.zone if facility is not None else me.zone,
        facility=facility,
        facilities=list_facilities(session, me.actor) if me.actor.facility_id is None else [],
        is_from_message=draft_id.startswith("ref_"),
        alike=_alike(session, me, fields, draft_id),
        promise=sentence,
        promise_detail=detail,
        **choices(facility.setting.is_custody if facility is not None else False),
    )


def _promise(session: SessionDep, me: Me, facility: Facility | None) -> tuple[str, str]:
    """What would be promised if it were sent this minute."""
    if facility is None:
        return "The program answers by a time that you are told when you send it.", ""
    details = referrals.ReferralDetails(setting=facility.setting)
    return promise_before(preview(session, me.actor, details, facility_id=facility.id), me.program.name)


def _facility(session: SessionDep, me: Me, fields: typing.Fields) -> Facility | None:
    """The facility that refers: one's own, or the one that was chosen by somebody who belongs to none."""
    wanted = me.actor.facility_id or (fields.get("facility_id") or [""])[-1]
    facility = session.get(Facility, wanted) if wanted else None
    return facility if facility is not None and facility.program_id == me.actor.program_id else None


def _alike(session: SessionDep, me: Me, fields: typing.Fields, draft_id: str) -> list[Alike]:
    """Who on record the person being typed may be; half-typed answers count as not given."""
    form = Form(fields)
    given, family = form.text("given_name", limit=100), form.text("family_name", limit=100)
    numbers = [("", value) for name in ("mrn", "medicaid", "visit_number") if (value := form.text(name, limit=80))]
    own = referral_for(session, me.actor, draft_id).person_id if draft_id.startswith("ref_") else None
    found = find_duplicates(
        session,
        me.actor.program_id,
        given_name=given,
        family_name=family,
        birth_on=form.date_or_none("birth_on"),
        identifiers=numbers,
        exclude_id=own,
    )
    return alikes(session, me.actor, found)


@router.post(HERE)
@requires("file_referral")
def keep_and_go_on(request: Request, session: SessionDep, me: Me, form: FormDep) -> Response:
    """Keep what was typed, then do what the button says: more room, less, leave it for later, or check and preview."""
    draft_id, wanted = form.text("draft", limit=80), form.text("do", limit=40)
    fields = typing.taken(form)
    form.check()
    verb, _, what = wanted.partition(".")
    if verb == "add" and what in typing.ROWS:
        drafts.keep_draft(session, me.actor, draft_id, typing.with_another(fields, what))
        return RedirectResponse(f"{HERE}?draft={draft_id}#{what}", status_code=303)
    if verb == "remove":
        group, _, index = what.partition(".")
        drafts.keep_draft(session, me.actor, draft_id, typing.without(fields, group, index))
        return RedirectResponse(f"{HERE}?draft={draft_id}#{group}", status_code=303)
    kept = drafts.keep_draft(session, me.actor, draft_id, fields)
    if verb == "later":
        said = "Your draft is kept. Nobody has been asked yet."
        return redirect_after_post(request, "/referrals?show=drafts", said)
    try:
        typing.read(fields, _chosen(session, me, fields), me.zone)
    except Invalid as refusal:
        return _form(request, session, me, draft_id, fields, kept, refusal)
    return RedirectResponse(f"{HERE}/preview?draft={draft_id}", status_code=303)


def _chosen(session: SessionDep, me: Me, fields: typing.Fields) -> Facility:
    facility = _facility(session, me, fields)
    if facility is None:
        raise Invalid("required", "Choose the facility that refers.", field="facility_id")
    return facility


@router.post(f"{HERE}/keep")
@requires("file_referral")
def keep(request: Request, session: SessionDep, me: Me, form: FormDep) -> Response:
    """Keep what was typed so far, and show who on record looks alike. Asked for by the page while somebody types."""
    draft_id = form.text("draft", limit=80)
    form.also_asked("do")
    fields = typing.taken(form)
    form.check()
    kept = drafts.keep_draft(session, me.actor, draft_id, fields)
    found = _alike(session, me, fields, draft_id)
    return render("pages/referral_form_alike.html", request, alike=found, kept_at=kept.updated_at, zone=me.zone)


@router.post(f"{HERE}/discard")
@requires("file_referral")
def discard(request: Request, session: SessionDep, me: Me, form: FormDep) -> Response:
    """Throw a draft away."""
    draft_id = form.text("draft", limit=80)
    form.check()
    drafts.discard_draft(session, me.actor, draft_id)
    return redirect_after_post(request, "/referrals?show=drafts", "The draft is gone.")


@router.get(f"{HERE}/preview")
@requires("file_referral")
def preview_page(request: Request, session: SessionDep, me: Me, draft: str = "") -> Response:
    """What will happen and when, and who this may be, before anything is sent."""
    kept = find_draft(session, me.actor, draft)
    if kept is None:
        raise NotFound("That draft")
    if kept.sent_referral_id is not None:
        return RedirectResponse(f"/referrals/{kept.sent_referral_id}", status_code=303)
    return _preview(request, session, me, kept)


def _preview(
    request: Request, session: SessionDep, me: Me, kept: Draft, refusal: Refusal | None = None, who: str = ""
) -> Response:
    facility = _facility(session, me, kept.fields)
    try:
        typed = typing.read(kept.fields, _chosen(session, me, kept.fields), me.zone)
    except Invalid:
        return RedirectResponse(f"{HERE}?draft={kept.id}", status_code=303)
    assert facility is not None
    found = preview(session, me.actor, typed.details, facility_id=facility.id, has_phone=bool(typed.person.phones))
    sentence, detail = promise_before(found, me.program.name)
    return page(
        "referral_preview.html",
        request,
        status=refusal.status if refusal is not None else 200,
        errors=errors_by_field(refusal) if refusal is not None else {},
        values={"who": who},
        draft=kept.id,
        person=typed.person,
        details=typed.details,
        facility=facility,
        preview=found,
        promise=sentence,
        promise_detail=detail,
        stages=stages(found, clock.now()),
        zone=facility.zone,
        alike=_alike(session, me, kept.fields, kept.id),
    )


@router.post(f"{HERE}/send")
@requires("file_referral")
def send(request: Request, session: SessionDep, me: Me, form: FormDep) -> Response:
    """Send it: for somebody new, or for the person who was recognized. Sent twice it is one referral."""
    draft_id, who, seen = form.text("draft", limit=80), form.text("who", limit=60), form.many("seen")
    form.check()
    kept = find_draft(session, me.actor, draft_id)
    if kept is None:
        raise NotFound("That draft")
    if kept.sent_referral_id is not None:
        return RedirectResponse(f"/referrals/{kept.sent_referral_id}/filed", status_code=303)
    facility = _chosen(session, me, kept.fields)
    alike = _alike(session, me, kept.fields, draft_id)
    chosen_from = {one.person_id for one in alike if one.may_be_chosen}
    problem = _unanswered(chosen_from, who, seen)
    if problem is not None:
        return _preview(request, session, me, kept, problem, who)
    if who in chosen_from and find_open_referral(session, who) is not None:
        try:
            return _has_them_already(request, session, me, kept, who)
        except Invalid as refusal:
            return _preview(request, session, me, kept, refusal, who)
    try:
        with session.begin_nested():
            others = [one.person_id for one in alike if one.is_ours]
            referral_id = _file(session, me, kept, facility, who if who in chosen_from else None, others)
    except (Invalid, Conflict) as refusal:
        return _preview(request, session, me, kept, refusal, who)
    return RedirectResponse(f"/referrals/{referral_id}/filed", status_code=303)


def _unanswered(chosen_from: set[str], who: str, seen: list[str]) -> Invalid | None:
    """Nobody is merged or doubled without a human: every likely double was shown, and the question answered."""
    if chosen_from - set(seen):
        return Invalid("look_again", "Somebody on record looks alike. Compare them first.", field="who")
    if chosen_from and who != "new" and who not in chosen_from:
        return Invalid("required", "Say whether this is one of these people, or somebody else.", field="who")
    return None


def _has_them_already(request: Request, session: SessionDep, me: Me, kept: Draft, person_id: str) -> Response:
    elsewhere = is_with_others(session, me.actor, person_id)
    waited = kept.id if kept.id.startswith("ref_") else ""
    facility = _chosen(session, me, kept.fields)
    typed = typing.read(kept.fields, facility, me.zone)
    referral = recognition.join_referral(
        session, me.actor, person_id, facility_id=facility.id, draft_id=waited, said=typed.person,
        about=referrals.said_about(typed.details),
    )  # fmt: skip
    drafts.discard_draft(session, me.actor, kept.id)
    if not elsewhere:
        said = "This person has an open referral already: here it is. Nothing was filed a second time."
        return redirect_after_post(request, f"/referrals/{referral.id}", said, "note")
    said = (
        "The program supports this person already, so nothing was filed a second time. It hears that you asked too"
        + (f"; you can call it at {me.program.phone}." if me.program.phone else ".")
    )
    return redirect_after_post(request, "/referrals", said, "note")


def _file(session: SessionDep, me: Me, kept: Draft, facility: Facility, person_id: str | None, alike: list[str]) -> str:
    typed = typing.read(kept.fields, facility, me.zone)
    if kept.id.startswith("ref_"):
        details = dataclasses.replace(typed.details, visit_id="")
        filed = referrals.submit_draft(session, me.actor, kept.id, typed.person, details, person_id=person_id)
    else:
        filed = referrals.file_referral(
            session, me.actor, typed.person, typed.details, facility_id=facility.id, person_id=person_id
        )
    recognition.tell_apart(session, me.actor, filed.person_id, alike)
    drafts.mark_sent(session, kept, filed)
    return filed.id
