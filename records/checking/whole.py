"""What concerns more than one referral: caseloads, people referred twice, seals, and the journals of programs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, text

from records.checking.chain import chain_problems, seal_digest
from records.checking.dossier import document, instant
from records.checking.texting import ANSWERS, over_the_limits

Problem = tuple[int, str]


class Entry(NamedTuple):
    """One line of a sequence of the journal, as its hash takes it."""

    stream: str
    seq: int
    event: str
    at: Any
    recorded_at: Any
    actor: str
    subject_id: str
    data: Any
    prev_hash: str
    hash: str


def whole_problems(connection: Connection) -> Iterator[Problem]:
    """Everything that is not about one referral, in words that name nobody."""
    yield from _caseloads(connection)
    yield from _people(connection)
    yield from _texts(connection)
    yield from _programs(connection)
    yield from _seals(connection)


def _caseloads(connection: Connection) -> Iterator[Problem]:
    asked = text(
        "SELECT a.bridger_id, count(*), min(coalesce(b.caseload_limit, p.caseload_limit)), min(b.caseload_limit),"
        " max(a.started_at) FROM assignment a"
        " JOIN bridger b ON b.staff_id = a.bridger_id JOIN program p ON p.id = a.program_id"
        " WHERE a.ended_at IS NULL AND a.override_by IS NULL GROUP BY a.bridger_id"
        " HAVING count(*) > min(coalesce(b.caseload_limit, p.caseload_limit))"
    )
    for bridger_id, load, limit, own_limit, last_came_at in connection.execute(asked).all():
        lowered_at, came_at = _own_limit_since(connection, bridger_id, own_limit), instant(last_came_at)
        if lowered_at is None or came_at is None or came_at > lowered_at:
            yield 8, f"a bridger has {load} people without an override, above the limit of {limit}"


def _own_limit_since(connection: Connection, bridger_id: str, limit: int | None) -> datetime | None:
    """Since when a bridger has this limit, by the journal: lowered below what they carry, it lets nobody go, and nobody
    may come since. What was written before limits were told counts as another limit. None: since ever."""
    asked = text(
        "SELECT at, data FROM journal WHERE stream LIKE 'program:%' AND event = 'bridger.profile_set'"
        " AND subject_id = :bridger_id ORDER BY seq DESC"
    )
    since = None
    for at, data in connection.execute(asked, {"bridger_id": bridger_id}):
        told = document(data)
        if since is not None and told.get("caseload_limit", "untold") != limit:
            break
        since = instant(at)
    return since


def _people(connection: Connection) -> Iterator[Problem]:
    asked = text(
        "SELECT person_id, count(*) FROM referral WHERE status IN ('submitted', 'accepted', 'in_progress', 'on_hold')"
        " GROUP BY person_id HAVING count(*) > 1"
    )
    for _, count in connection.execute(asked):
        yield 4, f"one person has {count} open referrals"


def _texts(connection: Connection) -> Iterator[Problem]:
    asked = text(
        "SELECT t.number_mark, p.zone, coalesce(t.sent_at, t.claimed_at) FROM person_text t"
        " JOIN person p ON p.id = t.person_id WHERE t.state IN ('sent', 'unconfirmed') AND t.kind NOT IN :answers"
        " ORDER BY t.number_mark"
    ).bindparams(bindparam("answers", expanding=True))
    rows = connection.execute(asked, {"answers": sorted(ANSWERS)})
    for _, mine in groupby(rows, key=lambda row: row[0]):
        yield from over_the_limits((zone, at) for _, zone, kept in mine if (at := instant(kept)) is not None)


def _programs(connection: Connection) -> Iterator[Problem]:
    names = ", ".join(Entry._fields)
    asked = f"SELECT {names} FROM journal WHERE stream LIKE 'program:%' ORDER BY stream, seq"  # noqa: S608 -- our names
    rows = connection.execute(text(asked))
    entries = (
        Entry(*row)._replace(at=instant(row.at), recorded_at=instant(row.recorded_at), data=document(row.data))
        for row in rows
    )
    for _, mine in groupby(entries, key=lambda entry: entry.stream):
        for problem in chain_problems(list(mine), None):
            yield 11, f"a program’s journal: {problem}"
    lost = text(
        "SELECT count(*) FROM (SELECT DISTINCT stream FROM journal WHERE stream NOT LIKE 'program:%') j"
        " LEFT JOIN referral r ON r.id = j.stream WHERE r.id IS NULL"
    )
    if count := connection.execute(lost).scalar_one():
        yield 9, f"{count} journals belong to no referral"


def _seals(connection: Connection) -> Iterator[Problem]:
    before, expected = "", 1
    rows = connection.execute(
        text(
            "SELECT s.seq, s.at, s.prev_digest, s.digest, o.kind, o.stream, o.seq, o.hash FROM seal s"
            " LEFT JOIN sealed_stream o ON o.seal_seq = s.seq ORDER BY s.seq"
        )
    )
    for _, mine in groupby(rows, key=lambda row: row[0]):
        these = [tuple(row) for row in mine]
        seq, at, prev_digest, digest = these[0][:4]
        streams = [row[4:] for row in these if row[4] is not None]
        if seq != expected:
            yield 11, f"seal {expected} is missing"
        if prev_digest != before:
            yield 11, f"seal {seq} does not follow the one before it"
        when = instant(at)
        if when is None or digest != seal_digest(prev_digest, seq, when, streams):
            yield 11, f"seal {seq} was altered"
        before, expected = digest, seq + 1
    for kind in ("journal", "reading"):
        asked = text(
            f"SELECT count(*) FROM sealed_stream o LEFT JOIN {kind} j ON j.stream = o.stream AND j.seq = o.seq"  # noqa: S608
            " WHERE o.kind = :kind AND (j.hash IS NULL OR j.hash <> o.hash)"
        )
        if count := connection.execute(asked, {"kind": kind}).scalar_one():
            yield 11, f"{count} entries ({kind}) are not as they were sealed"
