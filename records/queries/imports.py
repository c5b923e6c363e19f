"""What became of release lists: the reports, for the facility that sent them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from domain.errors import NotFound
from records.access import Actor
from records.commands.imports import SOURCE, RowReport
from records.tables import Inbound


@dataclass(frozen=True, slots=True)
class KeptReport:
    """One report as it was kept."""

    id: str
    at: datetime
    facility_id: str
    rows: tuple[RowReport, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many rows had each result."""
        return dict(Counter(row.result for row in self.rows))


def get_import(session: Session, actor: Actor, import_id: str) -> KeptReport:
    """One report of the actor's facility, or of any when they belong to none. Raises NotFound."""
    row = session.get(Inbound, import_id)
    if row is None or row.program_id != actor.program_id or row.source != SOURCE:
        raise NotFound("That report")
    if actor.facility_id is not None and row.result["facility_id"] != actor.facility_id:
        raise NotFound("That report")
    return _report(row)


def list_imports(session: Session, actor: Actor, *, limit: int = 5) -> list[KeptReport]:
    """The latest reports, newest first."""
    rows = session.exec(
        select(Inbound)
        .where(Inbound.program_id == actor.program_id, Inbound.source == SOURCE)
        .order_by(col(Inbound.received_at).desc())
        .limit(limit * 10)
    )
    theirs = [row for row in rows if actor.facility_id in (None, row.result["facility_id"])]
    return [_report(row) for row in theirs[:limit]]


def _report(row: Inbound) -> KeptReport:
    rows = tuple(RowReport(*one) for one in row.result["rows"])
    return KeptReport(row.id, row.received_at, row.result["facility_id"], rows)
