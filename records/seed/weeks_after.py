"""Stories of the weeks after, and how they ended: weekly contacts, holds, searches, closures, reports."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from domain.vocabulary import (
    ClosureReason,
    ConsentStatus,
    ContactState,
    EndReason,
    Gender,
    HoldReason,
    Mode,
    Need,
    Outcome,
    PlaceKind,
    Resolution,
    RiskFlag,
)
from records.commands import absences, assignments, closing, contacts, holds
from records.seed.case import Case, begun
from records.seed.people import E, G, J, P
from records.seed.someone import someone
from records.seed.world import Story, World

YES = ConsentStatus.GIVEN


def stories(world: World) -> Iterator[Story]:
    """All of them."""
    for story in (
        _third_week, _missed_and_found, _second_month, _in_hospital, _in_custody, _being_sought, _declined,
        _completed, _completed_jail, _completed_short, _never_reached, _asked_for_another, _covered,
    ):  # fmt: skip
        yield story(world)


def _left(world: World, case: Case, days_ago: int, hour: int = 13) -> Story:
    """What comes before leaving is done, then the person leaves."""
    left = world.on(-days_ago, hour)
    yield from case.follow(left - timedelta(minutes=30))
    yield left
    case.leave()


def _third_week(world: World) -> Story:
    person = someone("Mateo", "Ejemplar", 40, born=(1958, 2, 20), gender=Gender.MAN, area="00016", language="es")
    case = yield from begun(
        world, "riverside", person, P, at=world.on(-27, 10), to="bridger1", leaves_on=world.day(-19), consent=YES,
        unit="2 South", needs=[Need.COMPANY, Need.HEALTH_CARE],
    )  # fmt: skip
    yield from _left(world, case, 19)
    yield from case.follow(world.ago(minutes=20))


def _missed_and_found(world: World) -> Story:
    """A weekly contact was missed and made up for three days later."""
    person = someone("Yara", "Modele", 41, born=(1984, 11, 3), gender=Gender.WOMAN, area="00034", language="fr")
    case = yield from begun(
        world, "lakeside", person, G, at=world.on(-36, 9), to="bridger7", leaves_on=world.day(-29), consent=YES
    )
    yield from _left(world, case, 29)
    yield from case.follow(world.on(-21, 12))
    missed = next(c for c in case.rows().contacts if c.state is ContactState.PLANNED and c.key == "weekly")
    yield missed.opens_at + timedelta(hours=30)
    case.log(Mode.CALL, Outcome.NO_ANSWER)
    yield missed.due_at + timedelta(hours=15)
    case.log(Mode.VISIT, Outcome.REACHED, "Her phone had been stolen. She has a new one from Saturday on.", minutes=40)
    yield from case.follow(world.ago(minutes=20))


def _second_month(world: World) -> Story:
    person = someone("Dmitri", "Obrazets", 42, born=(1966, 9, 9), gender=Gender.MAN, area="00025", language="ru")
    case = yield from begun(
        world, "riverside", person, P, at=world.on(-52, 10), to="bridger6", leaves_on=world.day(-45), consent=YES,
        unit="4 West",
    )  # fmt: skip
    yield from _left(world, case, 45)
    yield from case.follow(world.ago(minutes=20))


def _in_hospital(world: World) -> Story:
    person = someone("Cleo", "Imaginary", 43, born=(1993, 3, 16), gender=Gender.WOMAN, area="00017")
    case = yield from begun(
        world, "riverside", person, P, at=world.on(-20, 10), to="bridger1", leaves_on=world.day(-13), consent=YES,
        unit="4 West",
    )  # fmt: skip
    yield from _left(world, case, 13)
    yield from case.follow(world.on(-2, 9))
    yield world.on(-2, 10)
    holds.put_on_hold(
        world.session, case.planner, case.referral.id, HoldReason.READMITTED, where="Riverside General",
        note="Came back by herself, and asked that her bridger knows.",
    )  # fmt: skip
    yield from case.follow(world.ago(minutes=20))


def _in_custody(world: World) -> Story:
    person = someone(
        "Amir", "Nemune", 44, born=(1997, 5, 28), gender=Gender.MAN, area="00043", kind=PlaceKind.REPORTING,
        place="Reports at the county office", when="Mondays at 9",
    )  # fmt: skip
    case = yield from begun(
        world, "jail", person, J, at=world.on(-24, 10), to="bridger5", leaves_on=world.day(-18), consent=YES,
        visit_id="EXAMPLE-1988", risks=[RiskFlag.OVERDOSE],
    )  # fmt: skip
    yield from _left(world, case, 18, 10)
    yield from case.follow(world.on(-4, 17))
    yield world.on(-3, 11)
    case.log(Mode.COLLATERAL, Outcome.IN_CUSTODY, "On the jail's roster since last night.")
    yield from case.follow(world.ago(minutes=20))


def _being_sought(world: World) -> Story:
    """Nobody could reach him for a week: every step was tried, and the search goes on."""
    person = someone(
        "Dario", "Campione", 45, born=(1980, 8, 8), gender=Gender.MAN, area="00035", kind=PlaceKind.OUTSIDE,
        place="The park by the lake, east side",
    )  # fmt: skip
    case = yield from begun(
        world, "lakeside", person, G, at=world.on(-34, 10), to="bridger4", leaves_on=world.day(-30), consent=YES
    )
    yield from _left(world, case, 30)
    yield from case.follow(world.on(-22, 12))
    for days, mode in ((-20, Mode.CALL), (-18, Mode.VISIT), (-16, Mode.CALL)):
        yield world.on(days, 11)
        case.log(mode, Outcome.NO_ANSWER)
        case.answer(Resolution.ARRANGED, "We keep looking: shelters, meal sites, the places he knows.")
    yield world.on(-15, 15)
    contacts.declare_lost(
        world.session, case.supervisor, case.referral.id, "Shelters, hospitals and the roster were asked. No word yet."
    )
    for days in (-10, -4):
        yield world.on(days, 12)
        case.log(Mode.VISIT, Outcome.NO_ANSWER, "Walked the park and asked at the meal site.")


def _declined(world: World) -> Story:
    person = someone("Ximena", "Ejemplo", 46, born=(1987, 4, 23), gender=Gender.WOMAN, area="00018", language="es")
    case = yield from begun(
        world, "riverside", person, P, at=world.on(-31, 10), to="bridger1", leaves_on=world.day(-26), consent=YES,
    )  # fmt: skip
    yield from _left(world, case, 26)
    yield from case.follow(world.on(-19, 12))
    yield world.on(-18, 16)
    case.log(Mode.CALL, Outcome.DECLINED, "She has her sister and her church, and thanks us. The door stays open.")


def _finished(world: World, case: Case, note: str) -> Story:
    """The plan has run its course; the supervisor signs, the report goes out."""
    end = case.referral.next_at
    yield from case.follow(world.ago(hours=6))
    yield max(world.ago(hours=5), end or world.ago(hours=5))
    closing.close_referral(world.session, case.supervisor, case.referral.id, ClosureReason.SERVICES_RECEIVED, note)


def _completed(world: World) -> Story:
    person = someone("Ingrid", "Exempel", 47, born=(1971, 6, 12), gender=Gender.WOMAN, area="00019")
    case = yield from begun(
        world, "riverside", person, P, at=world.on(-104, 10), to="bridger3", leaves_on=world.day(-98), consent=YES,
        unit="4 West", needs=[Need.COMPANY],
    )  # fmt: skip
    yield from _left(world, case, 98)
    yield from case.follow(world.on(-7, 12))
    yield world.on(-7, 15)
    closing.close_referral(
        world.session, case.supervisor, case.referral.id, ClosureReason.SERVICES_RECEIVED,
        "Ninety days at home. She keeps her clinic, sings in a choir, and knows whom to call.",
    )  # fmt: skip


def _completed_jail(world: World) -> Story:
    person = someone("Jamal", "Tayid", 48, born=(1990, 10, 18), gender=Gender.MAN, area="00038")
    case = yield from begun(
        world, "jail", person, J, at=world.on(-108, 10), to="bridger2", leaves_on=world.day(-101), consent=YES,
        visit_id="EXAMPLE-1871",
    )  # fmt: skip
    yield from _left(world, case, 101, 9)
    yield from case.follow(world.on(-10, 12))
    yield world.on(-10, 15)
    closing.close_referral(
        world.session, case.supervisor, case.referral.id, ClosureReason.SERVICES_RECEIVED,
        "Has work at the harbor and a room of his own. Marcus stays a friend of the house.",
    )  # fmt: skip


def _completed_short(world: World) -> Story:
    person = someone("Sanne", "Voorbeeld", 49, born=(1962, 1, 5), gender=Gender.WOMAN, area="00036")
    case = yield from begun(
        world, "lakeside", person, G, at=world.on(-41, 10), to="bridger4", leaves_on=world.day(-37), consent=YES
    )
    yield from _left(world, case, 37)
    yield from case.follow(world.on(-6, 12))
    yield world.on(-6, 16)
    closing.close_referral(
        world.session, case.supervisor, case.referral.id, ClosureReason.SERVICES_RECEIVED,
        "Thirty days, every check kept. Her neighbor looks in on her.",
    )  # fmt: skip


def _never_reached(world: World) -> Story:
    person = someone("Pavel", "Vzorek", 50, born=(1978, 12, 12), gender=Gender.MAN, area="00037")
    case = yield from begun(
        world, "lakeside", person, E, at=world.on(-60, 10), to="bridger7", consent=YES, needs=[Need.HOUSING]
    )
    yield world.on(-60, 12)
    case.leave()
    for days in range(-59, -50, 2):
        yield world.on(days, 11)
        case.log(Mode.VISIT if days % 4 else Mode.CALL, Outcome.NO_ANSWER)
        case.answer(Resolution.ARRANGED, "Theo asked at the shelter and the meal site; we keep trying.")
    yield world.on(-49, 15)
    closing.close_referral(
        world.session, case.supervisor, case.referral.id, ClosureReason.UNABLE_TO_REACH,
        "Ten days of calls and visits. A letter with our number waits for him at the shelter.",
    )  # fmt: skip


def _asked_for_another(world: World) -> Story:
    """She asked for a woman; no reason was needed, and no due time moved."""
    person = someone("Alma", "Pelda", 51, born=(1995, 2, 14), gender=Gender.WOMAN, area="00026")
    case = yield from begun(
        world, "riverside", person, P, at=world.on(-18, 10), to="bridger4", leaves_on=world.day(-12), consent=YES,
        unit="2 South",
    )  # fmt: skip
    yield from _left(world, case, 12)
    yield from case.follow(world.on(-6, 12))
    yield world.on(-6, 13)
    assignments.release_bridger(world.session, case.supervisor, case.referral.id, EndReason.PERSON_ASKED)
    yield world.on(-6, 14)
    case.give_to("bridger3")
    yield from case.follow(world.ago(minutes=20))


def _covered(world: World) -> Story:
    """A bridger is away for a week; somebody else has her people, each with the whole story."""
    person = someone("Miro", "Primjer", 52, born=(1983, 7, 1), gender=Gender.MAN, area="00045", language="es")
    case = yield from begun(
        world, "lakeside", person, G, at=world.on(-16, 10), to="bridger8", leaves_on=world.day(-9), consent=YES
    )
    yield from _left(world, case, 9)
    yield from case.follow(world.on(-2, 12))
    yield world.on(-2, 13)
    away = world.staff.by["bridger8"]
    absences.set_absence(
        world.session, case.supervisor, away.id, from_at=world.on(-2, 13), until_at=world.now + timedelta(days=4),
        cover_id=world.staff.by["bridger5"].id,
    )  # fmt: skip
    yield from case.follow(world.ago(minutes=20))
