"""A new secret key takes over what was sealed under former ones, and seals what was written before anything was.

In slices, while everybody works: a slice takes rows that nobody else is changing, leaves them under the new key, and
commits. What is stopped goes on where it was; running it again when all is done changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm.attributes import flag_modified
from sqlmodel import Session, func, select

from records import engine, journal
from records.commands.kept_forms import PURPOSE as FORM
from records.commands.second_factor import SEALED_FOR as FACTOR
from records.marks import MARKED
from records.queries.keys import is_left, sealed_columns, tables_under_keys
from records.sealing import CannotOpen, keyring, open_sealed, seal
from records.tables import JournalEntry, KeptForm, Program, Referral, SecondFactor, StreamHead
from records.tables.told import CLOSED, mark_told

AT_ONCE = 200
"""Rows that are read before it is asked whether the slice was long enough."""
_OLD = ""
"""The salt of what was told before there were salts: the hash of its entry covers it as it stands."""


def count_left(session: Session) -> int:
    """How many rows are not under the key of now."""
    return sum(session.exec(select(func.count()).select_from(t).where(is_left(t))).one() for t in tables_under_keys())


def rotate(session: Session, slices: engine.Slices, progress: Callable[[int], object]) -> int:
    """Seal every row anew that is not under the key of now; returns how many there were.

    Rows that somebody is changing right now are left out: that somebody seals them; ask `count_left` afterwards.
    Raises CannotOpen when a key is missing that something was sealed under.
    """
    done = 0
    for table in tables_under_keys():
        key = inspect(table).primary_key[0]
        after: Any = None
        while True:
            rows = _some(session, table, key, after)
            for row in rows:
                _seal_anew(table, row)
            if not rows:
                break
            after = getattr(rows[-1], key.name)
            done += len(rows)
            session.flush()
            progress(len(rows))
            slices.end_if_long()
    if done:
        for program_id in session.exec(select(Program.id)).all():
            journal.append_for_program(
                session, program_id, "keys.rotated", actor=journal.SYSTEM, key_id=keyring().current, rows=done
            )
    return done


def _some(session: Session, table: Any, key: Any, after: Any) -> list[Any]:
    query = select(table).where(is_left(table)).order_by(key).limit(AT_ONCE).with_for_update(skip_locked=True)
    return list(session.exec(query.where(key > after) if after is not None else query).all())


def _seal_anew(table: Any, row: Any) -> None:
    if isinstance(row, SecondFactor):
        row.secret = _again(row.secret, FACTOR, row.staff_id)
        return
    if isinstance(row, KeptForm):
        row.fields = _again(row.fields, FORM, f"{row.id}:{row.staff_id}")
        return
    if isinstance(row, JournalEntry):
        if CLOSED in row.data.values():
            raise CannotOpen(f"what entry {row.id} of the journal tells does not open")
        mark_told(row.event, row.data, _OLD)
    if isinstance(row, StreamHead):
        if journal.is_end(row.proof, row.stream, row.seq, row.hash):  # one that is not ours stays, and is seen
            row.proof = journal.end_proof(row.stream, row.seq, row.hash)
        return
    if isinstance(row, Referral) and journal.is_end(row.journal_proof, row.id, row.journal_seq, row.journal_head):
        row.journal_proof = journal.end_proof(row.id, row.journal_seq, row.journal_head)
    for column in sealed_columns(table):
        flag_modified(row, column.name)
    if mark := MARKED.get(table.__tablename__):
        mark(row)


def _again(kept: str, purpose: str, about: str) -> str:
    return seal(open_sealed(kept, purpose=purpose, about=about), purpose=purpose, about=about)
