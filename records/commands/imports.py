"""A jail's release list: each row filed, matched, a duplicate, or refused and why. Safe to run again."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import time

from sqlmodel import Session, col, select

from domain.clock import local
from domain.errors import Invalid, InvalidFields, NotFound, Refusal
from domain.interop.releases_csv import ReleaseRow, RowRefused, parse_releases
from domain.vocabulary import (
    OPEN_STATUSES,
    ConsentStatus,
    DateCertainty,
    PlaceKind,
    ReferralStatus,
)
from records import clock
from records.access import Actor
from records.commands.changes import move_expected_discharge
from records.commands.discharges import record_discharge
from records.commands.messages import tell
from records.commands.people import Identifier, PersonDetails, Phone, Place
from records.commands.recognition import join_referral
from records.commands.referrals import ReferralDetails, check_filing, file_referral
from records.ids import new_id
from records.marks import has_identifier, has_visit
from records.queries.people import Likeness, find_duplicates, find_open_referral
from records.queries.staff import find_active
from records.tables import Facility, Inbound, PersonIdentifier, Program, Referral

SOURCE = "csv"
_COLUMNS = {
    "given_name": "first_name",
    "family_name": "last_name",
    "birth_on": "birth_date",
    "number": "phone",
    "text": "where_to_find",
    "expected_on": "release_date",
    "discharged_at": "release_date",
    "at": "release_date",
    "release_time": "release_time",
}
FILED, MATCHED, DUPLICATE, REFUSED = "filed", "matched", "duplicate", "refused"


@dataclass(frozen=True, slots=True)
class RowReport:
    """What became of one row. `number` is the row's in the spreadsheet; `sentence` names nobody."""

    number: int
    result: str
    sentence: str
    referral_id: str | None = None


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a file. With `problems` the file was refused as a whole and nothing changed.

    `id` leads to the report afterwards (`records.queries.imports`); a refused file has none.
    """

    rows: tuple[RowReport, ...]
    problems: tuple[str, ...] = ()
    id: str = ""

    @property
    def counts(self) -> dict[str, int]:
        """How many rows had each result."""
        return dict(Counter(row.result for row in self.rows))


def import_releases(
    session: Session,
    actor: Actor,
    data: bytes,
    *,
    facility_id: str | None = None,
    most: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ImportReport:
    """Take a release list for a facility: the actor's own, or the one named.

    Each row stands for itself: a refused one holds up no other. More than `most` rows are refused as a whole: whoever
    sends a list from a page waits for its report. `progress` is called after each row (done, all), where nothing is
    half done: whoever takes a list may commit there (`engine.Slices`). Raises NotFound (facility), NotAllowed.
    """
    actor.require("import_releases")
    facility = session.get(Facility, facility_id or actor.facility_id or "")
    if facility is None or facility.program_id != actor.program_id:
        raise NotFound("That facility")
    if actor.facility_id is not None and actor.facility_id != facility.id:
        raise NotFound("That facility")
    releases = parse_releases(data, facility.zone)
    if releases.problems:
        return ImportReport((), tuple(problem.sentence for problem in releases.problems))
    if most is not None and len(releases.rows) > most:
        said = f"This list has {len(releases.rows):,} rows, more than {most:,}. Send it in parts, or ask the program."
        return ImportReport((), (said,))
    reports: list[RowReport] = []
    list_id, is_told = new_id("csv"), False
    for done, row in enumerate(releases.rows, 1):
        reports.append(_take(session, actor, facility, row))
        if not is_told and reports[-1].result == FILED:  # with the first: what ends half way was told of
            is_told = _tell(session, actor.program_id, list_id)
        if progress is not None:
            progress(done, len(releases.rows))
    return ImportReport(tuple(reports), id=_keep(session, actor, facility, data, list_id, reports))


def _tell(session: Session, program_id: str, list_id: str) -> bool:
    """Tell the supervisor once of the whole list, unless the program accepts at once; who has left is told of alone."""
    program = session.get_one(Program, program_id)
    if not program.accepts_at_once:
        supervisor = find_active(session, program.supervisor_id)
        tell(session, supervisor, "list_filed", key=f"list_filed:{list_id}", program_id=program_id, subject_id=list_id)
    return True


def _keep(
    session: Session, actor: Actor, facility: Facility, data: bytes, list_id: str, reports: list[RowReport]
) -> str:
    """Keep what became of the rows, never the rows themselves: they are on the referrals."""
    row = Inbound(
        id=new_id("inb"),
        program_id=actor.program_id,
        source=SOURCE,
        message_id=list_id,
        fingerprint=hashlib.sha256(data).hexdigest(),
        body="",
        result={
            "facility_id": facility.id,
            "by": actor.id,
            "rows": [[r.number, r.result, r.sentence, r.referral_id] for r in reports],
        },
        received_at=clock.now(),
    )
    session.add(row)
    session.flush()
    return row.id


def _take(session: Session, actor: Actor, facility: Facility, row: ReleaseRow | RowRefused) -> RowReport:
    if isinstance(row, RowRefused):
        return RowReport(row.number, REFUSED, row.sentence)
    if row.facility and row.facility.casefold() != facility.name.casefold():
        return RowReport(row.number, REFUSED, f"This row is for another facility ({row.facility}). Send it there.")
    try:
        with session.begin_nested():
            return _file_or_match(session, actor, facility, row)
    except InvalidFields as refusal:
        return RowReport(row.number, REFUSED, " ".join(map(_by_column, refusal.problems)))
    except Refusal as refusal:
        return RowReport(row.number, REFUSED, _by_column(refusal))


def _by_column(refusal: Refusal) -> str:
    """A refusal of the commands, with the column to correct where there is one: they know fields, not columns."""
    field = (refusal.field or "").rpartition(".")[2]
    return f"{_COLUMNS[field]}: {refusal.sentence}" if field in _COLUMNS else refusal.sentence


def _file_or_match(session: Session, actor: Actor, facility: Facility, row: ReleaseRow) -> RowReport:
    system = f"booking:{facility.id}"
    known = session.exec(
        select(Referral)
        .where(Referral.facility_id == facility.id, has_visit(actor.program_id, row.booking_number))
        .order_by(col(Referral.created_at).desc())
    ).first()
    if known is not None:
        return _match(session, actor, known, row, facility.zone)
    person_id = session.exec(
        select(PersonIdentifier.person_id).where(
            has_identifier(actor.program_id, [row.booking_number]), PersonIdentifier.system == system
        )
    ).first()
    if person_id is not None and (has := find_open_referral(session, person_id)) is not None:
        return _has_them_already(session, actor, facility, row, has)
    alike = find_duplicates(
        session,
        actor.program_id,
        given_name=row.first_name,
        family_name=row.last_name,
        birth_on=row.birth_on,
        in_list=True,
    )
    ours = _referred_here(session, facility, alike)
    is_open = [a for a in alike if a.is_certain and a.open_referral_id]
    if (mine := next((a for a in is_open if a.open_referral_id in ours), None)) is not None:
        return RowReport(
            row.number,
            DUPLICATE,
            f"Somebody of this name and birth date has the open referral {ours[mine.open_referral_id or '']}. Compare "
            "them by eye; nothing was filed.",
            mine.open_referral_id,
        )
    if row.is_actual and not row.kind.disposition.starts_community_clock:
        said = "Transferred, and no referral of yours is open: there is nothing to follow up."
        return RowReport(row.number, REFUSED, said)
    person = None if person_id else _person(row, system, facility)
    details = _details(row, facility)
    if person is not None and is_open:
        check_filing(person, details, facility.zone)
    referral = file_referral(
        session,
        actor,
        person,
        details,
        facility_id=facility.id,
        person_id=person_id,
        source=SOURCE,
        as_draft=bool(is_open),
        in_list=True,
    )
    if is_open:
        said = (
            f"Waits as the draft {referral.number}: the program knows somebody of this name and birth date. "
            "Open it and say whether it is the same person."
        )
        return RowReport(row.number, DUPLICATE, said + _notes(row), referral.id)
    looks = " Somebody on record looks alike; compare them." if ours else ""
    return RowReport(row.number, FILED, f"Filed as {referral.number}.{looks}{_notes(row)}", referral.id)


def _has_them_already(session: Session, actor: Actor, facility: Facility, row: ReleaseRow, has: Referral) -> RowReport:
    """The booking number says who it is: the number of the open referral only to the facility that filed it."""
    if has.facility_id == facility.id:
        said = f"This person has the open referral {has.number}. Nothing was filed a second time."
        return RowReport(row.number, DUPLICATE, said, has.id)
    join_referral(session, actor, has.person_id, facility_id=facility.id)
    said = "The program supports this person already and hears that you asked too. Nothing was filed a second time."
    return RowReport(row.number, DUPLICATE, said)


def _referred_here(session: Session, facility: Facility, alike: list[Likeness]) -> dict[str, str]:
    """The referrals of these people that this facility filed, id and number: nobody else's may be told of."""
    rows = session.exec(
        select(Referral.id, Referral.number).where(
            Referral.facility_id == facility.id, col(Referral.person_id).in_([a.person.id for a in alike])
        )
    )
    return dict(rows.all()) if alike else {}


