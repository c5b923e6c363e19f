"""The board and the calls: one glance tells whom to look after first, and nobody sees what is not theirs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from api.pages.board import engine_words
from api.pages.status import status_lines
from domain.vocabulary import (
    EscalationState,
    HoldReason,
    Mode,
    Outcome,
    ReferralStatus,
    Resolution,
    WelfareDecision,
)
from records import clock, engine
from records.commands import contacts, escalations, holds, upkeep
from records.queries.upkeep import agenda_lateness
from records.tables import Escalation, Referral
from tests.pages.bridging import NOW, Bridging, counted_queries, said
from tests.pages.charge import answers_by_hand, begin_in_charge, call_address, facility_id, missed

pytestmark = pytest.mark.sqlite

QUERIES_OF_A_PAGE = 45


@pytest.fixture
def town(database: str) -> Iterator[Bridging]:
    with clock.stopped_at(NOW):
        yield begin_in_charge()


# --- the board


def test_an_empty_board_says_so_kindly_section_by_section(town: Bridging) -> None:
    text = said(town.browser("supervisor").get("/board"))
    for sentence in ("Nothing is overdue.", "Everybody has a bridger.", "Every referral has its answer.",
                     "Nobody is on hold.", "No call waits for somebody to take it."):  # fmt: skip
        assert sentence in text


@pytest.mark.postgresql
def test_everybody_stands_where_they_belong_with_owner_time_and_what_comes_next(town: Bridging) -> None:
    referral_id, _call = missed(town)
    waiting = town.refer("Bo", bridger=None)
    soon = town.refer("Cy")
    held = town.refer("Di")
    with engine.transaction() as session:
        holds.put_on_hold(session, town.actor("supervisor"), held, HoldReason.IN_CUSTODY, where="Example Jail")
    page = town.browser("manager").get("/board")
    sections = {s.attributes["id"]: " ".join(s.text.split()) for s in page.all("section") if "id" in s.attributes}
    assert sections["escalated"].startswith("Escalated 1")
    assert "Ada Sample" in sections["escalated"]
    assert "Told: Supervisor Pretend" in sections["escalated"]
    assert sections["overdue"].startswith("Overdue 1")
    assert "1 h late" in sections["overdue"]
    assert "with Bridger Pretend" in sections["overdue"], "the owner by name"
    assert "Bo Sample" in sections["waiting"]
    assert "Cy Sample" not in sections["waiting"]
    assert "Cy Sample" in sections["leaving"]
    assert "Expected discharge: likely" in sections["leaving"]
    assert "Ada Sample" in sections["first_days"]
    assert "In custody, Example Jail" in sections["held"]
    assert "Since Wed Nov 4, 11 am. Next: Meeting where the person is now" in sections["held"]
    assert "Review" not in sections["held"], "the meeting comes before anybody is asked how long to wait"
    assert {waiting, soon, referral_id} == {
        r.id for r in town.rows(Referral, Referral.status != ReferralStatus.ON_HOLD)
    }


def test_a_hold_without_anything_to_do_says_when_it_is_reviewed(town: Bridging) -> None:
    held = town.refer("Di")
    with engine.transaction() as session:
        holds.put_on_hold(session, town.actor("supervisor"), held, HoldReason.IN_CUSTODY)
    with engine.transaction() as session:
        contacts.log_attempt(session, town.actor("bridger"), held, Mode.VISIT, Outcome.REACHED)
    section = next(s for s in town.browser("manager").get("/board").all("section") if s.attributes.get("id") == "held")
    assert "Review in 30 days Thu Dec 3, 10 am" in " ".join(section.text.split())


def test_what_nobody_took_stands_first_with_one_tap_to_take_it(town: Bridging) -> None:
    _, call = missed(town)
    supervisor = town.browser("supervisor")
    page = supervisor.get("/board")
    first = next(s for s in page.all("section") if s.attributes.get("aria-label") == "First")
    assert "Ada Sample" in first.text
    assert "No attempt is on record" in first.text
    assert supervisor.goes_to(call_address(call) + "/acknowledge") == call_address(call)
    board = supervisor.get("/board")
    assert "First contact was due" not in said(board).split("Escalated")[0], "what is taken is not first any more"


def test_a_safety_concern_comes_before_everything_else(town: Bridging) -> None:
    missed(town)
    safe = town.refer("Bo", left=True)
    with engine.transaction() as session:
        escalations.raise_concern(session, town.actor("bridger"), safe, "did not sound like himself")
    for role in ("manager", "supervisor"):
        board = town.browser(role).get("/board")
        assert said(board).index("Bo Sample") < said(board).index("Ada Sample"), role
        part = said(town.browser(role).get("/board/escalated"))
        assert part.index("Bo Sample") < part.index("Ada Sample"), "although Ada has waited longer"


def test_of_the_escalated_those_come_first_whom_nobody_took(town: Bridging) -> None:
    """However long the others have waited: what somebody works on is not what the next pair of eyes is for."""
    bo = town.refer("Bo", left=True)
    ada, _ = missed(town)
    supervisor = town.browser("supervisor")
    before = said(supervisor.get("/board/escalated"))
    first = bo if before.index("Bo Sample") < before.index("Ada Sample") else ada
    for call in town.rows(Escalation, Escalation.referral_id == first):
        supervisor.goes_to(call_address(call) + "/acknowledge")
    after = said(supervisor.get("/board/escalated"))
    assert (after.index("Bo Sample") < after.index("Ada Sample")) is (first == ada)


def test_the_board_says_whether_the_appointments_are_kept(town: Bridging) -> None:
    manager = town.browser("manager")
    assert "has not run yet" in said(manager.get("/board"))
    with engine.transaction() as session:
        upkeep.mark_upkeep_ran(session)
    assert "All appointments kept." in said(manager.get("/board"))
    town.refer("Ada", left=True)
    clock.advance(timedelta(hours=25))  # and nobody carries it out
    assert "late, the oldest by" in said(town.browser("manager").get("/board"))
    assert "Deadlines are not being carried out." in said(town.browser("manager").get("/board"))


def test_a_fast_clock_raises_no_false_alarm(town: Bridging) -> None:
    """A day in a minute: what is due for a second of real time has waited for minutes of the clock."""
    town.refer("Ada", left=True)
    with engine.transaction() as session:
        upkeep.mark_upkeep_ran(session)
    due = town.rows(Referral)[0].next_at
    for real_seconds, is_late in ((2, False), (90, True)):
        clock.run_fast(1440, real_anchor=clock.unix_time() - real_seconds, anchor=due)
        with engine.read_session() as session:
            late = agenda_lateness(session)
            lines = {line.what: line.is_well for line in status_lines(session)}
        assert late.overdue_items == 1
        assert (engine_words(late)["tone"] == "stop") is is_late
        assert lines["Appointments kept"] is not is_late
    for real_seconds, is_late in ((2, False), (700, True)):
        clock.run_fast(1440, real_anchor=clock.unix_time() - real_seconds, anchor=NOW)
        with engine.read_session() as session:
            late = agenda_lateness(session)
        assert late.untold
        assert late.undelivered
        assert (late.untold_late > 0, late.undelivered_late > 0) == (is_late, is_late)


def test_a_referral_that_nobody_answered_can_be_accepted_from_the_board(town: Bridging) -> None:
    answers_by_hand(town)
    referral_id = town.refer("Ada", bridger=None)
    page = town.browser("supervisor").get("/board")
    section = next(s for s in page.all("section") if s.attributes.get("id") == "unaccepted")
    assert "Not yet accepted 1" in " ".join(section.text.split())
    links = [a.attributes["href"] for a in page.inside(section) if a.tag == "a"]
    assert f"/referrals/{referral_id}/accept" in links
    waiting = next(s for s in page.all("section") if s.attributes.get("id") == "waiting")
    assert "Ada" not in waiting.text, "one is not in two queues for one reason"


def test_a_section_pages_to_the_last_row(town: Bridging) -> None:
    for number in range(28):
        town.refer(f"N{number}", bridger=None, person={"birth_on": NOW.date().replace(year=1950 + number)})
    manager = town.browser("manager")
    first = manager.get("/board/leaving")
    assert "28 people, here 1 to 25" in said(first)
    older = next(a.attributes["href"] for a in first.all("a") if a.attributes.get("rel") == "next")
    last = manager.get(older)
    assert "here 26 to 28" in said(last)
    assert not [a for a in last.all("a") if a.attributes.get("rel") == "next"]
    assert "No more here." in said(manager.get("/board/leaving?after=5000"))
    manager.get("/board/nowhere", 404)


def test_the_board_is_narrowed_to_a_bridger_or_a_facility(town: Bridging) -> None:
    town.refer("Ada")
    town.refer("Bo", bridger="second")
    manager = town.browser("manager")
    text = said(manager.get(f"/board?bridger={town.staff['second']}"))
    assert "Bo Sample" in text
    assert "Ada Sample" not in text
    assert "Ada Sample" not in said(manager.get(f"/board/leaving?facility={facility_id(town, 'Example County Jail')}"))


def test_the_board_asks_the_same_number_of_questions_however_many_stand_on_it(town: Bridging) -> None:
    missed(town)
    manager = town.browser("manager")
    with counted_queries() as few:
        manager.get("/board")
    for number in range(12):
        town.refer(f"N{number}", left=True, person={"birth_on": NOW.date().replace(year=1950 + number)})
    with counted_queries() as many:
        manager.get("/board")
    assert len(many) <= len(few) + 2 <= QUERIES_OF_A_PAGE, f"{len(few)} and {len(many)}"


def test_other_roles_and_other_programs_have_no_board(town: Bridging) -> None:
    referral_id, call = missed(town)
    for name in ("bridger", "clinician"):
        town.browser(name).get("/board", 403)
    stranger = town.browser("stranger")
    assert "Ada" not in said(stranger.get("/board"))
    stranger.get(call_address(call), 404)
    assert stranger.post(call_address(call) + "/acknowledge").status_code == 404
    stranger.get(f"/referrals/{referral_id}/assign", 404)


# --- the calls


@pytest.mark.postgresql
def test_the_calls_are_mine_first_and_a_persons_together(town: Bridging) -> None:
    missed(town)
    safe = town.refer("Bo", left=True)
    with engine.transaction() as session:
        escalations.raise_concern(session, town.actor("bridger"), safe, "")
    before = said(town.browser("supervisor").get("/escalations"))
    assert before.index("Bo Sample") < before.index("Ada Sample"), "a concern that nobody took comes before everything"
    concern = town.rows(Escalation, Escalation.referral_id == safe)[0]
    town.browser("clinician").goes_to(call_address(concern) + "/acknowledge")
    supervisor, clinician = (said(town.browser(n).get("/escalations")) for n in ("supervisor", "clinician"))
    assert supervisor.index("Ada Sample") < supervisor.index("Bo Sample"), "the supervisor was told of Ada"
    assert "You were told" in supervisor
    assert "Bo Sample" in clinician
    assert "Ada Sample" not in clinician, "clinicians see what they were told of"


@pytest.mark.postgresql
def test_one_call_says_why_who_was_told_what_was_tried_and_what_comes_next(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    clock.advance(timedelta(hours=2))
    with engine.transaction() as session:
        contacts.log_attempt(session, town.actor("bridger"), referral_id, mode=Mode.CALL, outcome=Outcome.NO_ANSWER,
                             note="rang for long")  # fmt: skip
    town.time_passes(hours=23)
    call = town.rows(Escalation)[0]
    text = said(town.browser("supervisor").get(call_address(call)))
    assert "First contact was due" in text
    assert "Supervisor Pretend (supervisor on duty)" in text
    assert "Phone call: no answer" in text
    assert "rang for long" in text
    assert "Clinician Pretend" in text.split("What happens next")[1][:300], "whom it reaches by name"


def test_a_call_is_taken_once_acted_on_and_settled_with_what_was_done(town: Bridging) -> None:
    _, call = missed(town)
    supervisor, here = town.browser("supervisor"), call_address(call)
    for _ in range(2):
        assert supervisor.goes_to(here + "/acknowledge") == here
    for _ in range(2):
        supervisor.goes_to(here + "/act", note="Called the shelter desk", once="a")
    assert said(supervisor.get(here)).count("Called the shelter desk") == 1, "sent twice, written once"
    for _ in range(2):
        assert supervisor.goes_to(here + "/resolve", resolution="reached", how="Came by", once="b") == "/escalations"
    row = town.rows(Escalation, Escalation.id == call.id)[0]
    assert (row.state, row.resolution, row.resolution_note) == (EscalationState.RESOLVED, Resolution.REACHED, "Came by")
    settled = supervisor.get(here)
    assert "Settled" in said(settled)
    split = [d for d in settled.all("div") if "fb-split" in d.attributes.get("class", "").split()]
    assert split == [], "where nothing is to be done, what was done stands alone, not beside an empty column"


def test_no_button_of_the_page_loses_what_was_typed_for_another(town: Bridging) -> None:
    _, call = missed(town)
    supervisor, here = town.browser("supervisor"), call_address(call)
    assert [f.attributes["action"] for f in supervisor.get(here).all("form") if here in f.attributes["action"]] == [
        here + "/act"
    ], "one form: every button sends all of it"
    for _ in range(2):
        supervisor.goes_to(here + "/acknowledge", note="Rang the shelter", how="", resolution="", once="a")
    assert said(supervisor.get(here)).count("Rang the shelter") == 1, "written down with “I have this”"
    refused = supervisor.post(here + "/act", note="Rang again", how="Came by at noon", resolution="reached", once="b")
    assert refused.status_code == 422
    assert "“Write it down” does not keep this." in refused.text
    assert "Rang again" in refused.text
    assert "Came by at noon" in refused.text
    refused = supervisor.post(here + "/resolve", note="Rang again", how="", resolution="", once="c")
    assert refused.status_code == 422
    assert "Rang again" in refused.text
    supervisor.goes_to(here + "/resolve", note="Rang again", how="Came by at noon", resolution="reached", once="d")
    text = said(supervisor.get(here))
    assert "Rang again" in text, "written down before it was settled"
    assert "Came by at noon" in text


def test_unable_to_reach_is_refused_until_every_step_was_tried_and_says_what_is_missing(town: Bridging) -> None:
    _, call = missed(town)
    supervisor, here = town.browser("supervisor"), call_address(call)
    assert "Still missing: 2 more attempts" in said(supervisor.get(here))
    answer = supervisor.post(here + "/resolve", resolution="unable_to_reach", how="No luck", once="a")
    assert answer.status_code == 409
    assert "2 more attempts" in answer.text
    assert "No luck" in answer.text, "what was typed is kept"
    assert town.rows(Escalation, Escalation.id == call.id)[0].state is EscalationState.RAISED


def test_what_was_done_and_how_must_be_said(town: Bridging) -> None:
    _, call = missed(town)
    answer = town.browser("supervisor").post(call_address(call) + "/resolve", resolution="", how="", once="a")
    assert answer.status_code == 422
    assert "Choose one of these." in answer.text
    assert "Write something here." in answer.text


def climbed(town: Bridging, kind: str) -> Escalation:
    """The call about Ada's first contact, climbed until it asks this."""
    missed(town)
    for _ in range(60):
        found = [e for e in town.rows(Escalation) if e.ask == kind]
        if found:
            return found[0]
        town.time_passes(hours=4)
    raise AssertionError(f"nothing ever asked to {kind}")


