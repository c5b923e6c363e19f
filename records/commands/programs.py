"""Programs, their facilities and their protocols."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session, select

from domain.errors import Conflict, Invalid, NotFound
from domain.protocol import FOLDER, Protocol, ProtocolProblem, default_protocols, parse_protocol
from domain.vocabulary import FacilityKind, Role, Setting
from records import clock, journal
from records.access import Actor
from records.commands.people import checked_zone
from records.commands.text import LINE_LENGTH, checked_text
from records.engine import OF_TRANSACTION
from records.ids import new_id
from records.queries.protocols import find_newest, overlays, protocol_of
from records.tables import Facility, Program, ProtocolVersion, SignInRules, Staff


def create_program(
    session: Session,
    name: str,
    *,
    neutral_name: str = "",
    zone: str = "America/New_York",
    country: str = "US",
    subdivision: str = "",
    accepts_at_once: bool = False,
    phone: str = "",
    areas: Sequence[str] = (),
    second_step_of: Sequence[Role] = (),
) -> Program:
    """Set up a program with the shipped protocols published as their first versions.

    `second_step_of`: who may not sign in by a password alone, until the program says otherwise.
    """
    row = Program(
        id=new_id("prg"),
        name=checked_text(name, "name", limit=LINE_LENGTH, required=True),
        neutral_name=checked_text(neutral_name, "neutral_name", limit=LINE_LENGTH) or "Footbridge",
        zone=checked_zone(zone),
        country=country,
        subdivision=subdivision,
        accepts_at_once=accepts_at_once,
        phone=phone,
        areas=list(areas),
        created_at=clock.now(),
    )
    session.add(row)
    session.flush()
    for key in default_protocols():
        publish_protocol_text(session, row.id, (FOLDER / f"{key}.toml").read_text(encoding="utf-8"), by=None)
    if second_step_of:
        session.add(SignInRules(program_id=row.id, second_factor_roles=[role.value for role in second_step_of]))
    return row


OVERLAYS = frozenset(protocol.key for protocol in overlays())
"""The protocols that lie on top of every other. They come with Footbridge, for every program alike."""


def publish_protocol(session: Session, actor: Actor, text: str) -> ProtocolVersion:
    """Publish a new version of a protocol. Running cases keep theirs.

    Raises Invalid with every reason, also when nobody could be referred from some setting any more, and Conflict when
    the newest version says just that.
    """
    actor.require("manage_program")
    return publish_protocol_text(session, actor.program_id, text, by=actor.id, is_checked=True)


def publish_protocol_text(
    session: Session, program_id: str, text: str, *, by: str | None, is_checked: bool = False
) -> ProtocolVersion:
    """Publish for a program within a command that is under way; `is_checked`: held to what the program has already."""
    try:
        protocol = parse_protocol(text)
    except ProtocolProblem as problem:
        raise Invalid("protocol", "\n".join(problem.reasons), field="text") from problem
    session.exec(select(Program.id).where(Program.id == program_id).with_for_update(key_share=True)).first()
    newest = find_newest(session, program_id, protocol.key)
    if is_checked:
        _require_useful(session, program_id, protocol, newest, text)
    row = ProtocolVersion(
        id=new_id("pro"),
        program_id=program_id,
        key=protocol.key,
        version=(newest.version if newest else 0) + 1,
        title=protocol.title,
        text=text,
        published_at=clock.now(),
        published_by=by,
    )
    session.add(row)
    session.flush()
    session.info.pop(OF_TRANSACTION, None)  # which is the newest is asked anew
    journal.append_for_program(
        session,
        program_id,
        "protocol.published",
        actor=by or "system",
        subject_id=row.id,
        key=row.key,
        version=row.version,
    )
    return row


def _require_useful(
    session: Session, program_id: str, protocol: Protocol, newest: ProtocolVersion | None, text: str
) -> None:
    if protocol.key in OVERLAYS:
        said = f"key: “{protocol.key}” lies on top of every protocol and comes with Footbridge. Choose another key."
        raise Invalid("protocol", said, field="text")
    if newest is None:
        return
    if newest.text.strip() == text.strip():
        raise Conflict("published_already", f"This is version {newest.version} already, word for word.")
    for setting in protocol_of(session, newest.id).settings:
        if setting not in protocol.settings and not _is_covered(session, program_id, setting, but=protocol.key):
            said = f"settings: “{setting.value}” is left out, and nobody could be referred from there any more."
            raise Invalid("protocol", said, field="text")


def _is_covered(session: Session, program_id: str, setting: Setting, *, but: str) -> bool:
    """Whether the newest version of another protocol is for people who leave this setting."""
    keys = select(ProtocolVersion.key).where(ProtocolVersion.program_id == program_id, ProtocolVersion.key != but)
    newest = (find_newest(session, program_id, key) for key in session.exec(keys.distinct()))
    return any(row is not None and setting in protocol_of(session, row.id).settings for row in newest)


def add_facility(
    session: Session,
    actor: Actor,
    name: str,
    kind: FacilityKind,
    setting: Setting,
    *,
    zone: str = "",
    phone: str = "",
    address: str = "",
    needs_clearance: bool = False,
    identifiers: Sequence[dict[str, str]] = (),
) -> Facility:
    """Add a facility that refers people. The same name twice is refused."""
    if not actor.is_system:
        actor.require("manage_program")
    program = session.get_one(Program, actor.program_id)
    title = checked_text(name, "name", limit=LINE_LENGTH, required=True)
    if session.exec(select(Facility).where(Facility.program_id == program.id, Facility.name == title)).first():
        raise Conflict("facility_exists", "A facility of this name is on the list already.")
    row = Facility(
        id=new_id("fac"),
        program_id=program.id,
        name=title,
        kind=kind,
        setting=setting,
        zone=checked_zone(zone or program.zone),
        phone=phone,
        address=checked_text(address, "address", limit=LINE_LENGTH),
        needs_clearance=needs_clearance,
        identifiers=list(identifiers),
        created_at=clock.now(),
    )
    session.add(row)
    session.flush()
    journal.append_for_program(session, program.id, "facility.added", actor=actor.id, subject_id=row.id)
    return row


def set_people_in_charge(
    session: Session,
    actor: Actor,
    *,
    supervisor_id: str | None = None,
    clinician_id: str | None = None,
    manager_id: str | None = None,
) -> Program:
    """Name who is asked when no other supervisor is known, who is on call now, and the manager."""
    actor.require("manage_program")
    program = session.get_one(Program, actor.program_id)
    for field, staff_id in (
        ("supervisor_id", supervisor_id),
        ("clinician_id", clinician_id),
        ("manager_id", manager_id),
    ):
        if staff_id is None:
            continue
        staff = session.get(Staff, staff_id)
        if staff is None or staff.program_id != program.id or not staff.is_active:
            raise NotFound("That member of staff")
        setattr(program, field, staff_id)
    journal.append_for_program(
        session,
        program.id,
        "program.in_charge",
        actor=actor.id,
        supervisor=supervisor_id,
        clinician=clinician_id,
        manager=manager_id,
    )
    return program


LONGEST_GRACE, LONGEST_GLASS = 336, 72
"""Hours: two weeks of reading after a handover, and three days behind broken glass, are the most there can be."""


def set_access_rules(
    session: Session,
    actor: Actor,
    *,
    handover_grace_hours: int | None = None,
    break_glass_hours: int | None = None,
    minors_sign_alone: bool | None = None,
) -> Program:
    """How long somebody may still read whom they handed over (0: not at all), how long broken glass stays open, and
    whether the state lets a minor alone consent to telling of substance use (42 CFR 2.14). Consents that were signed
    before keep counting as they did."""
    actor.require("manage_program")
    program = session.get_one(Program, actor.program_id, with_for_update=True)
    for field, value, least, most in (
        ("handover_grace_hours", handover_grace_hours, 0, LONGEST_GRACE),
        ("break_glass_hours", break_glass_hours, 1, LONGEST_GLASS),
    ):
        if value is not None and not least <= value <= most:
            raise Invalid("hours", f"Choose between {least} and {most} hours.", field=field)
        if value is not None:
            setattr(program, field, value)
    if minors_sign_alone is not None:
        program.minors_sign_alone = minors_sign_alone
    journal.append_for_program(
        session,
        program.id,
        "program.access_rules",
        actor=actor.id,
        handover_grace_hours=program.handover_grace_hours,
        break_glass_hours=program.break_glass_hours,
        minors_sign_alone=program.minors_sign_alone,
    )
    return program