def _match(session: Session, actor: Actor, known: Referral, row: ReleaseRow, zone: str) -> RowReport:
    if known.status not in OPEN_STATUSES and known.status is not ReferralStatus.DRAFT:
        return RowReport(row.number, DUPLICATE, f"{known.number} has ended already.", known.id)
    if row.is_actual:
        if row.release_at is None:
            raise Invalid("release_time", "A release that has happened needs its time.", field="release_time")
        if known.discharged_at == row.release_at:
            return RowReport(row.number, DUPLICATE, f"{known.number} has this release on record.", known.id)
        record_discharge(session, actor, known.id, row.release_at, row.kind.disposition)
        return RowReport(row.number, MATCHED, f"The release was recorded on {known.number}.{_notes(row)}", known.id)
    expected_time = _wall_time(row, zone)
    if known.discharged_at is not None:
        return RowReport(row.number, DUPLICATE, f"{known.number}: the person has left already.", known.id)
    if (known.expected_on, known.expected_time) == (row.release_on, expected_time):
        return RowReport(row.number, DUPLICATE, f"{known.number} has this date already.", known.id)
    move_expected_discharge(
        session,
        actor,
        known.id,
        row.release_on,
        expected_time=expected_time,
        certainty=DateCertainty.LIKELY,
    )
    return RowReport(row.number, MATCHED, f"The date of {known.number} was moved.{_notes(row)}", known.id)


