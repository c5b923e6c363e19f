"""Tell somebody: who may hear of a person, what, and how it was told; one page to read out or to hand over."""

from __future__ import annotations

import hashlib
from typing import Any

from fastapi import APIRouter, Request, Response

from api.access import requires
from api.deps import FormDep, Me, SessionDep, page
from api.filters import telephone
from api.pages.once import Once, new_once
from api.pages.referral_choices import options
from domain.consent import PURPOSE_OF, Recipient
from domain.errors import NotFound
from domain.vocabulary import Category, Purpose, RecipientKind, TellingWay
from records import clock
from records.access import referral_for
from records.commands.disclosures import accompanying
from records.commands.telling import tell_outside
from records.queries.consents import consents_of
from records.queries.telling import OUTSIDE, PHONE, TELLABLE, MayHear, list_telling, list_who_may_hear
from records.tables import Person

router = APIRouter()

HERE = "/referrals/{referral_id}/tell"
ANYBODY = "anybody"
"""Who asks and stands in no consent: what is said to them is refused, and that is written down."""


@router.get(HERE)
@requires("tell_outside")
def who_page(request: Request, session: SessionDep, me: Me, referral_id: str) -> Response:
    """Whom they agreed to, and whoever else asks."""
    about, may_hear = _about(session, me, referral_id), _may_hear(session, referral_id)
    return page("tell_who.html", request, may_hear=[_one(one) for one in may_hear], **about)


@router.get(HERE + "/{who}")
@requires("tell_outside")
def form_page(request: Request, session: SessionDep, me: Me, referral_id: str, who: str) -> Response:
    """What is told to one of them, and how."""
    about, chosen = _about(session, me, referral_id), _chosen(_may_hear(session, referral_id), who)
    categories = chosen.categories if chosen is not None else TELLABLE
    ticked = [categories[0].value] if chosen is not None and chosen.kind is RecipientKind.JUSTICE else []
    return page(
        "tell.html",
        request,
        values={"once": new_once(), "categories": ticked},
        chosen=_one(chosen) if chosen is not None else None,
        is_class=chosen is None or not chosen.name,
        kinds=options(OUTSIDE) if chosen is None else [],
        categories=options(categories),
        ways=options(TellingWay),
        action=f"/referrals/{referral_id}/tell/{who}",
        **about,
    )


@router.post(HERE + "/{who}")
@requires("tell_outside", again=form_page)
def tell(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str, who: str) -> Response:
    """Ask the gate, write it down, and show what may be read out or handed over: or why nothing may."""
    referral_for(session, me.actor, referral_id)
    once = Once(session, request, me, form)
    chosen = _chosen(_may_hear(session, referral_id), who)
    kind = chosen.kind if chosen is not None else form.word("to", RecipientKind)
    name = form.text("name", required=True) if chosen is None or not chosen.name else ""
    categories, way = form.words("categories", Category), form.word("way", TellingWay)
    where = form.text("where")
    if not categories:
        form.problem("categories", "required", "Choose what is told.")
    form.check()
    if (before := once.answered()) is not None:
        return before
    named = chosen.name if chosen is not None else name
    purpose = chosen.purpose if chosen is not None else PURPOSE_OF[kind]
    recipient = Recipient(kind, named or name)
    telling_id, _ = tell_outside(
        session, me.actor, referral_id, recipient, categories, purpose, way, who=name or named, where=where
    )
    return once.go(f"/referrals/{referral_id}/told/{telling_id}")


@router.get("/referrals/{referral_id}/told/{telling_id}")
@requires("tell_outside")
def told_page(request: Request, session: SessionDep, me: Me, referral_id: str, telling_id: str) -> Response:
    """One page: what may be told, what they may do with it; or why it may not be told."""
    about = _about(session, me, referral_id)
    rows = list_telling(session, referral_id, telling_id)
    if not rows:
        raise NotFound("That page")
    told = [row for row in rows if row.is_allowed]
    with_it = [made for row in told if (made := accompanying(row)) is not None]
    return page(
        "told.html",
        request,
        to=rows[0].recipient,
        way=rows[0].what,
        at=rows[0].at,
        purpose=Purpose(rows[0].purpose).label,
        told=[_part(row) for row in told],
        refused=[{"what": row.category.label if row.category else "", "reason": row.reason} for row in rows
                 if not row.is_allowed],
        notice=with_it[0].notice if with_it else "",
        covers=list(dict.fromkeys(made.covers for made in with_it)),
        who=session.get_one(Person, about["row"].person_id).full_name,
        program=me.program,
        **about,
    )  # fmt: skip


def _about(session: SessionDep, me: Me, referral_id: str) -> dict[str, Any]:
    referral = referral_for(session, me.actor, referral_id)
    person = session.get_one(Person, referral.person_id)
    return {"row": referral, "called": person.called, "zone": person.zone, "base": f"/referrals/{referral_id}"}


def _may_hear(session: SessionDep, referral_id: str) -> list[MayHear]:
    return list_who_may_hear(consents_of(session, referral_id), clock.now())


def _chosen(may_hear: list[MayHear], who: str) -> MayHear | None:
    """Whom the address names by their place in the list; None for somebody who does not stand there."""
    if who == ANYBODY:
        return None
    found = next((one for one in may_hear if _key(one) == who), None)
    if found is None:
        raise NotFound("That recipient")
    return found


def _key(one: MayHear) -> str:
    """Stands for a recipient in an address, and tells nobody's name."""
    return hashlib.sha256("\n".join((one.kind, one.name, one.purpose)).encode()).hexdigest()[:16]


def _one(one: MayHear) -> dict[str, Any]:
    return {
        "key": _key(one),
        "name": one.name or one.kind.label,
        "kind": one.kind.label if one.name else "",
        "purpose": one.purpose.label,
        "what": "; ".join(category.label for category in one.categories),
    }


def _part(row: Any) -> dict[str, Any]:
    facts = [
        {"term": term, "text": ", ".join(map(telephone, text.split(", "))) if term == PHONE else text}
        for term, text in row.content.get("facts", [])
    ]
    return {"what": row.category.label, "facts": facts}
