"""Consent: what a person agreed to, and whether something may be told to somebody at a moment. Pure rules.

After 42 CFR part 2 as amended in 2024 and HIPAA. Whatever no rule here allows is not told: unknown means no.
A consent is a chain of versions that never change. `line` says what it is about (`line_of`); the latest version of a
line is the only one that counts. Taking one back is an event of its own and counts from that moment.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path

from domain.errors import Invalid
from domain.vocabulary import Category, ConsentStatus, Purpose, RecipientKind, Scope, SignerKind, SigningMethod

FOLDER = Path(__file__).parent / "texts"
FORM = "2026-11"
"""The wording of the consent form that is signed now: `domain/texts/consent.<this>.toml`."""
NOTICE_LONG = "42-cfr-2.32-a-1.2024"
NOTICE_SHORT = "42-cfr-2.32-a-2.2024"
"""The two statements of 42 CFR 2.32(a), each pinned to its year: the older texts are still all over the web."""
INTAKE = "intake"
"""The line of what is asked when somebody is referred: being contacted, and the facility hearing how it goes."""
ADULT_AT = 18

_K, _C, _P = RecipientKind, Category, Purpose
_ABOUT_CARE = frozenset({_C.ATTENDANCE, _C.STANDING, _C.COORDINATION, _C.CONTACT_DATA})
_ATTENDS = frozenset({_C.ATTENDANCE, _C.STANDING})


@dataclass(frozen=True, slots=True)
class ScopeRule:
    """What one scope can cover: to whom, what at most, and what is meant when nothing more is said."""

    to: frozenset[RecipientKind]
    at_most: frozenset[Category]
    usual: frozenset[Category]


SCOPES: dict[Scope, ScopeRule] = {
    Scope.REFERRED: ScopeRule(
        frozenset({_K.PROGRAM}),
        frozenset({_C.STANDING, _C.COORDINATION, _C.CONTACT_DATA, _C.SUBSTANCE_USE}),
        frozenset({_C.STANDING, _C.COORDINATION, _C.CONTACT_DATA, _C.SUBSTANCE_USE}),
    ),
    Scope.SHARE_BACK: ScopeRule(frozenset({_K.REFERRER}), _ATTENDS | {_C.COORDINATION}, _ATTENDS | {_C.COORDINATION}),
    Scope.TREATING: ScopeRule(frozenset({_K.TREATING}), _ABOUT_CARE, _ABOUT_CARE),
    Scope.CONTACT: ScopeRule(frozenset({_K.CONTACT}), _ABOUT_CARE, frozenset({_C.STANDING})),
    Scope.ORGANIZATION: ScopeRule(
        frozenset({_K.ORGANIZATION}), _ABOUT_CARE, frozenset({_C.COORDINATION, _C.CONTACT_DATA})
    ),
    Scope.JUSTICE: ScopeRule(frozenset({_K.JUSTICE}), _ATTENDS, frozenset({_C.ATTENDANCE})),
    Scope.SUBSTANCE_USE: ScopeRule(
        frozenset({_K.PROGRAM, _K.REFERRER, _K.TREATING, _K.CONTACT, _K.ORGANIZATION}),
        frozenset({_C.SUBSTANCE_USE}),
        frozenset({_C.SUBSTANCE_USE}),
    ),
    Scope.COUNSELING_NOTES: ScopeRule(
        frozenset({_K.REFERRER, _K.TREATING, _K.CONTACT, _K.ORGANIZATION}),
        frozenset({_C.COUNSELING_NOTES}),
        frozenset({_C.COUNSELING_NOTES}),
    ),
    Scope.PROCEEDINGS: ScopeRule(frozenset({_K.JUSTICE}), _ATTENDS | {_C.COORDINATION, _C.SUBSTANCE_USE}, _ATTENDS),
}
"""Every scope. Justice hears whether they keep their contacts, at most how it stands, and never a note (45 CFR 164.502,
42 CFR 2.35). Substance use, counseling notes and proceedings each have a consent of their own (42 CFR 2.31(b), (d))."""

NAMED = frozenset({_K.CONTACT, _K.ORGANIZATION, _K.JUSTICE})
"""Recipients who must be named; the others are a class (42 CFR 2.31(a)(4))."""

PURPOSE_OF: dict[RecipientKind, Purpose] = {
    _K.PROGRAM: _P.SUPPORT,
    _K.REFERRER: _P.COORDINATION,
    _K.TREATING: _P.TREATMENT,
    _K.CONTACT: _P.AT_REQUEST,
    _K.ORGANIZATION: _P.COORDINATION,
    _K.JUSTICE: _P.MONITORING,
    _K.PERSON: _P.AT_REQUEST,
}
"""What each is told for, except for proceedings, which are asked for by themselves."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom something would go to. `name` is needed where the consent must name them."""

    kind: RecipientKind
    name: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """One thing agreed to: what may go to whom, what for."""

    scope: Scope
    to: RecipientKind
    categories: frozenset[Category]
    purpose: Purpose
    name: str = ""

    @property
    def recipient(self) -> Recipient:
        """To whom."""
        return Recipient(self.to, self.name)


