"""Protective orders: who must not meet, and where nobody of the program goes."""

from __future__ import annotations

import re

from sqlmodel import Session

from domain.errors import Conflict, Invalid
from domain.vocabulary import EndReason, OfferState
from records.access import Actor
from records.commands.assignments import end_assignment, withdraw_offers
from records.commands.staff import colleague
from records.commands.text import LINE_LENGTH, checked_text
from records.commands.work import open_case
from records.tables import Person


def record_protective_order(
    session: Session,
    actor: Actor,
    referral_id: str,
    *,
    bridger_id: str | None = None,
    address: str = "",
    note: str = "",
) -> Person:
    """A court keeps this person and somebody apart: a bridger or their household, or an address. Either way round.

    An assignment or an offer between them ends at once; meetings at the address are refused. Telling it twice
    changes nothing. Raises Invalid when it names neither, NotFound.
    """
    work = open_case(session, actor, referral_id, "edit_person")
    if bridger_id is not None:
        colleague(session, actor, bridger_id)
    place = checked_text(address, "address", limit=LINE_LENGTH)
    if bridger_id is None and not place:
        raise Invalid("required", "Say whom the order names, or which address.", field="address")
    order = {"bridger_id": bridger_id or "", "address": place, "note": checked_text(note, "note")}
    person = work.rows.person
    if order in person.protective_orders:
        return person
    person.protective_orders = [*person.protective_orders, order]
    work.record("protective_order.recorded")
    if bridger_id is not None and work.referral.status.is_open:
        if any(offer.state is OfferState.OPEN and offer.bridger_id == bridger_id for offer in work.rows.offers):
            withdraw_offers(work, "not available for this person")
        if work.referral.bridger_id == bridger_id:
            end_assignment(work, EndReason.CONFLICT)
    work.settle()
    return person


def refuse_protected_address(person: Person, where: str) -> None:
    """Raise Conflict when a protective order names this place."""
    wanted = _plain(where)
    for order in person.protective_orders:
        if (address := _plain(order.get("address", ""))) and address in wanted:
            raise Conflict("protective_order", "A protective order names this address. Choose another place to meet.")


def _plain(address: str) -> str:
    return " ".join(re.findall(r"\w+", address.casefold()))
