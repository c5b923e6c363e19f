"""Sealing: one head over everything that was written down so far, taken every minute by upkeep.

Writers are not concerned. A seal notes, for each sequence that grew, the number and hash of its last entry, and covers
the seal before it; so it covers every entry before it too. Whoever keeps one head elsewhere can prove later that
nothing before it was altered, deleted, inserted, put in another order or cut off.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, func, select

from records import clock
from records.journal import instant_text
from records.tables import JournalEntry, Reading, Seal, SealedStream

LONGEST_TRANSACTION = timedelta(hours=1)
"""On PostgreSQL an entry may be committed after one with a higher id. Each seal looks back so far for such ones."""
KINDS = {"journal": JournalEntry, "reading": Reading}


def seal(session: Session) -> Seal | None:
    """Seal what was written since the last seal; None when nothing was."""
    last = session.exec(select(Seal).order_by(col(Seal.seq).desc()).limit(1).with_for_update()).first()
    grown = [stream for kind in KINDS for stream in _grown(session, kind)]
    if not grown:
        return None
    now = clock.now()
    row = Seal(
        seq=(last.seq if last else 0) + 1,
        at=now,
        prev_digest=last.digest if last else "",
        digest="",
    )
    row.digest = digest_of(row.prev_digest, row.seq, now, ((s.kind, s.stream, s.seq, s.hash) for s in grown))
    session.add(row)
    for stream in grown:
        stream.seal_seq = row.seq
        session.add(stream)
    session.flush()
    return row


def digest_of(before: str, seq: int, at: datetime, streams: Iterable[tuple[str, str, int, str]]) -> str:
    """The digest of a seal, as hexadecimal."""
    covered = [before, seq, instant_text(at), sorted(list(one) for one in streams)]
    return hashlib.sha256(json.dumps(covered, ensure_ascii=False).encode()).hexdigest()


def _grown(session: Session, kind: str) -> list[SealedStream]:
    """The streams of this kind that went further than their last seal."""
    table: Any = KINDS[kind]
    settled = session.exec(
        select(func.max(SealedStream.row_id))
        .join(Seal, col(Seal.seq) == col(SealedStream.seal_seq))
        .where(SealedStream.kind == kind, col(Seal.at) < clock.now() - LONGEST_TRANSACTION * clock.speed())
    ).one()
    newest = (
        select(col(table.stream).label("stream"), func.max(table.seq).label("seq"))
        .where(col(table.id) > (settled or 0))
        .group_by(col(table.stream))
        .subquery()
    )
    rows = session.exec(
        select(table)
        .join(newest, (col(table.stream) == newest.c.stream) & (col(table.seq) == newest.c.seq))
        .order_by(col(table.stream))
    ).all()
    known = dict(
        session.exec(
            select(SealedStream.stream, func.max(SealedStream.seq))
            .where(SealedStream.kind == kind, col(SealedStream.stream).in_(select(newest.c.stream)))
            .group_by(col(SealedStream.stream))
        ).all()
    )
    return [
        SealedStream(seal_seq=0, kind=kind, stream=row.stream, seq=row.seq, hash=row.hash, row_id=row.id)
        for row in rows
        if row.seq > known.get(row.stream, 0)
    ]