def test_where_somebody_looked_is_kept_place_by_place(town: Bridging) -> None:
    call = climbed(town, "locate")
    supervisor, here = town.browser("supervisor"), call_address(call)
    assert said(supervisor.get(here)).count("not looked yet") == 4
    supervisor.goes_to(here + "/act", note="Not on the roster", looked="jail", once="a")
    text = said(supervisor.get(here))
    assert text.count("not looked yet") == 3
    assert "Jail roster: Not on the roster" in text


def test_only_a_clinician_decides_about_a_welfare_check_with_reason_and_outcome(town: Bridging) -> None:
    call = climbed(town, "welfare_check")
    here = call_address(call)
    supervisor = town.browser("supervisor")
    assert "A clinician decides about mobile crisis" in said(supervisor.get(here))
    assert supervisor.post(here + "/decide", decision="welfare_check", reason="x", once="a").status_code == 403
    clinician = town.browser("clinician")
    assert clinician.post(here + "/decide", decision="welfare_check", reason="", once="b").status_code == 422
    clinician.goes_to(here + "/decide", decision="mobile_crisis", reason="Not seen for days", once="c")
    row = town.rows(Escalation, Escalation.id == call.id)[0]
    assert row.decision is WelfareDecision.MOBILE_CRISIS
    assert row.state is EscalationState.ACKNOWLEDGED
    text = said(clinician.get(here))
    assert "Enter the outcome below" in text
    assert "Not seen for days" in text
    clinician.goes_to(here + "/resolve", resolution="reached", how="The team met her at home", once="d")
    assert town.rows(Escalation, Escalation.id == call.id)[0].state is EscalationState.RESOLVED


def test_a_safety_concern_shows_988_and_what_was_said(town: Bridging) -> None:
    referral_id = town.refer("Ada", left=True)
    with engine.transaction() as session:
        call = escalations.raise_concern(session, town.actor("bridger"), referral_id, "spoke of not being here")
    text = said(town.browser("clinician").get(call_address(call)))
    assert "988" in text
    assert "spoke of not being here" in text


def test_a_clinician_cannot_open_a_call_that_they_were_not_told_of(town: Bridging) -> None:
    _, call = missed(town)
    town.browser("clinician").get(call_address(call), 404)


def test_a_call_page_asks_a_bounded_number_of_questions(town: Bridging) -> None:
    _, call = missed(town)
    supervisor = town.browser("supervisor")
    for path in ("/escalations", call_address(call)):
        with counted_queries() as asked:
            supervisor.get(path)
        assert len(asked) <= QUERIES_OF_A_PAGE, f"{path}: {len(asked)}"
