"""What was being typed when a session ended: kept for the same person, sealed, for as long as a shift."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlmodel import Session, col, select

from records import clock
from records.commands.sessions import kept, real
from records.sealing import CannotOpen, open_sealed, seal
from records.tables import KeptForm, Staff, StaffSession

KEPT_FOR = timedelta(hours=12)
MOST = 20
LARGEST = 100_000
"""Characters of one form."""
PURPOSE = "kept form"


def whose_ended(session: Session, token: str) -> Staff | None:
    """Whose session this was that ended by itself; None when somebody ended it, or their access."""
    row = session.get(StaffSession, kept(token)) if token else None
    staff = session.get(Staff, row.staff_id) if row is not None else None
    return staff if staff is not None and staff.is_active else None


def keep_form(session: Session, staff: Staff, path: str, fields: Mapping[str, Sequence[str]]) -> str:
    """Keep what was typed into the form that goes to `path`; the id to ask for it, or nothing when it is too much."""
    written = json.dumps({name: list(values) for name, values in fields.items()})
    if len(written) > LARGEST:
        return ""
    earlier = session.exec(
        select(KeptForm).where(KeptForm.staff_id == staff.id).order_by(col(KeptForm.created_at).desc())
    ).all()
    for number, row in enumerate(earlier, 1):
        if number >= MOST or clock.now() - row.created_at >= real(KEPT_FOR):
            session.delete(row)
    form_id = f"kpt_{secrets.token_hex(16)}"
    sealed = seal(written, purpose=PURPOSE, about=f"{form_id}:{staff.id}")
    session.add(KeptForm(id=form_id, staff_id=staff.id, path=path, fields=sealed, created_at=clock.now()))
    session.flush()
    return form_id


def find_kept(session: Session, staff_id: str, form_id: str) -> tuple[str, dict[str, list[str]]] | None:
    """Where the form goes and what was typed; None when there is none of theirs, or it is too old."""
    row = session.get(KeptForm, form_id)
    if row is None or row.staff_id != staff_id or clock.now() - row.created_at >= real(KEPT_FOR):
        return None
    try:
        written = open_sealed(row.fields, purpose=PURPOSE, about=f"{row.id}:{staff_id}")
    except CannotOpen:  # the secret key was changed without keeping the former one
        return None
    return row.path, json.loads(written)