def _person(row: ReleaseRow, system: str, facility: Facility) -> PersonDetails:
    return PersonDetails(
        given_name=row.first_name,
        family_name=row.last_name,
        preferred_name=row.preferred_name,
        birth_on=row.birth_on,
        language=row.language or "en",
        phones=[Phone(row.phone)] if row.phone else [],
        places=[Place(PlaceKind.OTHER, row.where_to_find)] if row.where_to_find else [],
        zone=facility.zone,
        identifiers=[Identifier(system, row.booking_number, "booking number")],
    )


def _details(row: ReleaseRow, facility: Facility) -> ReferralDetails:
    if row.is_actual and row.release_at is None:
        raise Invalid("release_time", "A release that has happened needs its time.", field="release_time")
    return ReferralDetails(
        setting=facility.setting,
        expected_on=None if row.is_actual else row.release_on,
        expected_time=None if row.is_actual else _wall_time(row, facility.zone),
        certainty=DateCertainty.UNKNOWN if row.is_actual else DateCertainty.LIKELY,
        discharged_at=row.release_at if row.is_actual else None,
        disposition=row.kind.disposition if row.is_actual else None,
        risks=sorted(row.risk_flags),
        consent=ConsentStatus.PENDING,
        visit_id=row.booking_number,
    )


def _wall_time(row: ReleaseRow, zone: str) -> time | None:
    return local(row.release_at, zone).time() if row.release_at is not None else None


def _notes(row: ReleaseRow) -> str:
    return f" {' '.join(row.notes)}" if row.notes else ""
