"""Protocol files: the six that are shipped, and every way in which a file can be wrong."""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Callable
from contextlib import contextmanager, suppress
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clock import Calendar, Span
from domain.due import ByRisk
from domain.plan import anchor_of, window
from domain.protocol import (
    FOLDER,
    ContactRule,
    Protocol,
    ProtocolProblem,
    default_for,
    default_protocols,
    parse_protocol,
    protocol_from,
)
from domain.vocabulary import Ask, Mode, RiskFlag, Setting
from tests.domain.cases import BY_SETTING, HIGH, ON_HOLD, PSYCHIATRIC, UNSCHEDULED, left
from tests.domain.moments import instants, zones

SHIPPED = tuple(default_protocols().values())
FILES = sorted(FOLDER.glob("*.toml"))
RULES = [(p, rule) for p in SHIPPED for rule in p.contacts]
RUNGS = [(p, name, rung) for p in SHIPPED for name, rungs in p.ladders.items() for rung in rungs]
holidays = st.builds(Calendar, st.frozensets(st.dates(date(2025, 6, 1), date(2030, 1, 1)), max_size=20))

TEXT = (FOLDER / "psychiatric-inpatient.toml").read_text(encoding="utf-8")
GOOD = tomllib.loads(TEXT)


# What is shipped


def test_seven_protocols_are_shipped_each_under_the_name_of_its_file() -> None:
    assert sorted(default_protocols()) == [path.stem for path in FILES]
    assert len(FILES) == 7


@pytest.mark.parametrize("setting", Setting)
def test_every_setting_has_one_protocol(setting: Setting) -> None:
    assert [p.key for p in SHIPPED if setting in p.settings] == [default_for(setting).key]


@pytest.mark.parametrize("overlay", [UNSCHEDULED, ON_HOLD], ids=lambda p: p.key)
@pytest.mark.parametrize("protocol", BY_SETTING, ids=lambda p: p.key)
def test_what_lies_on_top_hides_nothing_and_is_not_hidden(overlay: Protocol, protocol: Protocol) -> None:
    assert overlay.settings == ()
    keys = {rule.key for rule in protocol.contacts}
    assert not keys & {rule.key for rule in overlay.contacts}
    shared = set(protocol.ladders) & {rule.ladder for rule in overlay.contacts}
    assert shared <= {"supervisor", "safety"}, "a ladder of this name in the protocol below would be climbed instead"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_number_names_its_source_or_is_owned_as_a_choice(path: Any) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    number = re.compile(r'"PT?[0-9][^"]*"|\bdates = |\b(attempts|modes|in_person|days|misses) = [0-9]')
    for no, line in enumerate(lines):
        assert not re.search(r"\[[0-9]+[a-z]?\]", line.partition("#")[2]), f"{path.name}:{no + 1}: a source by name"
        if not number.search(line.partition("#")[0]):
            continue
        near = lines[max(no - 1, 0) : no + 2]
        assert any("#" in text for text in near), f"{path.name}:{no + 1}: where does this number come from?"


@given(
    st.sampled_from([(p, rule) for p, rule in RULES if rule.due.after in ("discharge", "acceptance", "hold")]),
    instants,
    zones,
    holidays,
)
def test_high_risk_is_never_due_later(
    which: tuple[Protocol, ContactRule], at: datetime, zone: str, calendar: Calendar
) -> None:
    protocol, rule = which
    usual = left(at, protocol, zone=zone, calendar=calendar)
    _, due = window(rule, usual, at)
    _, due_high = window(rule, left(at, protocol, zone=zone, calendar=calendar, risks=HIGH), at)
    assert at < due_high <= due


@given(st.sampled_from(RUNGS), instants, zones, holidays)
def test_high_risk_never_has_longer_to_answer(which: Any, at: datetime, zone: str, calendar: Calendar) -> None:
    _, _, rung = which
    for times in (rung.answer, rung.act):
        assert times.of(True).after(at, zone, calendar) <= times.of(False).after(at, zone, calendar)


