"""Telling somebody outside by phone, paper, fax or mail: asked of the gate first, and written down."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session

from domain.consent import Recipient
from domain.errors import Invalid
from domain.vocabulary import Category, Purpose, TellingWay
from records.access import Actor
from records.commands.disclosures import disclose
from records.commands.text import LINE_LENGTH, checked_text
from records.commands.work import open_case
from records.ids import new_id
from records.queries.telling import OUTSIDE, TELLABLE, facts_of
from records.tables import Disclosure


def tell_outside(
    session: Session,
    actor: Actor,
    referral_id: str,
    recipient: Recipient,
    categories: Sequence[Category],
    purpose: Purpose,
    way: TellingWay,
    *,
    who: str = "",
    where: str = "",
) -> tuple[str, list[Disclosure]]:
    """Tell somebody what the consents allow: the id of this telling, and a row for each category, allowed or refused.

    `who` is told, by name, where the consent names a class; `where` is the number or address it went to. Nothing is
    sent by us: what the rows hold is what may be read out or handed over now. Raises Invalid.
    """
    work = open_case(session, actor, referral_id, "tell_outside")
    work.require_open()
    if recipient.kind not in OUTSIDE:
        raise Invalid("consent_recipient", "Choose who is told.", field="to")
    name = checked_text(who or recipient.name, "who", limit=LINE_LENGTH, required=True)
    chosen = [category for category in TELLABLE if category in categories]
    if not chosen:
        raise Invalid("required", "Choose what is told.", field="categories")
    address = checked_text(where, "where", limit=LINE_LENGTH)
    telling_id = new_id("tel")
    rows = []
    for category in chosen:
        facts = facts_of(work.rows, category, work.now)
        rows.append(
            disclose(
                session,
                work.referral,
                way.label[:1].lower() + way.label[1:],
                recipient,
                category,
                purpose,
                now=work.now,
                to=f"{name}, {address}" if address else name,
                by=actor.id,
                content={"facts": [list(fact) for fact in facts]},
                subject_id=telling_id,
            )
        )
    told = [row.category for row in rows if row.is_allowed]
    if told:
        work.record("outside.told", subject_id=telling_id, to=name, what=told, way=way)
    for reason in dict.fromkeys(row.reason for row in rows if not row.is_allowed):
        work.record("outside.refused", subject_id=telling_id, to=name, reason=reason)
    work.settle()
    return telling_id, rows
