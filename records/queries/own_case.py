"""A case for somebody who works with it; whoever may still read it, and no more, is told so."""

from __future__ import annotations

from sqlmodel import Session

from domain.errors import NotFound
from records.access import Actor, visible
from records.beyond import refuse_beyond
from records.queries.case import CaseRows, load_case


def load_own_case(session: Session, actor: Actor, referral_id: str, *, lock: bool = False) -> CaseRows:
    """The rows of a case that this actor works with. Raises NotAllowed in the grace of a handover, NotFound."""
    try:
        return load_case(session, referral_id, lock=lock, among=visible(actor))
    except NotFound:
        refuse_beyond(session, actor, referral_id)
        raise
