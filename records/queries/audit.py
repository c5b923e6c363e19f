"""Whether everything that was written down still stands as it was written: the sequences, and the seals over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import literal
from sqlmodel import Session, col, func, select

from records import journal
from records.commands import readings
from records.commands.sealing import KINDS, digest_of
from records.queries.restored import find_restored
from records.tables import JournalEntry, Program, Reading, Referral, Seal, SealedStream, StreamHead

AT_ONCE = 2_000
MOST_PROBLEMS = 200

Progress = Callable[[int], None]


@dataclass
class Verified:
    """What was looked at, and everything that is wrong with it, in words."""

    entries: int = 0
    readings: int = 0
    seals: int = 0
    head: str = ""
    problems: list[str] = field(default_factory=list)


def head_of(row: Seal | None) -> str:
    """A head as it is kept elsewhere: the number of the seal and its digest."""
    return f"{row.seq}:{row.digest}" if row is not None else ""


def find_head(session: Session) -> Seal | None:
    """The newest seal."""
    return session.exec(select(Seal).order_by(col(Seal.seq).desc()).limit(1)).first()


def count_all(session: Session) -> int:
    """How many rows a verification reads; ask in another session, since a verification begins its own moment."""
    return sum(int(session.exec(select(func.count()).select_from(table)).one()) for table in (*KINDS.values(), Seal))


def verify_all(session: Session, *, kept_head: str = "", progress: Progress = lambda _: None) -> Verified:
    """Look at everything. `kept_head` is a head that was kept elsewhere; it must be among the seals as it was."""
    found = Verified()
    if session.get_bind().dialect.name == "postgresql" and not session.in_transaction():
        # One moment for all of it; SQLite looks so anyway.
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    for problem in _problems(session, found, kept_head, progress):
        if len(found.problems) == MOST_PROBLEMS:
            found.problems.append("and more: this list ends here")
            break
        found.problems.append(problem)
    return found


def _problems(session: Session, found: Verified, kept_head: str, progress: Progress) -> Iterator[str]:
    ends: dict[tuple[str, str], tuple[int, str]] = {}
    for stream, problems, last in _streams(session, JournalEntry, _journal_digest, found, progress):
        ends["journal", stream] = last
        yield from problems
    for stream, problems, last in _streams(session, Reading, _reading_digest, found, progress):
        ends["reading", stream] = last
        yield from problems
    yield from _not_as_the_records_say(session, ends)
    yield from _seals(session, found, ends, kept_head, progress)


def _journal_digest(row: Any) -> str:
    return journal.digest(row)


def _reading_digest(row: Any) -> str:
    return readings.digest(row.model_dump())


def _streams(
    session: Session, table: Any, digest: Callable[[Any], str], found: Verified, progress: Progress
) -> Iterator[tuple[str, list[str], tuple[int, str]]]:
    """Every sequence of a table: its name, what is wrong with it, and its last entry."""
    rows = session.exec(select(table).order_by(col(table.stream), col(table.seq)).execution_options(yield_per=AT_ONCE))
    count = 0
    for stream, entries in groupby(rows, key=attrgetter("stream")):
        problems: list[str] = []
        last = (0, "")
        for row, wrong in journal.walk(entries, digest):
            problems += wrong
            last = (row.seq, row.hash)
            session.expunge(row)
            count += 1
            if count % 100 == 0:
                progress(100)
        yield stream, problems, last
    if table is JournalEntry:
        found.entries += count
    else:
        found.readings += count


def _not_as_the_records_say(session: Session, ends: dict[tuple[str, str], tuple[int, str]]) -> Iterator[str]:
    """Each referral says how far its journal goes; and no sequence belongs to nothing."""
    programs = {f"program:{program_id}" for program_id in session.exec(select(Program.id))}
    known = set(programs)
    kept = select(Referral.id, Referral.journal_seq, Referral.journal_head, Referral.journal_proof)
    for referral_id, seq, head, made in session.exec(kept):
        known.add(referral_id)
        if ends.get(("journal", referral_id), (0, "")) != (seq, head):
            yield f"the journal of {referral_id} does not end where the referral says"
        elif seq and not journal.is_end(made, referral_id, seq, head):
            yield f"where the journal of {referral_id} ends was not written by us"
    yield from _not_as_the_heads_say(session, {key: end for key, end in ends.items() if key[1] not in known - programs})
    for kind, stream in ends:
        if kind == "journal" and stream not in known:
            yield f"the sequence {stream} belongs to no referral and no program"
    yield from _in_another_program(session)


def _in_another_program(session: Session) -> Iterator[str]:
    """An entry's hash covers its sequence; whose program it shows up in must be that of the sequence."""
    entry = select(JournalEntry.stream, JournalEntry.seq)
    of_referral = entry.join(Referral, col(Referral.id) == col(JournalEntry.stream)).where(
        col(JournalEntry.program_id) != col(Referral.program_id)
    )
    of_program = entry.where(
        col(JournalEntry.stream).startswith("program:"),
        col(JournalEntry.stream) != literal("program:").concat(col(JournalEntry.program_id)),
    )
    for query in (of_referral, of_program):
        for stream, seq in session.exec(query.order_by(col(JournalEntry.stream), col(JournalEntry.seq))):
            yield f"entry {seq} of {stream} was moved to another program"


