"""What counts, when, and who is left out: the measures one person at a time, on journeys told by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from domain.clock import Calendar
from domain.errors import Invalid
from domain.measures.business import business_days, business_hours
from domain.measures.catalog import BY_KEY, MEASURES, figures
from domain.measures.figure import Context, Counted, Figure, Part, Times
from domain.measures.journey import About, Event, Journey, tell
from domain.measures.period import CHOICES, Period, named_period, period_between
from domain.measures.strata import strata
from domain.measures.table import COLUMNS, figures_csv
from domain.vocabulary import Setting

NEW_YORK, LOS_ANGELES = "America/New_York", "America/Los_Angeles"
LEFT = datetime(2026, 9, 3, 15, 0, tzinfo=UTC)  # a Thursday, eleven in the morning in New York
SENT = LEFT - timedelta(days=3)
NOW = datetime(2026, 12, 20, 12, 0, tzinfo=UTC)
SEPTEMBER = period_between(date(2026, 9, 1), date(2026, 9, 30), NEW_YORK)


class Telling:
    """A journal in the making: entries as the commands write them."""

    def __init__(self, setting: Setting = Setting.PSYCHIATRIC_INPATIENT, referral_id: str = "ref_1") -> None:
        self.about = About(referral_id, "AAAAA-AAAAA", "Riverside", setting, "en", NEW_YORK, NEW_YORK)
        self.events: list[Event] = []

    def says(
        self, event: str, at: datetime, subject_id: str = "", *, heard_at: datetime | None = None, **data: Any
    ) -> Telling:
        facts = {key: value.isoformat() if isinstance(value, datetime) else value for key, value in data.items()}
        entry = Event(self.about.referral_id, len(self.events) + 1, event, at, heard_at or at, subject_id, facts)
        self.events.append(entry)
        return self

    def leaves(self, at: datetime = LEFT) -> Telling:
        self.says("referral.submitted", min(SENT, at), consent="given").says("referral.accepted", SENT)
        return self.says("bridger.assigned", SENT).says("referral.discharged", at, disposition="home")

    def tries(self, at: datetime, outcome: str = "reached", mode: str = "call", name: str = "", **more: Any) -> Telling:
        return self.says("attempt.logged", at, name or f"att_{len(self.events)}", mode=mode, outcome=outcome, **more)

    def plans(self, key: str, due_at: datetime, contact_id: str = "con_1") -> Telling:
        added = [[contact_id, key, 1, due_at.isoformat(), due_at.isoformat()]]
        return self.says("plan.changed", SENT, why="the person left", added=added, moved=[], ended=[])

    def contact(self, event: str, at: datetime, due_at: datetime, contact_id: str = "con_1", **more: Any) -> Telling:
        return self.says(f"contact.{event}", at, contact_id, key="weekly", due_at=due_at, cycle=1, **more)

    def calls(self, at: datetime, call: str = "esc_1", *, rung: int = 0, subject: str = "contact") -> Telling:
        return self.says(
            "escalation.raised", at, call, subject=subject, about="con_1", rung=rung, due_at=at,
            answer_by=at + timedelta(hours=4),
        )  # fmt: skip

    def told(self) -> Journey:
        return tell(self.about, self.events)


def parts(key: str, *tellings: Telling, now: datetime = NOW, period: Period = SEPTEMBER) -> list[str]:
    """How each case of a measure counts, with the reason of those left out."""
    figure = _figure(key, *tellings, now=now, period=period)
    return [f"{case.part}: {case.reason}" if case.part is Part.EXCLUDED else case.part.value for case in figure.cases]


def _figure(key: str, *tellings: Telling, now: datetime = NOW, period: Period = SEPTEMBER) -> Figure:
    return figures([telling.told() for telling in tellings], Context(period, now, Calendar()))[key]


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


# --- first contact


@pytest.mark.parametrize(
    ("after", "in_24", "in_48", "in_72"),
    [
        (23 + 59 / 60, "met", "met", "met"),
        (24, "met", "met", "met"),
        (24 + 1 / 60, "late", "met", "met"),
        (71.9, "late", "late", "met"),
        (73, "late", "late", "late"),
        (24 * 40, "not", "not", "not"),
    ],
)
def test_first_contact_counts_elapsed_hours_and_late_is_never_met(
    after: float, in_24: str, in_48: str, in_72: str
) -> None:
    telling = Telling().leaves().tries(LEFT + hours(after))
    assert [parts(f"first-contact-{h}h", telling) for h in (24, 48, 72)] == [[in_24], [in_48], [in_72]]
    assert _figure("first-contact-24h", telling).numerator == (in_24 == "met")
    assert _figure("first-contact-24h", telling).denominator == 1


@pytest.mark.parametrize(
    ("mode", "outcome", "wanted"),
    [
        ("call", "reached", "met"),
        ("text", "call_later", "met"),
        ("call", "declined", "met"),
        ("call", "left_message", "not"),
        ("text", "automated_reply", "not"),
        ("collateral", "information", "not"),
        ("letter", "reached", "not"),
    ],
)
def test_only_a_live_exchange_with_the_person_counts(mode: str, outcome: str, wanted: str) -> None:
    assert parts("first-contact-72h", Telling().leaves().tries(LEFT + hours(5), outcome, mode)) == [wanted]


def test_a_meeting_before_leaving_is_no_first_contact_but_counts_as_met_before() -> None:
    telling = Telling().leaves().tries(LEFT - hours(2), mode="visit")
    assert parts("first-contact-72h", telling) == ["not"]
    assert parts("in-reach", telling) == ["met"]
    assert parts("in-reach", Telling().leaves().tries(LEFT - hours(2), mode="call")) == ["not"]


def test_a_late_entry_counts_by_when_it_happened() -> None:
    telling = Telling().leaves().tries(LEFT + hours(20), heard_at=LEFT + hours(90), late_entry=True)
    assert parts("first-contact-24h", telling) == ["met"]


def test_an_entry_that_was_taken_back_never_was() -> None:
    telling = (
        Telling().leaves().tries(LEFT + hours(5), name="att_x").says("attempt.retracted", LEFT + hours(9), "att_x")
    )
    assert parts("first-contact-72h", telling) == ["not"]


def test_a_window_that_is_not_over_waits_whatever_came_of_it() -> None:
    reached = Telling().leaves().tries(LEFT + hours(5))
    assert parts("first-contact-72h", reached, now=LEFT + hours(71)) == ["waiting"]
    assert parts("first-contact-72h", reached, now=LEFT + hours(72)) == ["met"]
    assert parts("first-contact-72h", Telling().leaves(), now=LEFT + hours(71)) == ["waiting"]
    assert _figure("first-contact-72h", Telling().leaves(), now=LEFT + hours(71)).percent is None


# --- dates


def test_the_day_of_leaving_counts_after_an_emergency_visit_and_not_after_a_hospital_stay() -> None:
    same_day = LEFT + hours(3)
    wanted = {
        Setting.PSYCHIATRIC_INPATIENT: "not",
        Setting.GENERAL_HOSPITAL: "not",
        Setting.EMERGENCY_DEPARTMENT: "met",
        Setting.JAIL: "met",
        Setting.PRISON: "met",
    }
    for setting, part in wanted.items():
        telling = Telling(setting).leaves().tries(same_day, mode="visit")
        assert parts("peer-contact-7d", telling) == [part]
        assert parts("peer-contact-30d", telling) == [part]
        assert parts("face-to-face-7d", telling) == [part]


@pytest.mark.parametrize(("key", "last_day"), [("peer-contact-7d", 7), ("peer-contact-30d", 30)])
def test_windows_of_dates_end_with_the_local_day(key: str, last_day: int) -> None:
    midnight = datetime(2026, 9, 4, 4, 0, tzinfo=UTC) + timedelta(days=last_day)  # the end of the last day, New York
    assert parts(key, Telling().leaves().tries(midnight - hours(0.1))) == ["met"]
    assert parts(key, Telling().leaves().tries(midnight + hours(0.1))) == ["late"]
    assert parts(key, Telling().leaves().tries(datetime(2026, 9, 4, 4, 1, tzinfo=UTC))) == ["met"]


def test_who_moves_later_keeps_the_dates_they_had() -> None:
    on_day_zero_here = datetime(2026, 9, 4, 4, 30, tzinfo=UTC)  # past midnight in New York, not yet in Los Angeles
    telling = Telling().leaves().tries(on_day_zero_here)
    telling.about = About("ref_1", "A", "Riverside", Setting.JAIL, "en", LOS_ANGELES, NEW_YORK)
    assert parts("handoff", telling) == ["met"], "without a move on record the person is where the record says"
    telling.says("person.corrected", LEFT + timedelta(days=20), zone=LOS_ANGELES)
    assert parts("handoff", telling) == ["not"]


def test_handoff_is_on_the_date_of_leaving() -> None:
    assert parts("handoff", Telling().leaves().tries(LEFT + hours(12.5), mode="visit")) == ["met"]
    assert parts("handoff", Telling().leaves().tries(LEFT + hours(13.5), mode="visit")) == ["not"]
    assert parts("handoff", Telling().leaves().tries(LEFT + hours(1), mode="text")) == ["not"]


# --- who is left out


def test_a_readmission_within_the_window_leaves_it_out_reached_or_not() -> None:
    for reached in (False, True):
        telling = Telling().leaves()
        if reached:
            telling.tries(LEFT + hours(30))
        telling.says("hold.started", LEFT + timedelta(days=5), "hld_1", reason="readmitted")
        assert parts("peer-contact-7d", telling) == ["excluded: Readmitted to hospital"]
        assert parts("first-contact-72h", telling) == ["met" if reached else "not"], "it came after that window"
        assert parts("readmitted-30d", telling) == ["met"]


def test_a_hold_that_was_taken_back_changes_nothing() -> None:
    telling = Telling().leaves().says("hold.started", LEFT + hours(5), "hld_1", reason="readmitted")
    telling.says("hold.undone", LEFT + hours(8), "hld_1").tries(LEFT + hours(40))
    assert parts("first-contact-72h", telling) == ["met"]
    assert parts("readmitted-30d", telling) == ["not"]


def test_a_new_leaving_after_a_readmission_is_a_case_of_its_own() -> None:
    again = LEFT + timedelta(days=9)
    telling = Telling().leaves().says("hold.started", LEFT + timedelta(days=2), "hld_1", reason="readmitted")
    telling.says("referral.discharged", again, disposition="home", after_hold=True)
    telling.says("hold.ended", again + hours(1), "hld_1", discharged_at=again).tries(again + hours(10))
    assert parts("first-contact-72h", telling) == ["excluded: Readmitted to hospital", "met"]
    assert parts("with-us-30d", telling) == ["met"], "counted once, from the first leaving"
    telling.says("discharge.cancelled", again + hours(12), before=again)
    assert parts("first-contact-72h", telling) == ["excluded: Readmitted to hospital"]


@pytest.mark.parametrize(
    ("reason", "wanted"),
    [
        ("deceased", "excluded: The person died"),
        ("consent_revoked", "excluded: Consent was revoked"),
        ("transferred_other_program", "excluded: Transferred to another program"),
        ("entered_in_error", "excluded: Entered in error"),
        ("declined_by_person", "excluded: The person chose not to take part"),
        ("unable_to_reach", "not"),
        ("no_capacity", "not"),
    ],
)
def test_ends_leave_out_only_where_nobody_could_have_followed_up(reason: str, wanted: str) -> None:
    ended = Telling().leaves().says("referral.closed", LEFT + hours(40), reason=reason)
    assert parts("first-contact-72h", ended) == [wanted]
    undone = ended.says("end.undone", LEFT + hours(41), contacts=[])
    assert parts("first-contact-72h", undone) == ["not"]


def test_who_said_no_when_they_were_reached_was_reached() -> None:
    telling = Telling().leaves().tries(LEFT + hours(20), "declined")
    telling.says("referral.closed", LEFT + hours(20), reason="declined_by_person")
    assert parts("first-contact-24h", telling) == ["met"]
    assert parts("with-us-30d", telling) == ["not"]


def test_a_consent_taken_back_within_the_window_leaves_out() -> None:
    telling = Telling().leaves().says("consent.recorded", LEFT + hours(30), after="revoked")
    assert parts("first-contact-72h", telling) == ["excluded: Consent was revoked"]
    assert parts("first-contact-24h", telling) == ["not"], "it came after that window"
    telling.says("consent.recorded", LEFT + hours(50), after="given")
    assert parts("first-contact-72h", telling) == ["not"]


def test_a_discharge_that_was_cancelled_or_corrected_counts_as_it_was() -> None:
    cancelled = Telling().leaves().says("discharge.cancelled", LEFT + hours(1), before=LEFT)
    assert parts("first-contact-72h", cancelled) == []
    corrected = (
        Telling().leaves().says("discharge.corrected", LEFT - hours(10), after=LEFT - hours(10), disposition="home")
    )
    assert parts("first-contact-24h", corrected.tries(LEFT + hours(20))) == ["late"]


def test_a_referral_sent_after_leaving_counts_from_the_real_leaving() -> None:
    telling = Telling().says("referral.submitted", LEFT + hours(50), discharged_at=LEFT, consent="given")
    telling.tries(LEFT + hours(60))
    assert parts("first-contact-48h", telling) == ["late"]
    assert parts("in-reach", telling) == ["excluded: Referred after leaving"]


def test_retention_counts_who_was_served_to_the_end() -> None:
    done = Telling().leaves().says("referral.closed", LEFT + timedelta(days=80), reason="services_received_completed")
    lost = Telling().leaves().says("referral.closed", LEFT + timedelta(days=80), reason="unable_to_reach")
    assert [parts(f"with-us-{days}d", done) for days in (30, 60, 90)] == [["met"], ["met"], ["met"]]
    assert [parts(f"with-us-{days}d", lost) for days in (30, 60, 90)] == [["met"], ["met"], ["not"]]


# --- planned contacts


def test_contacts_by_what_became_of_them() -> None:
    due = LEFT + timedelta(days=10)
    planned = Telling().leaves().plans("weekly", due)
    assert parts("contacts-kept", planned, now=due - hours(1)) == ["waiting"]
    assert parts("contacts-kept", planned, now=due + hours(1)) == ["not"], "overdue and not yet recorded is not kept"
    missed = Telling().leaves().plans("weekly", due).contact("missed", due, due)
    assert parts("contacts-kept", missed) == ["not"]
    assert parts("contacts-kept", missed.contact("met_late", due + hours(2), due)) == ["late"]
    assert _figure("contacts-kept", missed).numerator == 0
    assert parts("contacts-kept", missed.contact("met", due - hours(2), due)) == ["met"], "logged later, made in time"
    assert parts("contacts-kept", missed.says("contact.reopened", due + hours(9), "con_1", key="weekly")) == ["not"]
    assert parts("contacts-kept", missed.contact("waived", due + hours(9), due)) == ["excluded: Waived with a reason"]


@pytest.mark.parametrize(
    ("event", "reason", "wanted"),
    [
        ("contacts.suspended", "on hold: Readmitted to hospital", "excluded: Readmitted to hospital"),
        ("contacts.excused", "fell due during the hold", "excluded: Fell due during the hold"),
        ("contacts.closed", "closed: The person died", "excluded: The person died"),
        ("contacts.superseded", "the discharge was cancelled", "excluded: The discharge was cancelled"),
    ],
)
def test_what_was_taken_out_stays_listed_with_its_reason(event: str, reason: str, wanted: str) -> None:
    due = LEFT + timedelta(days=10)
    telling = Telling().leaves().plans("weekly", due).says(event, LEFT + hours(9), reason=reason, contacts=["con_1"])
    assert parts("contacts-kept", telling) == [wanted]
    assert parts("contacts-kept", telling.says("contacts.restored", LEFT + hours(20), contacts=["con_1"])) == ["not"]


def test_a_contact_counts_once_in_the_period_in_which_it_was_made_or_fell_due() -> None:
    midnight = datetime(2026, 10, 1, 4, 0, tzinfo=UTC)
    october = period_between(date(2026, 10, 1), date(2026, 10, 31), NEW_YORK)
    missed = Telling().leaves().contact("missed", midnight, midnight)
    assert (parts("contacts-kept", missed), parts("contacts-kept", missed, period=october)) == (["not"], [])
    early = Telling().leaves().contact("met", midnight - hours(5), midnight + timedelta(days=3))
    assert (parts("contacts-kept", early), parts("contacts-kept", early, period=october)) == (["met"], [])
    gone = Telling().leaves().plans("weekly", midnight + timedelta(days=9))
    gone.says("contacts.closed", midnight - hours(9), reason="closed: Not eligible", contacts=["con_1"])
    assert parts("contacts-kept", gone, period=october) == [], "nobody waited for it any more when the period began"


def test_what_fell_due_after_a_death_was_not_missed() -> None:
    due = LEFT + timedelta(days=2)
    telling = Telling().leaves().contact("missed", due, due)
    telling.says("referral.closed", LEFT + timedelta(days=1), heard_at=LEFT + timedelta(days=5), reason="deceased")
    assert parts("contacts-kept", telling) == ["excluded: The person died"]


# --- escalations


def test_escalations_by_how_they_were_answered() -> None:
    taken = Telling().leaves().calls(LEFT).says("escalation.acknowledged", LEFT + hours(3), "esc_1")
    late = Telling().leaves().calls(LEFT).says("escalation.acknowledged", LEFT + hours(5), "esc_1")
    by_itself = Telling().leaves().calls(LEFT).says("escalation.resolved", LEFT + hours(2), "esc_1")
    by_hand = Telling().leaves().calls(LEFT).says("escalation.resolved", LEFT + hours(2), "esc_1", by="stf_1")
    nobody = Telling().leaves().calls(LEFT).says("escalation.resolved", LEFT + hours(9), "esc_1")
    waits = Telling().leaves().calls(LEFT)
    told = [parts("escalations-answered", one)[0].split(":")[0] for one in (taken, late, by_itself, by_hand, nobody)]
    assert told == ["met", "late", "excluded", "met", "not"]
    assert parts("escalations-answered", waits, now=LEFT + hours(3)) == ["waiting"]
    assert parts("escalations-unanswered", nobody) == ["met"]
    assert parts("escalations-resolved", waits) == ["not"]
    assert _figure("escalations-answered", taken, late).median == 4


def test_a_rung_that_was_passed_on_stays_unanswered() -> None:
    telling = Telling().leaves().calls(LEFT).calls(LEFT + hours(4), "esc_2", rung=1)
    telling.says("escalation.acknowledged", LEFT + hours(6), "esc_2")
    for call in ("esc_1", "esc_2"):
        telling.says("escalation.resolved", LEFT + hours(7), call, by="stf_1")
    assert parts("escalations-answered", telling) == ["not", "met"]
    assert _figure("missed-to-answer", telling).median == 6, "from the due time to whoever took it first"


# --- referrals and endings


def test_from_referral_to_acceptance_by_three_clocks() -> None:
    friday_evening = datetime(2026, 9, 4, 22, 0, tzinfo=UTC)  # 6 pm in New York, before Labor Day
    tuesday = datetime(2026, 9, 8, 14, 0, tzinfo=UTC)
    calendar = Calendar(frozenset({date(2026, 9, 7)}))
    telling = Telling().says("referral.submitted", friday_evening, consent="given").says("referral.accepted", tuesday)
    case = figures([telling.told()], Context(SEPTEMBER, NOW, calendar))["referral-to-acceptance"].cases[0]
    assert (case.hours, case.business_hours, case.business_days) == (88, 16, 1)


def test_business_time_counts_open_days_alone() -> None:
    friday, monday = datetime(2026, 9, 11, 16, 0, tzinfo=UTC), datetime(2026, 9, 14, 16, 0, tzinfo=UTC)
    assert business_hours(friday, monday, NEW_YORK, Calendar()) == 24
    assert business_days(friday, monday, NEW_YORK, Calendar()) == 1
    assert business_hours(monday, friday, NEW_YORK, Calendar()) == 0
    spring = datetime(2026, 3, 6, 17, 0, tzinfo=UTC)
    assert business_hours(spring, spring + timedelta(days=3), NEW_YORK, Calendar()) == 12 + 13, (
        "noon to midnight, midnight to 1 pm"
    )


def test_a_bridger_in_time_is_named_before_anybody_was_called() -> None:
    base = Telling().says("referral.submitted", LEFT, consent="given").says("referral.accepted", LEFT)
    assert parts("bridger-in-time", base) == ["waiting"]
    assert parts("bridger-in-time", base.calls(LEFT + hours(24), subject="assignment")) == ["not"]
    assert parts("bridger-in-time", base.says("bridger.assigned", LEFT + hours(30))) == ["late"]
    assert parts("referral-to-bridger", base) == ["met"]


def test_a_loop_is_closed_when_the_referrer_was_told() -> None:
    ended = LEFT + timedelta(days=4)
    over = Telling().leaves().says("referral.closed", ended, reason="unable_to_reach")
    assert parts("closed-loop", over) == ["not"]
    assert parts("closed-loop", over.says("report.sent", ended, consent="given")) == ["met"]
    held_back = (
        Telling().leaves().says("referral.closed", ended, reason="unable_to_reach").says("report.withheld", ended)
    )
    assert parts("closed-loop", held_back) == ["excluded: The person's consent does not cover a report"]
    assert _figure("closed-loop", over).by_kind().keys() == {"The person could not be reached"}


# --- figures, periods, tables


def test_the_middle_and_nine_of_ten() -> None:
    assert Times.of([]) == Times()
    assert Times.of([4.0, 1.0]) == Times(2, 2.5, 4.0)
    assert Times.of([float(n) for n in range(1, 11)]) == Times(10, 5.5, 9.0)


def test_measures_are_told_in_full() -> None:
    for measure in MEASURES:
        for words in (measure.title, measure.definition, measure.numerator, measure.denominator, measure.exclusions):
            assert len(words) > 5, measure.key
        assert measure.source, measure.key
        assert "hedis rate" not in measure.title.lower()
    assert BY_KEY["first-contact-72h"].target == 80
    assert [measure.key for measure in MEASURES if measure.target] == ["first-contact-72h"]


def test_an_empty_program_has_figures_without_cases() -> None:
    found = figures([], Context(SEPTEMBER, NOW, Calendar()))
    assert found.keys() == BY_KEY.keys()
    assert all((figure.percent, figure.median, figure.denominator) == (None, None, 0) for figure in found.values())


def test_named_periods_end_today_or_before() -> None:
    now = datetime(2026, 3, 31, 3, 0, tzinfo=UTC)  # still the 30th in New York
    found = {name: named_period(name, now, NEW_YORK) for name in CHOICES if name != "custom"}
    assert {name: (str(p.from_on), str(p.to_on)) for name, p in found.items()} == {
        "7d": ("2026-03-24", "2026-03-30"),
        "30d": ("2026-03-01", "2026-03-30"),
        "month": ("2026-03-01", "2026-03-30"),
        "last-month": ("2026-02-01", "2026-02-28"),
        "quarter": ("2026-01-01", "2026-03-30"),
        "last-quarter": ("2025-10-01", "2025-12-31"),
        "year": ("2025-03-31", "2026-03-30"),
    }
    march = period_between(date(2026, 3, 1), date(2026, 3, 31), NEW_YORK)
    assert (march.end_at - march.start_at) == timedelta(days=31) - hours(1), "the clocks go forward within it"


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [
        ("2026-02-02", "2026-02-01", "backwards"),
        ("1999-01-01", "1999-02-01", "year"),
        ("2226-01-01", "2226-02-01", "year"),
    ],
)
def test_periods_that_cannot_be_meant_are_refused(first: str, last: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        period_between(date.fromisoformat(first), date.fromisoformat(last), NEW_YORK)
    assert refused.value.code == code


def _group(name: str, met: int, missed: int) -> list[Counted]:
    made = [Part.MET] * met + [Part.NOT] * missed
    return [Counted(f"{name}{number}", part, LEFT, "cycle 1") for number, part in enumerate(made)]


def test_small_groups_are_not_shown_and_cannot_be_worked_out() -> None:
    cases = [*_group("a", 20, 20), *_group("b", 6, 6), *_group("c", 1, 2), *_group("d", 9, 4)]
    figure = Figure(BY_KEY["first-contact-72h"], tuple(cases))
    shown = {
        part.name: part.figure for part in strata(figure, {case.referral_id: case.referral_id[0] for case in cases})
    }
    assert {name: one.denominator for name, one in shown.items() if one is not None} == {"a": 40, "d": 13}
    assert {name for name, one in shown.items() if one is None} == {"b", "c"}, "c is small, b would give c away"
    large = tuple(case for case in cases if case.referral_id[0] in "ab")
    both = strata(Figure(BY_KEY["first-contact-72h"], large), {case.referral_id: case.referral_id[0] for case in large})
    assert all(part.figure is not None for part in both)


def test_people_not_contacts_make_a_group_large() -> None:
    cases = tuple(Counted("ref_1", Part.MET, LEFT, f"con_{number}") for number in range(40))
    assert strata(Figure(BY_KEY["contacts-kept"], cases), {"ref_1": "a"})[0].figure is None


def test_the_table_has_a_row_a_measure() -> None:
    telling = Telling().leaves().tries(LEFT + hours(20))
    lines = figures_csv(figures([telling.told()], Context(SEPTEMBER, NOW, Calendar())), SEPTEMBER).split("\r\n")
    assert lines[0] == ",".join(COLUMNS)
    assert len(lines) == len(MEASURES) + 2
    row = next(line for line in lines if line.startswith("first-contact-24h"))
    assert ",2026-09-01,2026-09-30,100.0,1,1,0,0,0,0,,20.0,20.0," in row
