"""What a person agreed to: to whom what may be told until when; given, changed, taken back; and a copy for them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from sqlmodel import Session

from api.access import requires
from api.deps import FormDep, Me, SessionDep, page, redirect_after_post
from api.filters import local_date
from api.forms import Form
from api.pages.referral_choices import options
from domain.clock import end_of
from domain.clock import local_date as date_of
from domain.consent import (
    NAMED,
    SCOPES,
    Consent,
    Grant,
    form_text,
    grant_of,
    in_words,
    intake_grants,
    scope_concerns_use,
)
from domain.errors import NotFound
from domain.vocabulary import Category, ConsentStatus, RecipientKind, Scope, SignerKind, SigningMethod
from records import clock
from records.access import referral_for
from records.commands import consents
from records.commands.consents import Signature
from records.queries.consents import as_facts, asks_both, list_readable, readable_consent
from records.queries.staff import names_of
from records.tables import ConsentVersion, Person

router = APIRouter()

TONES = {ConsentStatus.GIVEN: "go", ConsentStatus.EXPIRED: "stop", ConsentStatus.REVOKED: "stop"}
_ADDABLE = tuple(scope for scope in Scope if scope is not Scope.SHARE_BACK)
_WARNINGS = {
    Scope.PROCEEDINGS: "What is told under this can be used against them in a court or a hearing.",
    Scope.SUBSTANCE_USE: "This tells others that they use or used substances.",
    Scope.COUNSELING_NOTES: "These notes are kept apart. Most people need not agree to this.",
    Scope.JUSTICE: "Usually only whether they keep their contacts; never a note.",
}


@router.get("/referrals/{referral_id}/consents")
@requires("record_consent")
def consents_page(request: Request, session: SessionDep, me: Me, referral_id: str) -> Response:
    """What is agreed, to whom, until when."""
    referral = referral_for(session, me.actor, referral_id)
    person, now = session.get_one(Person, referral.person_id), clock.now()
    rows = list_readable(session, me.actor, referral_id)
    latest = {row.line: row.id for row, _ in rows}  # the oldest first: the latest stays
    facts = {row.id: as_facts(row, taken_back) for row, taken_back in rows}
    names = names_of(session, {row.seen_by for row, _ in rows})
    lines = [_line(row, facts[row.id], names, now, person.zone) for row, _ in rows if latest[row.line] == row.id]
    former = [_line(row, facts[row.id], names, now, person.zone) for row, _ in rows if latest[row.line] != row.id]
    return page(
        "consents.html",
        request,
        row=referral,
        called=person.called,
        base=f"/referrals/{referral_id}",
        lines=sorted(lines, key=lambda one: not one["is_in_force"]),
        former=former[::-1],
        addable=[{"scope": scope.value, "label": scope.label} for scope in _ADDABLE],
        is_open=not referral.status.is_over,
        may_tell=me.may("tell_outside"),
        may_account=me.may("see_accounting"),
        person_id=person.id,
    )


@router.get("/referrals/{referral_id}/consents/new")
@requires("record_consent")
def consent_form(request: Request, session: SessionDep, me: Me, referral_id: str, scope: str = "") -> Response:
    """The consent, with the place to sign."""
    referral = referral_for(session, me.actor, referral_id)
    person = session.get_one(Person, referral.person_id)
    typed = getattr(request.state, "typed", None)
    wanted = scope or (typed.as_typed().get("scope", "") if typed is not None else "")
    chosen = next((one for one in _ADDABLE if one.value == wanted), None)
    if chosen is None:
        raise NotFound("That consent")
    rule = SCOPES[chosen]
    recipients = [kind for kind in RecipientKind if kind in rule.to]
    categories = [category for category in Category if category in rule.at_most]
    return page(
        "consent_form.html",
        request,
        values={
            "scope": chosen.value,
            "categories": sorted(rule.usual),
            "shares_back": "yes",
            "signer": SignerKind.PERSON.value,
            "method": SigningMethod.SCREEN.value,
            "signed_on": date_of(clock.now(), person.zone),
        },
        row=referral,
        called=person.called,
        who=person.full_name,
        base=f"/referrals/{referral_id}",
        scope=chosen,
        warning=_WARNINGS.get(chosen, ""),
        recipients=options(recipients) if len(recipients) > 1 else [],
        is_named=bool(NAMED & rule.to),
        is_intake=chosen is Scope.REFERRED,
        categories=options(categories) if len(categories) > 1 and chosen is not Scope.REFERRED else [],
        signers=options(SignerKind),
        texts=form_text(),
        asks_both=scope_concerns_use(chosen) and asks_both(person, me.program, clock.now()),
    )


@router.post("/referrals/{referral_id}/consents")
@requires("record_consent", again=consent_form)
def give(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str) -> Response:
    """Signed: from now on what is told follows it."""
    referral = referral_for(session, me.actor, referral_id)
    person = session.get_one(Person, referral.person_id)
    second = form.text("second_signature")
    is_alone = not asks_both(person, me.program, clock.now())
    grants, until = _grants(form, with_use=is_alone or bool(second)), form.date_or_none("until")
    method = form.word("method", SigningMethod)
    signature = Signature(
        second=second,
        second_authority=form.text("second_authority"),
        name=form.text("signature", required=True),
        signer=form.word("signer", SignerKind),
        authority=form.text("authority"),
        method=method,
        signed_on=form.date_or_none("signed_on") if method is SigningMethod.PAPER else None,
    )
    form.also_asked("signed_on")
    if not form.yes("agrees") and method is SigningMethod.SCREEN:
        form.problem("agrees", "required", "Tick this to sign.")
    if until is not None and until < date_of(clock.now(), person.zone):
        form.problem("until", "expired", "This day has passed. Leave it empty if no end was agreed.")
    form.check()
    ends = end_of(until, person.zone) if until is not None else None
    made = consents.give_consent(session, me.actor, referral_id, grants, signature, expires_at=ends)
    said = "Signed. What may be told follows it from now on. Give them this copy."
    return redirect_after_post(request, f"/referrals/{referral_id}/consents/{made.id}", said)


@router.get("/referrals/{referral_id}/consents/{consent_id}")
@requires("record_consent")
def copy(request: Request, session: SessionDep, me: Me, referral_id: str, consent_id: str) -> Response:
    """The copy of a consent, to print: every element as it was signed."""
    referral = referral_for(session, me.actor, referral_id)
    person = session.get_one(Person, referral.person_id)
    row, taken_back = readable_consent(session, me.actor, referral.id, consent_id)
    facts, now = as_facts(row, taken_back), clock.now()
    return page(
        "consent_copy.html",
        request,
        row=referral,
        consent=row,
        line=_line(row, facts, names_of(session, {row.seen_by}), now, person.zone),
        facts=_elements(session, row, facts, person.zone),
        texts=form_text(row.form) if row.form else {},
        base=f"/referrals/{referral_id}",
        taken_back=taken_back,
        zone=person.zone,
    )


@router.post("/referrals/{referral_id}/consents/{consent_id}/revoke")
@requires("record_consent")
def revoke(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str, consent_id: str) -> Response:
    """Taken back, from this minute on. No reason is asked."""
    form.check()
    readable_consent(session, me.actor, referral_for(session, me.actor, referral_id).id, consent_id)
    consents.revoke_consent(session, me.actor, referral_id, consent_id)
    said = "Taken back. Nothing more is told under it, also nothing that was waiting to be sent."
    return redirect_after_post(request, f"/referrals/{referral_id}/consents", said)


def _grants(form: Form, *, with_use: bool) -> list[Grant]:
    scope = form.word("scope", Scope)
    to, name = form.word_or_none("to", RecipientKind), form.text("name")
    categories = form.words("categories", Category)
    shares_back = form.yes("shares_back")
    if scope is Scope.REFERRED:
        return list(intake_grants(shares_back=shares_back, with_use=with_use))
    return [grant_of(scope, to, name, categories)]


def _line(row: ConsentVersion, facts: Consent, names: dict[str, str], now: Any, zone: str) -> dict[str, Any]:
    status = facts.status(now)
    is_given = row.answer is ConsentStatus.GIVEN
    title = Scope(facts.grants[0].scope).label if facts.grants else "Being referred and contacted"
    return {
        "id": row.id,
        "title": title,
        "to": [_told(grant) for grant in facts.grants],
        "status": status.label if not facts.lacks else "Not complete",
        "tone": TONES.get(status, "wait") if not facts.lacks else "stop",
        "until": local_date(row.expires_at, zone)
        if row.expires_at
        else f"until {row.expires_when}"
        if is_given
        else "",
        "signed": _signed(row, names),
        "is_in_force": is_given and status is ConsentStatus.GIVEN,
        "is_given": is_given,
        "recorded_at": row.recorded_at,
        "zone": zone,
    }


def _told(grant: Grant) -> dict[str, str]:
    """Who is told, and what, apart: the names are what one looks for."""
    who = grant.name or grant.to.label
    return {"who": who, "what": in_words(grant).removeprefix(f"{who}: ")}


def _signed(row: ConsentVersion, names: dict[str, str]) -> str:
    if row.answer is not ConsentStatus.GIVEN:
        return ""
    who = row.signer_name + (f" ({row.authority})" if row.authority else "")
    if row.second_name:
        who += f" and {row.second_name}" + (f" ({row.second_authority})" if row.second_authority else "")
    seen = names.get(row.seen_by or "", "")
    how = f"on paper, seen by {seen}" if row.method is SigningMethod.PAPER else f"on the screen of {seen}"
    return f"{who}, {local_date(row.signed_on)}, {how}" if row.signed_on else f"{who}, {how}"


def _elements(session: Session, row: ConsentVersion, facts: Consent, zone: str) -> list[dict[str, str]]:
    """The elements of 42 CFR 2.31 in words."""
    signed = _signed(row, names_of(session, {row.seen_by}))
    found = [
        {"term": "Whose consent", "text": row.person_name},
        {"term": "Who may tell", "text": row.discloser},
    ]
    found += [{"term": "What, to whom, what for", "text": in_words(grant)} for grant in facts.grants]
    ends = (
        local_date(row.expires_at, zone) if row.expires_at else f"When {row.expires_when}" if row.expires_when else ""
    )
    return [*found, {"term": "Ends", "text": ends}, {"term": "Signed", "text": signed or "Not signed"}]
