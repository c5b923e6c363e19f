"""The tables of states in full: every pair of states is allowed or refused by name, for every event."""

from __future__ import annotations

import pytest

from domain.access import ACTIONS
from domain.errors import IllegalState
from domain.states import CONTACT, ESCALATION, OFFER, REFERRAL, TABLES, TIMER, Table
from domain.timeline import SENTENCES
from domain.vocabulary import OVER_STATUSES, ContactState, EscalationState, OfferState, ReferralStatus, Word

ALLOWED = {
    "Referral": """
        draft: submitted cancelled
        submitted: accepted rejected completed cancelled failed entered_in_error
        accepted: in_progress on_hold completed cancelled failed entered_in_error
        in_progress: on_hold completed cancelled failed entered_in_error
        on_hold: accepted in_progress completed cancelled failed entered_in_error
        completed: draft submitted accepted in_progress on_hold
        cancelled: draft submitted accepted in_progress on_hold
        failed: draft submitted accepted in_progress on_hold
        entered_in_error: draft submitted accepted in_progress on_hold
        rejected:
    """,
    "Contact": """
        planned: met met_late missed waived superseded suspended closed
        missed: met met_late waived superseded suspended
        met: planned met_late superseded
        met_late: planned met superseded
        suspended: planned superseded
        closed: planned superseded
        waived: superseded
        superseded:
    """,
    "Escalation": """
        raised: acknowledged resolved
        acknowledged: resolved
        resolved:
    """,
    "Offer": """
        open: accepted declined expired withdrawn
        accepted:
        declined:
        expired:
        withdrawn:
    """,
}
"""Where each state may go, by whatever event: written down a second time, by hand."""

every_table = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.title)
EVERY_EVENT = [(table, event) for table in TABLES for event in table.moves]
every_event = pytest.mark.parametrize(("table", "event"), EVERY_EVENT, ids=lambda each: getattr(each, "title", each))


def _by_hand(table: Table) -> dict[Word, set[Word]]:
    lines = (line.split(":") for line in ALLOWED[table.title].split("\n") if ":" in line)
    return {table.states(before.strip()): {table.states(after) for after in rest.split()} for before, rest in lines}


@every_table
def test_each_pair_of_states_is_allowed_or_refused(table: Table) -> None:
    allowed = {
        before: {
            after
            for after in table.states
            if after is not before and any(table.permits(event, before, after) for event in table.moves)
        }
        for before in table.states
    }
    assert allowed == _by_hand(table)


@every_event
def test_each_event_is_taken_in_its_states_and_refused_in_the_others_with_the_list(table: Table, event: str) -> None:
    sources = table.sources(event)
    assert sources, "an event that is never possible"
    for state in table.states:
        if state in sources:
            table.require(event, state, "Not now.")
            continue
        with pytest.raises(IllegalState) as refusal:
            table.require(event, state, "Not now.")
        assert refusal.value.status == 409
        assert refusal.value.state == state.value
        assert refusal.value.allowed == tuple(sorted(source.value for source in sources))


@every_table
def test_every_state_can_be_reached(table: Table) -> None:
    assert table.reachable() == frozenset(table.states)


@every_event
def test_every_event_stands_in_the_timeline_and_is_somebodys_to_do(table: Table, event: str) -> None:
    move = table.moves[event]
    assert event in SENTENCES
    assert move.action == TIMER or move.action in ACTIONS
    assert move.words


@every_table
def test_what_makes_one_stands_in_the_timeline_too(table: Table) -> None:
    assert set(table.begins) <= set(SENTENCES)


def test_an_event_that_is_not_in_the_table_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError, match="forgotten"):
        OFFER.sources("offer.forgotten")
    assert not OFFER.permits("offer.forgotten", OfferState.OPEN, OfferState.ACCEPTED)


def test_a_draft_can_only_be_cancelled_whatever_the_reason_says() -> None:
    REFERRAL.require("referral.closed", ReferralStatus.DRAFT, "Not now.", to=ReferralStatus.CANCELLED)
    with pytest.raises(IllegalState) as refusal:
        REFERRAL.require("referral.closed", ReferralStatus.DRAFT, "Not now.", to=ReferralStatus.COMPLETED)
    assert refusal.value.allowed == ("accepted", "in_progress", "on_hold", "submitted")


def test_nothing_but_an_undo_opens_what_is_over() -> None:
    for event, move in REFERRAL.moves.items():
        if event != "end.undone":
            assert OVER_STATUSES.isdisjoint(move.leads), event
    assert ReferralStatus.REJECTED not in REFERRAL.sources("end.undone"), "the program's no stands; a new one is filed"


def test_late_never_becomes_met_by_logging_and_a_settled_call_stays_settled() -> None:
    late, met = ContactState.MET_LATE, ContactState.MET
    assert [e for e in CONTACT.moves if CONTACT.permits(e, late, met)] == ["contacts.corrected"]
    assert all(EscalationState.RESOLVED not in move.leads for move in ESCALATION.moves.values())