def test_the_numbers_of_the_psychiatric_protocol() -> None:
    """Tennessee PICS, Zero Suicide, NHS England, NICE, VA: where these come from is in the file."""
    rules = {rule.key: rule for rule in PSYCHIATRIC.contacts}
    hour, day = 3600, 86_400
    assert rules["first-contact"].due.within == Span(24 * hour)
    assert rules["first-contact"].needs.attempts == 2
    safety = rules["safety-net"]
    assert (safety.due.opens, safety.due.within, safety.due.high_risk) == (
        Span(24 * hour),
        Span(72 * hour),
        Span(48 * hour),
    )
    needs = safety.needs
    assert (needs.attempts, needs.modes, needs.in_person, needs.days) == (3, 2, 1, 2)
    assert (rules["face-to-face"].due.dates, rules["face-to-face"].modes) == ((1, 7), (Mode.VISIT,))
    assert (rules["weekly"].due.dates, rules["weekly"].every, rules["weekly"].until) == (
        (8, 14),
        Span(7 * day),
        Span(90 * day),
    )
    assert rules["closing-meeting"].due.dates == (75, 90)
    assert rules["thirty-day-check"].due.dates == (1, 30), "the day of discharge does not count"


def test_the_numbers_of_the_other_protocols() -> None:
    emergency, hospital, jail = (
        default_for(s) for s in (Setting.EMERGENCY_DEPARTMENT, Setting.GENERAL_HOSPITAL, Setting.JAIL)
    )
    assert emergency.rule("seven-day-check").due.dates == (0, 7), "eight dates: the day of the visit counts"  # type: ignore[union-attr]
    assert emergency.rule("thirty-day-check").due.dates == (0, 30)  # type: ignore[union-attr]
    first = hospital.rule("first-contact")
    assert first is not None
    assert (first.due.within, first.due.at_most) == (Span(business_days=2), Span(72 * 3600))
    daily = jail.rule("daily")
    assert daily is not None
    assert (daily.due.dates, daily.every, daily.until) == ((1, 1), Span(86_400), Span(14 * 86_400))
    assert [(s.misses, s.ladder) for s in daily.streaks] == [(2, "streak"), (3, "locate")]
    assert default_for(Setting.PRISON) is jail
    assert UNSCHEDULED.assignment.offer_answer.standard == Span(900)
    assert ON_HOLD.hold_review == (Span(30 * 86_400), Span(90 * 86_400))


@pytest.mark.parametrize("protocol", SHIPPED, ids=lambda p: p.key)
def test_ladders_are_all_used_and_end_with_the_program_manager(protocol: Protocol) -> None:
    used = {rule.ladder for rule in protocol.contacts} | {s.ladder for r in protocol.contacts for s in r.streaks}
    raised_by_events = {"supervisor", "safety"} | ({"page"} if protocol is UNSCHEDULED else set())
    assert set(protocol.ladders) == used | raised_by_events
    for name, rungs in protocol.ladders.items():
        assert "program_manager" in rungs[-1].tell, name


@pytest.mark.parametrize("protocol", SHIPPED, ids=lambda p: p.key)
def test_only_the_clinician_is_asked_about_a_welfare_check(protocol: Protocol) -> None:
    for rungs in protocol.ladders.values():
        for rung in rungs:
            if rung.ask is Ask.WELFARE_CHECK:
                assert rung.tell == ("on_call_clinician",)


def test_a_protocol_is_written_as_it_is_read() -> None:
    for protocol in SHIPPED:
        assert protocol_from(protocol.model_dump(mode="json", exclude_defaults=True)) == protocol


# What is refused, and where the sentence points


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    raw = copy.deepcopy(GOOD)
    change(raw)
    return raw


def rule(raw: dict[str, Any], key: str) -> Any:
    return next(r for r in raw["contacts"] if r["key"] == key)


def on(key: str, **changes: Any) -> Callable[[dict[str, Any]], object]:
    return lambda raw: rule(raw, key).update(changes)


def due(key: str, **changes: Any) -> Callable[[dict[str, Any]], object]:
    return lambda raw: rule(raw, key).update(due=changes)