def _not_as_the_heads_say(session: Session, ends: dict[tuple[str, str], tuple[int, str]]) -> Iterator[str]:
    """A sequence of a program or a process ends where its head says, and the head is ours."""
    heads = {(row.kind, row.stream): row for row in session.exec(select(StreamHead))}
    for kind, stream in sorted(ends.keys() | heads.keys()):
        head, (seq, last_hash) = heads.get((kind, stream)), ends.get((kind, stream), (0, ""))
        if head is None:
            yield f"{stream} has no head: nobody knows where it ends"
        elif not journal.is_end(head.proof, stream, head.seq, head.hash):
            yield f"the head of {stream} was not written by us"
        elif seq < head.seq:
            yield f"{stream} was cut off: its head says entry {head.seq}, and it ends at {seq}"
        elif (head.seq, head.hash) != (seq, last_hash):
            yield f"{stream} does not end as its head says"


def _seals(
    session: Session, found: Verified, ends: dict[tuple[str, str], tuple[int, str]], kept_head: str, progress: Progress
) -> Iterator[str]:
    before, expected = "", 1
    kept = None
    for row in session.exec(select(Seal).order_by(col(Seal.seq))).all():
        streams = session.exec(select(SealedStream).where(SealedStream.seal_seq == row.seq)).all()
        found.seals += 1
        progress(1)
        if row.seq != expected:
            yield f"seal {expected} is missing"
            expected = row.seq
        if row.prev_digest != before:
            yield f"seal {row.seq} does not follow the one before it"
        if row.digest != digest_of(
            row.prev_digest, row.seq, row.at, ((s.kind, s.stream, s.seq, s.hash) for s in streams)
        ):
            yield f"seal {row.seq} was altered"
        for one in streams:
            yield from _not_as_sealed(session, one, ends)
        if kept_head.partition(":")[0] == str(row.seq):
            kept = row
        before, expected = row.digest, expected + 1
        found.head = head_of(row)
    if kept_head and head_of(kept) != kept_head.strip():
        put_back = find_restored(session)
        if put_back is not None and _number_of(kept_head) > (copied := _number_of(put_back.head)):
            yield (
                f"the records were put back to {put_back.copy_at:%Y-%m-%d %H:%M:%S} UTC, which ends with seal {copied}:"
                f" what was written from then until seal {_number_of(kept_head)} of the head that was kept is missing"
            )
        else:
            yield "the head that was kept elsewhere is not among the seals: what came before it was changed"
    orphans = session.exec(
        select(func.count()).select_from(SealedStream).where(col(SealedStream.seal_seq).not_in(select(Seal.seq)))
    ).one()
    if orphans:
        yield f"{orphans} sealed sequences belong to no seal"


def _number_of(head: str) -> int:
    number = head.partition(":")[0]
    return int(number) if number.isascii() and number.isdigit() else 0


def _not_as_sealed(session: Session, one: SealedStream, ends: dict[tuple[str, str], tuple[int, str]]) -> Iterator[str]:
    last_seq, last_hash = ends.get((one.kind, one.stream), (0, ""))
    if last_seq < one.seq:
        yield f"{one.stream} was cut off: seal {one.seal_seq} saw entry {one.seq}, and it ends at {last_seq}"
        return
    table: Any = KINDS[one.kind]
    stands = (
        last_hash
        if last_seq == one.seq
        else session.exec(select(table.hash).where(table.stream == one.stream, table.seq == one.seq)).first()
    )
    if stands != one.hash:
        yield f"entry {one.seq} of {one.stream} is not the one that seal {one.seal_seq} saw"
