"""Lists of a program's staff and protocols."""

from __future__ import annotations

from sqlmodel import Session, col, select

from domain.errors import NotFound
from records.access import Actor
from records.tables import ProtocolVersion, Staff


def list_staff(
    session: Session, actor: Actor, *, after_id: str | None = None, limit: int = 50, with_former: bool = False
) -> list[Staff]:
    """The staff of the actor's program, in the order they were added."""
    query = select(Staff).where(Staff.program_id == actor.program_id)
    if not with_former:
        query = query.where(col(Staff.is_active))
    if after_id is not None:
        query = query.where(col(Staff.id) > after_id)
    return list(session.exec(query.order_by(col(Staff.id)).limit(limit)))


def list_protocols(session: Session, actor: Actor) -> list[ProtocolVersion]:
    """Every published version of the program's protocols, by key, the newest first."""
    rows = session.exec(
        select(ProtocolVersion)
        .where(ProtocolVersion.program_id == actor.program_id)
        .order_by(col(ProtocolVersion.key), col(ProtocolVersion.version).desc())
    )
    return list(rows)


def get_protocol(session: Session, actor: Actor, protocol_id: str) -> ProtocolVersion:
    """One published version of the actor's program. Raises NotFound."""
    row = session.get(ProtocolVersion, protocol_id)
    if row is None or row.program_id != actor.program_id:
        raise NotFound("That protocol")
    return row