def top(**changes: Any) -> Callable[[dict[str, Any]], object]:
    return lambda raw: raw.update(changes)


def rung(ladder: str, no: int, **changes: Any) -> Callable[[dict[str, Any]], object]:
    return lambda raw: raw["ladders"][ladder][no].update(changes)


def without(*path: Any) -> Callable[[dict[str, Any]], object]:
    def remove(raw: Any) -> None:
        for step in path[:-1]:
            raw = raw[step]
        del raw[path[-1]]

    return remove


AFTER = {"after": "discharge"}
WRONG: dict[str, tuple[Callable[[dict[str, Any]], object], str, str]] = {
    # what: (the change, where the sentence points, a part of the sentence)
    "an unknown key": (top(colour="blue"), "colour", "not a known key"),
    "an unknown key of a contact": (on("weekly", ladders="prompt"), "contacts.weekly.ladders", "not a known key"),
    "an unknown key of a due time": (
        due("weekly", **AFTER, dates=[1, 2], by_when="x"),
        "due.by_when",
        "not a known key",
    ),
    "no title": (without("title"), "title", "is missing"),
    "no finish": (without("finish"), "finish", "is missing"),
    "no assignment": (without("assignment"), "assignment", "is missing"),
    "no contacts": (top(contacts=[]), "contacts", "at least 1"),
    "a key with spaces": (top(key="my protocol"), "key", "small letters"),
    "a title of two letters": (top(title="Hi"), "title", "at least 3"),
    "version 0": (top(version=0), "version", "greater than or equal to 1"),
    "an unknown setting": (top(settings=["spaceship"]), "settings.0", "'jail'"),
    "junk as a length of time": (top(finish="soon"), "finish", "not a length of time"),
    "a number as a length of time": (top(date_check=12), "date_check", "not a length of time"),
    "two clocks in one length": (top(date_check="P1BDT4H"), "date_check", "mixes"),
    "a review after business days": (top(hold_review=["P20BD"]), "hold_review.0", "elapsed"),
    "a review at once": (top(hold_review=["PT0S"]), "hold_review.0", "more than none"),
    "asking for a date without end": (top(date_review="PT0S"), "date_review", "more than none"),
    "offers without pause": (lambda r: r["assignment"].update(retry="PT0S"), "assignment.retry", "more than none"),
    "a longer answer at high risk": (
        lambda r: r["assignment"].update(offer_answer={"standard": "PT1H", "high_risk": "PT2H"}),
        "assignment.offer_answer",
        "never lengthens",
    ),
    "business days at high risk": (
        rung("streak", 1, answer={"standard": "PT24H", "high_risk": "P1BD"}),
        "ladders.streak.1.answer",
        "never lengthens",
    ),
    "hours that may outlast a business day": (
        rung("streak", 1, answer={"standard": "P1BD", "high_risk": "PT20H"}),
        "ladders.streak.1.answer",
        "never lengthens",
    ),
    "more business days at high risk": (
        rung("streak", 1, answer={"standard": "P1BD", "high_risk": "P2BD"}),
        "ladders.streak.1.answer",
        "never lengthens",
    ),
    "a search without pause": (top(lost=[{"every": "PT0S", "until": "P30D"}]), "lost.0.every", "more than none"),
    "a search in business days": (top(lost=[{"every": "P5BD", "until": "P30D"}]), "lost.0.every", "elapsed"),
    "a search that goes back": (
        top(lost=[{"every": "P7D", "until": "P90D"}, {"every": "P14D", "until": "P30D"}]),
        "file",
        "later than the one before",
    ),
    "a search in two parts with one end": (
        top(lost=[{"every": "P7D", "until": "P30D"}, {"every": "P14D", "until": "P30D"}]),
        "file",
        "later than the one before",
    ),
    "a search of every minute": (top(lost=[{"every": "PT1M", "until": "P30D"}]), "lost.0", "at most 400"),
    "two contacts with one key": (lambda r: rule(r, "weekly").update(key="in-reach"), "file", "share a key"),
    "the key of the search": (lambda r: rule(r, "weekly").update(key="search"), "contacts.search", "kept for"),
    "an unknown clock": (
        due("first-contact", after="arrival", within="PT24H"),
        "first-contact.due.after",
        "'discharge'",
    ),
    "no anchor": (due("first-contact", within="PT24H"), "contacts.first-contact.due", "either after or before"),
    "two anchors": (
        due("first-contact", after="discharge", before="expected_discharge", by="P1D"),
        "contacts.first-contact.due",
        "either after or before",
    ),
    "no end": (due("first-contact", **AFTER), "contacts.first-contact.due", "`within` or `dates`"),
    "two ends": (
        due("first-contact", **AFTER, within="PT24H", dates=[0, 1]),
        "first-contact.due",
        "`within` or `dates`",
    ),
    "an end at once": (due("first-contact", **AFTER, within="PT0S"), "first-contact.due.within", "more than none"),
    "before without by": (
        due("appointment-check", before="expected_discharge"),
        "appointment-check.due",
        "needs `by`",
    ),
    "before what nobody expects": (
        due("in-reach", before="discharge", by="P1D"),
        "in-reach.due.before",
        "expected_disch",
    ),
    "dates backward": (due("weekly", **AFTER, dates=[14, 8]), "contacts.weekly.due", "forward"),
    "dates before day 0": (due("weekly", **AFTER, dates=[-1, 8]), "contacts.weekly.due", "forward"),
    "high-risk dates backward": (
        due("weekly", **AFTER, dates=[8, 14], high_risk_dates=[9, 8]),
        "weekly.due",
        "forward",
    ),
    "later dates at high risk": (
        due("weekly", **AFTER, dates=[8, 14], high_risk_dates=[8, 15]),
        "contacts.weekly.due",
        "never lengthens",
    ),
    "a later end at high risk": (
        due("first-contact", **AFTER, within="PT24H", high_risk="PT25H"),
        "contacts.first-contact.due",
        "never lengthens",
    ),
    "business days at high risk only": (
        due("first-contact", **AFTER, within="PT72H", high_risk="P1BD"),
        "contacts.first-contact.due",
        "never lengthens",
    ),
    "more business days at high risk, in a window": (
        due("first-contact", **AFTER, within="P2BD", high_risk="P3BD"),
        "contacts.first-contact.due",
        "never lengthens",
    ),
    "opening when it ends": (
        due("safety-net", **AFTER, within="PT72H", opens="PT72H"),
        "contacts.safety-net.due",
        "opens before it ends",
    ),
    "opening after its end at high risk": (
        due("safety-net", **AFTER, within="PT72H", high_risk="PT24H", opens="PT24H"),
        "contacts.safety-net.due",
        "opens before it ends",
    ),
    "opening after the next business day may end": (
        due("safety-net", **AFTER, within="P1BD", opens="PT20H"),
        "contacts.safety-net.due",
        "opens before it ends",
    ),
    "a high-risk length beside dates": (
        due("weekly", **AFTER, dates=[8, 14], high_risk="P1D"),
        "weekly.due",
        "`high_risk`",
    ),
    "high-risk dates beside a length": (
        due("first-contact", **AFTER, within="PT24H", high_risk_dates=[0, 1]),
        "contacts.first-contact.due",
        "`high_risk_dates`",
    ),
    "by without before": (due("first-contact", **AFTER, within="PT24H", by="P1D"), "first-contact.due", "`by`"),
    "skipping after": (
        due("first-contact", **AFTER, within="PT24H", skip_late=True),
        "first-contact.due",
        "`skip_late`",
    ),
    "an end before leaving, after leaving": (
        due("first-contact", **AFTER, within="PT24H", not_after="expected_discharge"),
        "contacts.first-contact.due",
        "`not_after`",
    ),
    "every without until": (
        lambda r: rule(r, "weekly").pop("until"),
        "contacts.weekly",
        "both `every` and `until`",
    ),
    "until without every": (
        lambda r: rule(r, "weekly").pop("every"),
        "contacts.weekly",
        "both `every` and `until`",
    ),
    "a series in business days": (on("weekly", every="P5BD"), "contacts.weekly.every", "elapsed"),
    "a series without pause": (on("weekly", every="PT0S"), "contacts.weekly.every", "more than none"),
    "a series of five hundred": (on("weekly", every="P1D", until="P500D"), "contacts.weekly", "at most 400"),
    "windows that overlap": (on("weekly", every="P6D"), "contacts.weekly", "overlap"),
    "elapsed windows that overlap": (
        on("weekly", due={"after": "discharge", "within": "P7DT1S"}, every="P7D"),
        "contacts.weekly",
        "overlap",
    ),
    "a series of dates every 36 hours": (
        on("weekly", due={"after": "discharge", "dates": [1, 1]}, every="PT36H"),
        "contacts.weekly",
        "whole days",
    ),
    "a series before leaving": (on("in-reach", every="P7D", until="P30D"), "contacts.in-reach", "leaving"),
    "an unknown way of meeting": (on("weekly", modes=["pigeon"]), "contacts.weekly.modes.0", "'call'"),
    "no way of meeting": (on("weekly", modes=[]), "contacts.weekly.modes", "at least 1"),
    "an unknown count": (on("weekly", counts="maybe"), "contacts.weekly.counts", "'contact'"),
    "attempts without number": (
        on("weekly", needs={"attempts": 99}),
        "contacts.weekly.needs.attempts",
        "equal to 20",
    ),
    "a reminder at the end": (on("weekly", remind=[1.0]), "contacts.weekly.remind.0", "less than 1"),
    "the same reminder twice": (on("weekly", remind=[0.5, 0.501]), "contacts.weekly", "twice"),
    "a warning in business days": (on("weekly", warn="P1BD"), "contacts.weekly.warn", "elapsed"),
    "an unknown listener": (
        on("weekly", warn_tell=["police"]),
        "contacts.weekly.warn_tell.0",
        "'on_call_clinician'",
    ),
    "an unknown risk": (on("weekly", only=["left-handed"]), "contacts.weekly.only.0", "'suicide_risk'"),
    "a ladder that is not there": (on("weekly", ladder="nowhere"), "file", "“weekly” names the ladder “nowhere”"),
    "a streak's ladder that is not there": (
        on("weekly", streaks=[{"misses": 2, "ladder": "nowhere"}]),
        "file",
        "“weekly” names the ladder “nowhere”",
    ),
    "a streak of one": (
        on("weekly", streaks=[{"misses": 1, "ladder": "streak"}]),
        "weekly.streaks.0.misses",
        "equal to 2",
    ),
    "a streak of what happens once": (
        on("first-contact", streaks=[{"misses": 2, "ladder": "streak"}]),
        "contacts.first-contact",
        "only a series",
    ),
    "no supervisor's ladder": (
        lambda r: (r["ladders"].pop("supervisor"), rule(r, "closing-meeting").update(ladder="handoff")),
        "file",
        "the ladder “supervisor” is missing",
    ),
    "no ladder for safety": (lambda r: r["ladders"].pop("safety"), "file", "the ladder “safety” is missing"),
    "a ladder without a rung": (lambda r: r["ladders"].update(streak=[]), "file", "“streak” has no rung"),
    "a rung that tells nobody": (rung("streak", 0, tell=[]), "ladders.streak.0.tell", "at least 1"),
    "a rung without an answer time": (
        without("ladders", "streak", 0, "answer"),
        "ladders.streak.0.answer",
        "is missing",
    ),
    "a rung that calls the police": (
        rung("streak", 0, tell=["police"]),
        "ladders.streak.0.tell.0",
        "'on_call_clinician'",
    ),
    "an unknown request": (rung("streak", 0, ask="hope"), "ladders.streak.0.ask", "'locate'"),
    "telling again at once, for ever": (
        rung("safety", 1, again="PT0S"),
        "ladders.safety.1.again",
        "more than none",
    ),
    "an outcome at once": (rung("contact-missed", 3, outcome="PT0S"), "contact-missed.3.outcome", "more than none"),
    "a welfare check before the roster": (
        lambda r: r["ladders"]["contact-missed"].insert(2, r["ladders"]["contact-missed"].pop(3)),
        "file",
        "“contact-missed” asks about a welfare check before anybody was asked to find the person",
    ),
    "a welfare check before anybody looked": (
        lambda r: r["ladders"]["contact-missed"].pop(2),
        "file",
        "“contact-missed” asks about a welfare check before anybody was asked to find the person",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_file_is_refused_with_a_sentence_that_says_where(what: str) -> None:
    change, where, sentence = WRONG[what]
    with pytest.raises(ProtocolProblem) as refused:
        protocol_from(changed(change))
    reasons = refused.value.reasons
    assert any(where in r.partition(": ")[0] and sentence in r for r in reasons), reasons
    assert "Value error" not in str(refused.value)


def test_the_file_that_the_wrong_ones_are_made_of_is_right() -> None:
    assert protocol_from(changed(lambda raw: None)) == PSYCHIATRIC


def test_every_reason_is_told_at_once() -> None:
    with pytest.raises(ProtocolProblem) as refused:
        protocol_from(changed(lambda raw: raw.update(finish="soon", colour="blue", date_check="later")))
    assert len(refused.value.reasons) == 3


@pytest.mark.parametrize("text", ["", "key =", "[[contacts]", 'key = "a"\nkey = "b"', "\x00", "{}"])
def test_what_is_no_toml_or_empty_is_refused(text: str) -> None:
    with pytest.raises(ProtocolProblem, match=r"TOML|missing"):
        parse_protocol(text)


@pytest.mark.parametrize("raw", [[], None, "text", 7])
def test_what_is_no_table_is_refused(raw: Any) -> None:
    with pytest.raises(ProtocolProblem, match="file: "):
        protocol_from(raw)


@given(st.data())
def test_a_file_with_a_line_lost_is_read_or_refused(data: st.DataObject) -> None:
    lines = TEXT.splitlines()
    no = data.draw(st.integers(0, len(lines) - 1))
    with suppress(ProtocolProblem):  # and nothing else
        assert parse_protocol("\n".join(lines[:no] + lines[no + 1 :])).contacts


def test_a_refusal_passes_through_a_context_manager() -> None:
    @contextmanager
    def around() -> Any:
        yield

    with pytest.raises(ProtocolProblem), around():
        parse_protocol("key =")


# Looking things up


def test_high_risk_takes_its_own_time_or_the_usual_one() -> None:
    both = ByRisk(standard=Span(20), high_risk=Span(10))
    assert (both.of(False), both.of(True)) == (Span(20), Span(10))
    assert ByRisk(standard=Span(20)).of(True) == Span(20)


def test_rules_are_found_by_key_in_each_edition_of_a_protocol() -> None:
    """Two drafts of the same key and version may be in memory one after the other."""
    for number in range(50):
        title = f"Weekly, draft {number}"
        draft = protocol_from(changed(on("weekly", title=title)))
        found = draft.rule("weekly")
        assert found is not None
        assert found.title == title
        del draft, found
    assert PSYCHIATRIC.rule("no-such-key") is None


def test_only_visits_need_a_visit() -> None:
    assert [r.key for r in PSYCHIATRIC.contacts if r.needs_visit] == [
        "face-to-face",
        "second-month-visit",
        "closing-meeting",
    ]
    assert [r.key for r in PSYCHIATRIC.contacts if r.is_series] == ["weekly"]


def test_contacts_for_some_people_only() -> None:
    jail = default_for(Setting.JAIL)
    assert [r.key for r in jail.contacts if r.only == (RiskFlag.YOUTH,)] == ["youth-screening", "youth-case-management"]


def test_every_anchor_of_the_files_is_an_instant_of_a_case() -> None:
    case = left(datetime.fromisoformat("2026-09-04T18:00:00+00:00"))
    assert {r.due.after or r.due.before for _, r in RULES} == {
        "acceptance", "discharge", "expected_discharge", "first_appointment", "handover", "hold"
    }  # fmt: skip
    assert anchor_of("discharge", case) == case.discharged_at
