"""People who sign in: added, given a bridger's profile, gone; conflicts that matching must know."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlmodel import Session, col, select

from domain.errors import Conflict, Invalid, NotFound
from domain.vocabulary import EndReason, Gender, OfferState, Role, Setting
from records import clock, journal
from records.access import Actor
from records.commands.assignments import assign, end_assignment, withdraw_offers
from records.commands.clearances import release_inside
from records.commands.text import checked_name, checked_text
from records.commands.work import open_case
from records.ids import new_id
from records.tables import ApiToken, Bridger, Facility, Offer, Program, Referral, Staff, StaffSession


def add_staff(
    session: Session,
    actor: Actor,
    *,
    email: str,
    name: str,
    roles: Sequence[Role],
    first_name: str = "",
    phone: str = "",
    facility_id: str | None = None,
    supervisor_id: str | None = None,
    is_demonstration: bool = False,
) -> Staff:
    """Add a member of staff, without a password yet. Raises Invalid, Conflict (address in use, supervisor full)."""
    actor.require("manage_staff")
    address = checked_text(email, "email", limit=200, required=True).lower()
    if "@" not in address[1:-1]:
        raise Invalid("email", "Enter an e-mail address, such as name@program.example.", field="email")
    if session.exec(select(Staff.id).where(Staff.email == address)).first() is not None:
        raise Conflict("email_taken", "Somebody with this e-mail address is on the list already.")
    if not roles:
        raise Invalid("required", "Choose at least one role.", field="roles")
    if Role.PLANNER in roles:
        facility = session.get(Facility, facility_id) if facility_id else None
        if facility is None or facility.program_id != actor.program_id:
            raise Invalid("required", "A discharge planner belongs to a facility. Choose it.", field="facility_id")
    if supervisor_id is not None:
        colleague(session, actor, supervisor_id)
    if Role.BRIDGER in roles and supervisor_id is not None:
        _require_room(session, actor.program_id, supervisor_id)
    row = Staff(
        id=new_id("stf"),
        program_id=actor.program_id,
        email=address,
        name=checked_name(name, "name"),
        first_name=checked_name(first_name, "first_name", required=False) or name.split()[0],
        phone=phone,
        roles=[role.value for role in dict.fromkeys(roles)],
        facility_id=facility_id if Role.PLANNER in roles else None,
        supervisor_id=supervisor_id,
        is_demonstration=is_demonstration,
        created_at=clock.now(),
    )
    session.add(row)
    session.flush()
    if Role.BRIDGER in roles:
        session.add(Bridger(staff_id=row.id, program_id=actor.program_id, languages=["en"]))
    journal.append_for_program(
        session, actor.program_id, "staff.added", actor=actor.id, subject_id=row.id, roles=row.roles
    )
    return row


def _require_room(session: Session, program_id: str, supervisor_id: str) -> None:
    """A supervisor has at most so many bridgers (NC Medicaid 8G: 1:8; acceptance scenario 5)."""
    program = session.get_one(Program, program_id)
    team = [
        s
        for s in session.exec(select(Staff).where(Staff.supervisor_id == supervisor_id, col(Staff.is_active)))
        if Role.BRIDGER.value in s.roles
    ]
    if len(team) >= program.supervisor_limit:
        raise Conflict(
            "supervisor_full",
            f"This supervisor has {len(team)} bridgers, which is the limit. Choose another supervisor.",
        )


def move_to_supervisor(session: Session, actor: Actor, staff_id: str, supervisor_id: str) -> Staff:
    """Put a bridger under another supervisor. Raises Conflict when that team is full."""
    actor.require("manage_staff")
    row = colleague(session, actor, staff_id)
    if row.supervisor_id != supervisor_id:
        colleague(session, actor, supervisor_id)
        _require_room(session, actor.program_id, supervisor_id)
        row.supervisor_id = supervisor_id
        journal.append_for_program(session, actor.program_id, "staff.moved", actor=actor.id, subject_id=row.id)
    return row


def set_profile(
    session: Session,
    actor: Actor,
    staff_id: str,
    *,
    languages: Sequence[str],
    gender: Gender = Gender.UNSTATED,
    lived_experience: Sequence[Setting] = (),
    areas: Sequence[str] = (),
    clearances: Sequence[tuple[str, date | None]] = (),
    caseload_limit: int | None = None,
    is_taking_people: bool = True,
) -> Bridger:
    """What matching needs to know of a bridger. Raises Invalid for a limit out of bounds."""
    actor.require("manage_staff")
    colleague(session, actor, staff_id)
    row = session.get(Bridger, staff_id)
    if row is None:
        raise NotFound("That bridger")
    if caseload_limit is not None and not 0 <= caseload_limit <= 60:
        raise Invalid("caseload_limit", "A caseload is between 0 and 60 people.", field="caseload_limit")
    row.languages = [checked_text(code, "languages", limit=20) for code in languages]
    row.gender, row.caseload_limit, row.is_taking_people = gender, caseload_limit, is_taking_people
    row.lived_experience = [setting.value for setting in lived_experience]
    row.areas = [checked_text(area, "areas", limit=20).upper() for area in areas]
    lost = {c["facility_id"] for c in row.clearances} - {facility_id for facility_id, _ in clearances}
    row.clearances = [
        {"facility_id": facility_id, **({"until": until.isoformat()} if until else {})}
        for facility_id, until in clearances
    ]
    journal.append_for_program(
        session, actor.program_id, "bridger.profile_set", actor=actor.id, subject_id=staff_id,
        caseload_limit=caseload_limit,
    )  # fmt: skip
    if lost:
        session.flush()
        release_inside(session, staff_id, lost)
    return row


def remember_conflict(session: Session, bridger_id: str, person_id: str, reason: str = "") -> None:
    """A bridger and a person must not be matched. The reason stays with the profile and is shown to nobody."""
    row = session.get_one(Bridger, bridger_id)
    if all(c["person_id"] != person_id for c in row.conflicts):
        row.conflicts = [*row.conflicts, {"person_id": person_id, "reason": reason}]


def declare_conflict(session: Session, actor: Actor, referral_id: str, bridger_id: str, reason: str = "") -> None:
    """Declare that a bridger and this person must not be matched; an assignment between them ends at once."""
    work = open_case(session, actor, referral_id, "declare_conflict")
    if Role.BRIDGER in actor.roles and bridger_id != actor.id and not actor.may("assign"):
        raise NotFound("That bridger")
    colleague(session, actor, bridger_id)
    remember_conflict(session, bridger_id, work.referral.person_id, checked_text(reason, "reason"))
    work.record("conflict.declared", bridger=bridger_id)
    if work.referral.bridger_id == bridger_id:
        end_assignment(work, EndReason.CONFLICT)
    work.settle()


def disable_staff(session: Session, actor: Actor, staff_id: str, *, hand_over_to: str | None = None) -> list[str]:
    """Somebody leaves: their sessions and tokens end at once, and a bridger's people go to another or are sought one.

    Each person gets a human introduction by whoever takes over (acceptance scenario 67). Where a rule stands between a
    person and `hand_over_to`, somebody else is sought. Returns the referral ids.
    """
    actor.require("manage_staff")
    row = colleague(session, actor, staff_id)
    if row.id == actor.id:
        raise Conflict("not_yourself", "You cannot take away your own access. Ask another administrator.")
    row.is_active = False
    end_sessions(session, row.id)
    for token in session.exec(select(ApiToken).where(ApiToken.staff_id == row.id, col(ApiToken.revoked_at).is_(None))):
        token.revoked_at = clock.now()
    session.flush()
    hand = Actor(id=actor.id, program_id=actor.program_id, is_system=True)
    _withdraw_offers_to(session, hand, row.id)
    moved = people_of(session, row.id)
    for referral_id in moved:
        if hand_over_to is None or not _handed_over(session, hand, referral_id, hand_over_to):
            work = open_case(session, hand, referral_id, "assign")
            end_assignment(work, EndReason.LEFT, tell_bridger=False)
            work.settle()
    journal.append_for_program(
        session, actor.program_id, "staff.disabled", actor=actor.id, subject_id=row.id, people=len(moved)
    )
    return moved


def _handed_over(session: Session, hand: Actor, referral_id: str, bridger_id: str) -> bool:
    try:
        assign(
            session,
            hand,
            referral_id,
            bridger_id,
            override_reason="handed over when a colleague left",
            end_reason=EndReason.LEFT,
        )
    except Conflict:
        return False
    return True


def _withdraw_offers_to(session: Session, hand: Actor, bridger_id: str) -> None:
    """Whoever has left answers no offer: the next bridger is asked at once."""
    waiting = select(Offer.referral_id).where(Offer.bridger_id == bridger_id, Offer.state == OfferState.OPEN)
    for referral_id in list(session.exec(waiting)):
        work = open_case(session, hand, referral_id, "assign")
        withdraw_offers(work, "the bridger left")
        work.settle()


def end_sessions(session: Session, staff_id: str, *, but: str = "") -> int:
    """End every signed-in session of somebody, except the one whose id is `but`; returns how many."""
    rows = session.exec(
        select(StaffSession).where(StaffSession.staff_id == staff_id, col(StaffSession.id) != but)
    ).all()
    for row in rows:
        session.delete(row)
    return len(rows)


def people_of(session: Session, bridger_id: str) -> list[str]:
    """The referrals of those whom this bridger walks with now."""
    return list(session.exec(select(Referral.id).where(Referral.bridger_id == bridger_id).order_by(col(Referral.id))))


def colleague(session: Session, actor: Actor, staff_id: str) -> Staff:
    """A member of staff of the actor's own program. Raises NotFound."""
    row = session.get(Staff, staff_id)
    if row is None or row.program_id != actor.program_id:
        raise NotFound("That member of staff")
    return row
