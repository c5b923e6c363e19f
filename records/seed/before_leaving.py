"""Stories of people who have not left yet: asked for, offered, accepted, on the way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time, timedelta

from domain.vocabulary import (
    ClosureReason,
    ConsentStatus,
    DateCertainty,
    DeclineReason,
    Gender,
    Need,
    PlaceKind,
    RiskFlag,
    SafetyFlag,
)
from records.access import system_actor
from records.commands import cancelling, changes, referrals
from records.commands.people import PersonDetails
from records.commands.referrals import ReferralDetails
from records.seed.case import begun, filed
from records.seed.people import E, G, J, P
from records.seed.someone import someone
from records.seed.world import Story, World

YES = ConsentStatus.GIVEN


def stories(world: World) -> Iterator[Story]:
    """All of them."""
    for story in (
        _just_filed, _filed_this_morning, _offered, _second_asked, _nobody_fits, _leaves_in_days, _leaves_tomorrow,
        _leaves_today, _release_in_three_days, _date_unknown, _consent_pending, _cancel_requested, _draft,
        _not_accepted, _withdrawn,
    ):  # fmt: skip
        yield story(world)


def _just_filed(world: World) -> Story:
    yield world.ago(minutes=1)
    person = someone(
        "Grace", "Sample", 1, born=(1979, 4, 12), gender=Gender.WOMAN, area="00021", wants=Gender.WOMAN,
        place="Her sister's, 9 Placeholder Lane", when="Evenings",
    )  # fmt: skip
    filed(
        world, "riverside", person, P, leaves_on=world.day(4), consent=YES, unit="4 West",
        needs=[Need.MEDICATION, Need.COMPANY], note="Would like to meet somebody before she goes home.",
    )  # fmt: skip


def _filed_this_morning(world: World) -> Story:
    yield world.ago(hours=2, minutes=40)
    person = someone("Hiro", "Mihon", 2, born=(1991, 9, 30), gender=Gender.MAN, area="00030")
    filed(
        world, "lakeside", person, G, leaves_on=world.day(3), consent=YES, unit="Medicine B", needs=[Need.TRANSPORT],
    )  # fmt: skip


def _offered(world: World) -> Story:
    """Only one bridger is a woman who speaks Spanish in that area: the offer waits for her."""
    yield world.ago(hours=2)
    person = someone(
        "Elena", "Muestra", 3, born=(1968, 1, 22), gender=Gender.WOMAN, language="es", must_speak=True,
        wants=Gender.WOMAN, must=True, area="00012", place="Home: 30 Sample Avenue, 3C",
    )  # fmt: skip
    case = filed(
        world, "riverside", person, P, leaves_on=world.day(3), consent=YES, unit="4 West",
        needs=[Need.FAMILY, Need.MEDICATION], note="Her daughter may be called if she is not at home.",
    )  # fmt: skip
    yield world.ago(hours=1, minutes=20)
    case.accept()


def _second_asked(world: World) -> Story:
    """The first bridger said no, the second did not answer in four hours, a third is being asked."""
    yield world.ago(hours=7, minutes=30)
    person = someone("Farid", "Namuna", 4, born=(1985, 6, 3), gender=Gender.MAN, area="00031", wants=Gender.MAN)
    case = filed(world, "lakeside", person, G, leaves_on=world.day(2), consent=YES, needs=[Need.HEALTH_CARE])
    yield world.ago(hours=6, minutes=50)
    case.accept()
    yield world.ago(hours=6, minutes=20)
    case.decline(DeclineReason.NO_ROOM)


def _nobody_fits(world: World) -> Story:
    """A must-have that no bridger meets goes to the supervisor, never silently past."""
    yield world.ago(hours=3, minutes=30)
    person = someone(
        "Linh", "Vidu", 5, born=(1957, 11, 8), gender=Gender.WOMAN, language="vi", must_speak=True, area="00022"
    )
    case = filed(world, "riverside", person, P, leaves_on=world.day(5), consent=YES, unit="2 South")
    yield world.ago(hours=2, minutes=50)
    case.accept()


def _leaves_in_days(world: World) -> Story:
    person = someone("Priya", "Udaharan", 6, born=(1999, 2, 17), gender=Gender.WOMAN, area="00020", called="Pri")
    case = yield from begun(
        world, "riverside", person, P, at=world.ago(hours=5), leaves_on=world.day(5), consent=YES, unit="4 West",
        risks=[RiskFlag.YOUTH], needs=[Need.WORK, Need.TREATMENT],
    )  # fmt: skip
    yield world.ago(hours=3)
    changes.set_meeting(
        world.session, case.bridger, case.referral.id, world.now + timedelta(days=1, hours=2), "4 West, the day room"
    )


def _leaves_tomorrow(world: World) -> Story:
    person = someone(
        "Jonas", "Beispiel", 7, born=(1973, 8, 14), gender=Gender.MAN, area="00011", kind=PlaceKind.SHELTER,
        place="Example Shelter on Sample Square", when="From 6 pm", flags=(SafetyFlag.SAFETY_PLAN,),
    )  # fmt: skip
    case = yield from begun(
        world, "riverside", person, P, at=world.on(-4, 10), to="bridger1", leaves_on=world.day(2), consent=YES,
        unit="4 West", risks=[RiskFlag.NO_SAFE_PLACE], needs=[Need.HOUSING, Need.IDENTIFICATION],
        first_appointment_at=world.on(0, 9) + timedelta(days=4, hours=1), first_appointment_where="Example Clinic",
    )  # fmt: skip
    yield from case.follow(world.ago(hours=30))
    yield world.ago(hours=26)
    changes.move_expected_discharge(
        world.session, case.planner, case.referral.id, world.day(1), certainty=DateCertainty.CONFIRMED
    )
    yield from case.follow(world.ago(minutes=10))


def _leaves_today(world: World) -> Story:
    person = someone("Wen", "Yangli", 8, born=(1988, 12, 1), gender=Gender.WOMAN, language="zh", area="00010")
    case = yield from begun(
        world, "riverside", person, P, at=world.on(-5, 14), to="bridger3", leaves_on=world.day(0), consent=YES,
        unit="2 South", certainty=DateCertainty.CONFIRMED, needs=[Need.MEDICATION],
    )  # fmt: skip
    yield from case.follow(world.ago(minutes=10))


def _release_in_three_days(world: World) -> Story:
    person = someone(
        "Kofi", "Nhwesode", 9, born=(1994, 7, 19), gender=Gender.MAN, area="00041", kind=PlaceKind.OTHER,
        place="His aunt's, by the old mill", may_voicemail=False, flags=(SafetyFlag.NO_VOICEMAIL,),
    )  # fmt: skip
    case = yield from begun(
        world, "jail", person, J, at=world.on(-6, 9), to="bridger5", leaves_on=world.day(3), consent=YES,
        expected_time=time(10, 30), certainty=DateCertainty.CONFIRMED, visit_id="EXAMPLE-2041",
        risks=[RiskFlag.OVERDOSE], needs=[Need.MEDICATION, Need.IDENTIFICATION, Need.HOUSING],
    )  # fmt: skip
    yield from case.follow(world.ago(minutes=10))


def _date_unknown(world: World) -> Story:
    person = someone("Uma", "Namoona", 10, born=(1981, 3, 27), gender=Gender.WOMAN, area="00042")
    case = yield from begun(world, "jail", person, J, at=world.on(-2, 11), to="bridger8", consent=YES)
    yield from case.follow(world.ago(minutes=10))


def _consent_pending(world: World) -> Story:
    person = someone("Quinn", "Nominal", 11, born=(1996, 10, 5), gender=Gender.NONBINARY, area="00021")
    case = yield from begun(
        world, "riverside", person, P, at=world.on(-1, 13), to="bridger4", leaves_on=world.day(4),
        consent=ConsentStatus.PENDING, unit="2 South", note="Wants to hear more before they sign.",
    )  # fmt: skip
    yield from case.follow(world.ago(minutes=10))


def _cancel_requested(world: World) -> Story:
    person = someone("Tomas", "Priklad", 12, born=(1964, 5, 9), gender=Gender.MAN, area="00032")
    case = yield from begun(
        world, "lakeside", person, G, at=world.on(-3, 15), to="bridger2", leaves_on=world.day(2), consent=YES
    )
    yield from case.follow(world.ago(hours=3))
    yield world.ago(hours=2)
    cancelling.request_cancel(
        world.session, case.planner, case.referral.id, "His family takes him to another state on Friday."
    )


def _draft(world: World) -> Story:
    """A notification of a discharge named somebody whom nobody had referred: it waits for the planner."""
    yield world.ago(hours=4)
    planner = world.staff.by["lakeside"]
    row = referrals.file_referral(
        world.session,
        system_actor(world.staff.program.id, "system:fhir"),
        PersonDetails(given_name="Ines", family_name="Exemplo"),
        ReferralDetails(setting=G, discharged_at=world.ago(hours=5)),
        facility_id=planner.facility_id,
        source="fhir",
        as_draft=True,
    )
    world.referrals.append(row)


def _not_accepted(world: World) -> Story:
    yield world.on(-16, 10)
    person = someone("Viktor", "Przyklad", 13, born=(1970, 2, 2), gender=Gender.MAN, area="99990")
    case = filed(world, "lakeside", person, G, leaves_on=world.day(-12), consent=YES)
    yield world.on(-16, 15)
    referrals.reject_referral(
        world.session, case.supervisor, case.referral.id, ClosureReason.OUT_OF_AREA,
        "He moves to another county. We gave his planner the number of the program there.",
    )  # fmt: skip


def _withdrawn(world: World) -> Story:
    yield world.on(-9, 9)
    person = someone("Bea", "Invented", 14, born=(1990, 1, 15), gender=Gender.WOMAN, area="00033")
    case = filed(world, "lakeside", person, E, leaves_on=world.day(-9), consent=YES)
    yield world.on(-9, 10)
    cancelling.request_cancel(world.session, case.planner, case.referral.id, "Filed under the wrong setting.")
