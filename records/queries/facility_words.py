"""What facilities said of a person: for the facility its own words, for the program all of them."""

from __future__ import annotations

from sqlmodel import Session, col, or_, select

from records.tables import Facility, FacilityWords, Person


def find_words(session: Session, person_id: str, facility_id: str) -> FacilityWords | None:
    """What a facility said of somebody, or None; also of a record that was merged into theirs."""
    merged = select(Person.id).where(Person.merged_into_id == person_id)
    rows = select(FacilityWords).where(
        or_(FacilityWords.person_id == person_id, col(FacilityWords.person_id).in_(merged)),
        FacilityWords.facility_id == facility_id,
    )
    return session.exec(rows.order_by(col(FacilityWords.person_id) != person_id)).first()


def list_words_of_others(session: Session, person_id: str, facility_id: str) -> list[tuple[FacilityWords, str]]:
    """What other facilities than this one said of somebody, each with its name; the newest first."""
    rows = session.exec(
        select(FacilityWords, Facility.name)
        .join(Facility, col(Facility.id) == col(FacilityWords.facility_id))
        .where(FacilityWords.person_id == person_id, FacilityWords.facility_id != facility_id)
        .order_by(col(FacilityWords.said_at).desc(), col(FacilityWords.id))
    )
    return [(words, name) for words, name in rows]