@dataclass(frozen=True, slots=True)
class Consent:
    """One version of one line, as the rules see it. `lacks` are elements of 42 CFR 2.31 that are missing."""

    id: str
    line: str
    version: int
    answer: ConsentStatus
    given_at: datetime
    grants: tuple[Grant, ...] = ()
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    lacks: tuple[str, ...] = ()

    def status(self, at: datetime) -> ConsentStatus:
        """What this version says at a moment."""
        if self.revoked_at is not None and self.revoked_at <= at:
            return ConsentStatus.REVOKED
        if self.answer is ConsentStatus.GIVEN and self.expires_at is not None and self.expires_at <= at:
            return ConsentStatus.EXPIRED
        return self.answer


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether it may be told, why, under which consent, and which statement must go with it."""

    is_allowed: bool
    reason: str
    consent_id: str | None = None
    notice: str = ""
    covers: str = ""


def may_disclose(
    consents: Iterable[Consent], recipient: Recipient, category: Category, purpose: Purpose, at: datetime
) -> Decision:
    """Whether this may be told to this recipient, for this purpose, at this moment. What no rule allows is refused."""
    latest = list(latest_versions(consents, at))
    if recipient.kind is RecipientKind.PERSON:
        return _to_the_person(category, purpose)
    if recipient.kind is RecipientKind.PROGRAM and category in _ABOUT_CARE and purpose is Purpose.SUPPORT:
        return Decision(True, "the program’s own people, for their work")
    if category is Category.REQUEST:
        return _about_their_request(latest, recipient, purpose, at)
    if recipient.kind in NAMED and not recipient.name.strip():
        return Decision(False, "it must be said by name who is told")
    refusal = "no consent covers it"
    for consent in latest:
        for grant in consent.grants:
            if not _covers(grant, recipient, category, purpose):
                continue
            status = consent.status(at)
            if consent.lacks:
                refusal = f"the consent is not complete: {', '.join(consent.lacks)}"
            elif status is not ConsentStatus.GIVEN:
                refusal = f"the consent is {status.label.lower()}"
            else:
                notice = "" if recipient.kind is RecipientKind.PROGRAM else NOTICE_LONG
                return Decision(True, "the person’s consent covers it", consent.id, notice, in_words(grant))
    if refusal == "no consent covers it" and recipient.kind is RecipientKind.REFERRER:
        refusal = f"consent is {standing(consents, at).label.lower()}" if not _is_given(latest, at) else refusal
    return Decision(False, refusal)


def _to_the_person(category: Category, purpose: Purpose) -> Decision:
    if category is Category.COUNSELING_NOTES:
        return Decision(False, "counseling notes are kept apart: a clinician decides")
    if purpose is not Purpose.AT_REQUEST:
        return Decision(False, "the person is told at their own request, for nothing else")
    return Decision(True, "it is about themselves")


def _about_their_request(latest: list[Consent], recipient: Recipient, purpose: Purpose, at: datetime) -> Decision:
    """A facility hears how its own request is answered, which tells nothing of the person, until they say no."""
    if recipient.kind is not RecipientKind.REFERRER or purpose is not Purpose.COORDINATION:
        return Decision(False, "only the facility that asked hears of its request")
    intake = next((c for c in latest if c.line == INTAKE), None)
    if intake is not None and intake.status(at) not in (ConsentStatus.GIVEN, ConsentStatus.PENDING):
        return Decision(False, f"consent is {intake.status(at).label.lower()}")
    return Decision(True, "an answer to their own request; it tells nothing of the person")


def _covers(grant: Grant, recipient: Recipient, category: Category, purpose: Purpose) -> bool:
    rule = SCOPES[grant.scope]
    return (
        grant.to is recipient.kind
        and grant.to in rule.to
        and category in grant.categories & rule.at_most
        and grant.purpose is purpose is purpose_of(grant.scope, grant.to)
        and (not grant.name or name_key(grant.name) == name_key(recipient.name))
        and (bool(grant.name) or grant.to not in NAMED)
    )


def latest_versions(consents: Iterable[Consent], at: datetime) -> Iterable[Consent]:
    """The version that counts of each line at a moment: the latest that had been recorded by then."""
    latest: dict[str, Consent] = {}
    for consent in sorted(consents, key=lambda c: c.version):
        if consent.given_at <= at:
            latest[consent.line] = consent
    return latest.values()


def standing(consents: Iterable[Consent], at: datetime) -> ConsentStatus:
    """Whether the person agreed to be referred and contacted, at a moment: the flag that a referral shows."""
    intake = next((c for c in latest_versions(consents, at) if c.line == INTAKE), None)
    return ConsentStatus.PENDING if intake is None else intake.status(at)


def _is_given(latest: list[Consent], at: datetime) -> bool:
    return any(c.line == INTAKE and c.status(at) is ConsentStatus.GIVEN for c in latest)


def purpose_of(scope: Scope, to: RecipientKind) -> Purpose:
    """What something agreed to is told for."""
    return Purpose.PROCEEDINGS if scope is Scope.PROCEEDINGS else PURPOSE_OF[to]


def grant_of(
    scope: Scope, to: RecipientKind | None = None, name: str = "", categories: Iterable[Category] = ()
) -> Grant:
    """One thing agreed to, as the form means it. Raises Invalid when the scope cannot cover that."""
    rule = SCOPES[scope]
    recipient = to if to is not None else next(iter(rule.to)) if len(rule.to) == 1 else None
    if recipient is None or recipient not in rule.to:
        raise Invalid("consent_recipient", "Choose who may be told.", field="to")
    if recipient in NAMED and not name.strip():
        raise Invalid("required", "Say by name who may be told.", field="name")
    wanted = frozenset(categories) or rule.usual
    if not wanted <= rule.at_most:
        raise Invalid("consent_scope", "This consent cannot cover that; it needs one of its own.", field="categories")
    return Grant(scope, recipient, wanted, purpose_of(scope, recipient), " ".join(name.split()))


def intake_grants(*, shares_back: bool = True, with_use: bool = True) -> tuple[Grant, ...]:
    """What a yes at filing means: the program is told and calls them; the facility hears how it goes.

    Without `with_use` the program hears of everything but substance use.
    """
    usual = SCOPES[Scope.REFERRED].usual
    referred = grant_of(Scope.REFERRED, categories=usual if with_use else usual - {Category.SUBSTANCE_USE})
    return (referred, grant_of(Scope.SHARE_BACK)) if shares_back else (referred,)


def line_of(grants: Iterable[Grant]) -> str:
    """The line that these grants are a version of. Raises Invalid when they cannot be signed together."""
    lines = {_line(grant) for grant in grants}
    if len(lines) != 1:
        raise Invalid("consent_apart", "Each of these needs a consent of its own.", field="scope")
    return lines.pop()


def _line(grant: Grant) -> str:
    if grant.scope in (Scope.REFERRED, Scope.SHARE_BACK):
        return INTAKE
    if grant.scope is Scope.TREATING:
        return grant.scope.value
    return ":".join(filter(None, (grant.scope.value, grant.to.value, name_key(grant.name))))


def name_key(name: str) -> str:
    """A name as it is compared: capitals and spaces do not matter."""
    return " ".join(name.casefold().split())


def in_words(grant: Grant) -> str:
    """The scope of a consent in one sentence: the explanation that goes with what is told (42 CFR 2.32(b))."""
    what = "; ".join(c.label.lower() for c in Category if c in grant.categories)
    to = grant.name or grant.to.label
    return f"{to}: {what}. {grant.purpose.label}."


def missing_elements(said: Mapping[str, object], grants: Iterable[Grant], signer: SignerKind) -> tuple[str, ...]:
    """The elements of 42 CFR 2.31(a) that a consent lacks, in words; empty when it is complete."""
    agreed = tuple(grants)
    needed = dict(_ELEMENTS)
    if said.get("needs_both") and concerns_use(agreed):
        needed |= {
            "second_name": "the signature of a parent or guardian",
            "second_authority": "why the second may sign",
        }
    if signer is not SignerKind.PERSON:
        needed["authority"] = "why somebody else may sign"
    if said.get("method") == SigningMethod.PAPER:
        needed["seen_by"] = "who saw the paper"
    if any(grant.to is RecipientKind.TREATING for grant in agreed):
        needed |= {"redisclosure": "that it may be passed on", "refusing": "what happens without it"}
    found = [words for name, words in needed.items() if not said.get(name)]
    if not agreed or any(not grant.categories for grant in agreed):
        found.append("what may be told")
    if any(grant.to in NAMED and not grant.name for grant in agreed):
        found.append("who may be told")
    return tuple(found)


_ELEMENTS = {
    "person_name": "whose consent it is",
    "discloser": "who may tell",
    "revoke": "how to take it back",
    "expiry": "when it ends",
    "signer_name": "the signature",
    "signed_on": "the date",
}


def check_signer(
    signer: SignerKind, authority: str, grants: Iterable[Grant], *, birth_on: date | None, today: date, has_died: bool
) -> None:
    """Refuse a signature that does not count. Raises Invalid.

    A minor's own signature is needed for what concerns substance use (42 CFR 2.14), whoever signs beside them; whether
    somebody must is for `missing_elements`. After a death only a representative can sign (42 CFR 2.15).
    """
    if signer is not SignerKind.PERSON and not authority.strip():
        raise Invalid("required", "Say why they may sign for the person.", field="authority")
    if has_died and signer is not SignerKind.REPRESENTATIVE:
        raise Invalid("signer", "The person has died: only a legal representative can sign.", field="signer")
    is_young = is_minor(birth_on, today)
    if signer is SignerKind.GUARDIAN and birth_on is not None and not is_young:
        raise Invalid("signer", "They are of age and sign themselves, or a legal representative does.", field="signer")
    if is_young and not has_died and signer is not SignerKind.PERSON and concerns_use(grants):
        raise Invalid("signer", "A minor signs this themselves; who else must, signs beside them.", field="signer")


def is_minor(birth_on: date | None, today: date) -> bool:
    """Whether somebody is not of age on a day; False when no birth date is known."""
    return birth_on is not None and birth_on > _years_before(today, ADULT_AT)


def concerns_use(grants: Iterable[Grant]) -> bool:
    """Whether what is agreed to lets anybody hear of substance use: of that 42 CFR 2.14 speaks."""
    return any(grant.scope in _OF_THEIR_OWN or Category.SUBSTANCE_USE in grant.categories for grant in grants)


def scope_concerns_use(scope: Scope) -> bool:
    """Whether what a scope usually covers concerns substance use."""
    return scope in _OF_THEIR_OWN or Category.SUBSTANCE_USE in SCOPES[scope].usual


_OF_THEIR_OWN = (Scope.SUBSTANCE_USE, Scope.COUNSELING_NOTES, Scope.PROCEEDINGS)


def _years_before(day: date, years: int) -> date:
    is_leap_day = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year - years, day=28 if is_leap_day else day.day)


@cache
def form_text(version: str = FORM) -> Mapping[str, str]:
    """The sentences of the consent form in one wording. Raises FileNotFoundError for a version that never was."""
    found = tomllib.loads((FOLDER / f"consent.{version}.toml").read_text(encoding="utf-8"))
    return {key: str(value).strip() for key, value in found.items()}


@cache
def notice_text(version: str) -> str:
    """One of the statements that go with what is told, word for word; empty for none."""
    return (FOLDER / f"notice-{version}.txt").read_text(encoding="utf-8").strip() if version else ""
