"""The page of one decision about a referral: what will happen in words, what must be said, one button."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from fastapi import Request, Response
from sqlmodel import Session

from api.deps import Me, page
from api.pages.once import Once, new_once
from domain.vocabulary import ReferralStatus, Word
from records.access import referral_for
from records.tables import Person, Referral

Choice = dict[str, str]


def about(session: Session, me: Me, referral_id: str, action: str) -> tuple[Referral, Person]:
    """The referral and the person, when this reader may decide this about them. Raises NotFound, NotAllowed."""
    referral = referral_for(session, me.actor, referral_id, action)
    return referral, session.get_one(Person, referral.person_id)


def decision(
    request: Request,
    referral: Referral,
    person: Person,
    *,
    title: str,
    then: Sequence[str],
    button: str,
    path: str,
    fields: Sequence[dict[str, Any]] = (),
    allowed: Iterable[ReferralStatus] = (),
    tone: str = "primary",
    links: Sequence[Choice] = (),
    values: dict[str, Any] | None = None,
    instead: str = "",
    intro: str = "",
) -> Response:
    """The page. `then`: what will happen, a sentence each. `allowed`: the states in which it can be decided; in any
    other, the page says how things stand. `instead`: why it cannot be decided, when that is known already.
    `intro`: what must be known first.
    """
    states = frozenset(allowed)
    if states and referral.status not in states and not instead:
        instead = f"This referral is “{referral.status.label.lower()}”, so there is nothing to decide here."
    base = f"/referrals/{referral.id}"
    shown: dict[str, Any] = {field["name"]: "" for field in fields} | {"once": new_once()} | (values or {})
    return page(
        "decision.html",
        request,
        values=shown,
        who=person.full_name,
        called=person.called,
        base=base,
        heading=title,
        then=then,
        fields=fields,
        button=button,
        action=base + path,
        tone=tone,
        links=links,
        instead=instead,
        intro=intro,
        zone=person.zone,
    )


def done(once: Once, referral_id: str, sentence: str) -> Response:
    """Back to the person's page with one sentence."""
    return once.go(f"/referrals/{referral_id}", sentence)


def field(kind: str, name: str, label: str, hint: str = "", options: Sequence[Choice] = ()) -> dict[str, Any]:
    """One field; `kind` is a macro of templates/components/field.html."""
    return {"kind": kind, "name": name, "label": label, "hint": hint, "options": list(options)}


def options(words: Iterable[Word], first: str = "Choose") -> list[Choice]:
    """The words of a vocabulary for a select, behind an empty one."""
    return [{"value": "", "text": first}, *({"value": word.value, "text": word.label} for word in words)]
