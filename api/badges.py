"""How much waits behind the entries of the navigation. A bounded number of counts, asked for every page."""

from __future__ import annotations

from sqlmodel import Session

from api.auth import SignedIn
from domain.vocabulary import Role
from records import clock
from records.queries.figures import count_escalations, count_open_offers
from records.queries.incidents import count_open_incidents
from records.queries.notifications import count_unseen
from records.queries.worklist import count_to_do


def badges(session: Session, me: SignedIn) -> dict[str, int]:
    """The counts by address; see api/navigation.py."""
    found = {"/notifications": count_unseen(session, me.id)}
    if me.may("answer_offer"):
        found["/today"] = count_to_do(session, me.actor, clock.now())
        found["/offers"] = count_open_offers(session, me.actor)
    if Role.BRIDGER.value not in me.roles and me.may("acknowledge"):
        found["/escalations"] = count_escalations(session, me.actor)
    if Role.PRIVACY.value in me.roles:
        found["/incidents"] = count_open_incidents(session, me.actor)
    return found
