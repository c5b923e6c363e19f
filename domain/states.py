"""Where a referral, a contact, an escalation and an offer can go: one table each, by the event of the journal.

Commands ask these tables before they move anything (`Table.require`), the tests hold every move that really happens
to them, and `docs/states.md` is printed from them. An event that is listed with no change may happen in these states
and leaves the state alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from domain.errors import IllegalState
from domain.vocabulary import OPEN_STATUSES, ContactState, EscalationState, OfferState, ReferralStatus, Word

TIMER = ""
"""In the place of an action: nobody does it; time, or another change, brings it about."""


@dataclass(frozen=True, slots=True)
class Move:
    """One event: from which states it may happen, where each leads, who brings it about, and when."""

    event: str
    action: str
    leads: Mapping[Word, frozenset[Word]]
    words: str

    @property
    def changes(self) -> bool:
        """Whether it can change the state at all."""
        return any(after != frozenset({before}) for before, after in self.leads.items())


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Every move of one kind of thing. `begins` are the events that make one, and the states it can begin in."""

    title: str
    states: type[Word]
    begins: Mapping[str, frozenset[Word]]
    moves: Mapping[str, Move]

    def sources(self, event: str) -> frozenset[Word]:
        """The states in which this event may happen. Raises KeyError for an event that is not in the table."""
        return frozenset(self.moves[event].leads)

    def permits(self, event: str, before: Word, after: Word) -> bool:
        """Whether this event may take it from one state to the other."""
        move = self.moves.get(event)
        return move is not None and after in move.leads.get(before, ())

    def reachable(self) -> frozenset[Word]:
        """Every state that some chain of events leads to."""
        found: set[Word] = {state for begun in self.begins.values() for state in begun}
        while True:
            onward = {a for move in self.moves.values() for b, after in move.leads.items() if b in found for a in after}
            if onward <= found:
                return frozenset(found)
            found |= onward

    def require(
        self, event: str, state: Word, sentence: str, *, to: Word | None = None, code: str = "illegal_state"
    ) -> None:
        """Raise IllegalState, with this sentence and the list of states in which it would be allowed, unless the event
        may happen now (and lead to the state `to`, if that is given).
        """
        leads = self.moves[event].leads
        allowed = {before for before, after in leads.items() if to is None or to in after}
        if state not in allowed:
            raise IllegalState(sentence, state=state, allowed=allowed, code=code)


def _move(event: str, action: str, sources: Iterable[Word], targets: Iterable[Word], words: str) -> Move:
    """From any of the sources to any of the targets; no targets: the state stays."""
    after = frozenset(targets)
    return Move(event, action, {state: after or frozenset({state}) for state in sources}, words)


def _table(title: str, states: type[Word], begins: Mapping[str, Iterable[Word]], *moves: Move) -> Table:
    begun = {event: frozenset(first) for event, first in begins.items()}
    return Table(title, states, begun, {move.event: move for move in moves})


_R = ReferralStatus
_BEFORE_OVER = (_R.DRAFT, *sorted(OPEN_STATUSES))
_TAKEN_ON = (_R.ACCEPTED, _R.IN_PROGRESS, _R.ON_HOLD)
_FOLLOWED = (_R.ACCEPTED, _R.IN_PROGRESS)
_ENDED = (_R.COMPLETED, _R.CANCELLED, _R.FAILED, _R.ENTERED_IN_ERROR)

REFERRAL = _table(
    "Referral",
    ReferralStatus,
    {"referral.drafted": [_R.DRAFT], "referral.submitted": [_R.DRAFT]},
    _move(
        "referral.submitted",
        "file_referral",
        [_R.DRAFT],
        [_R.SUBMITTED],
        "filed: at once, or after it waited for a planner",
    ),
    _move("referral.accepted", "accept_referral", [_R.SUBMITTED], [_R.ACCEPTED], "the program takes the person on"),
    _move("referral.rejected", "accept_referral", [_R.SUBMITTED], [_R.REJECTED], "the program does not, and says why"),
    Move(
        "bridger.assigned",
        "assign",
        {
            _R.ACCEPTED: frozenset({_R.IN_PROGRESS}),
            _R.IN_PROGRESS: frozenset({_R.IN_PROGRESS}),
            _R.ON_HOLD: frozenset({_R.ON_HOLD}),
        },
        "a bridger took the offer, or was assigned by hand",
    ),
    _move("bridger.ended", "assign", _TAKEN_ON, [], "handed over, covered, asked for, or the referral closed"),
    _move("hold.started", "hold", _FOLLOWED, [_R.ON_HOLD], "readmitted, in custody, transferred, away"),
    _move("hold.ended", "resume", [_R.ON_HOLD], _FOLLOWED, "left again; accepted when nobody is assigned"),
    _move("hold.undone", "resume", [_R.ON_HOLD], _FOLLOWED, "the hold was a mistake"),
    _move("referral.discharged", "record_discharge", _BEFORE_OVER, [], "left for the community"),
    _move("referral.transferred", "record_discharge", sorted(OPEN_STATUSES), [], "went to custody or another facility"),
    Move(
        "discharge.cancelled",
        "cancel_discharge",
        {
            _R.SUBMITTED: frozenset({_R.SUBMITTED}),
            _R.ACCEPTED: frozenset({_R.ACCEPTED, _R.ON_HOLD}),
            _R.IN_PROGRESS: frozenset({_R.IN_PROGRESS, _R.ON_HOLD}),
        },
        "did not leave after all; back on hold when the discharge had ended a hold",
    ),
    Move(
        "referral.closed",
        "close",
        {_R.DRAFT: frozenset({_R.CANCELLED}), **dict.fromkeys(sorted(OPEN_STATUSES), frozenset(_ENDED))},
        "closed with a reason, which decides the status; before acceptance also by the planner who cancels",
    ),
    _move("person.died", "record_death", sorted(OPEN_STATUSES), [_R.FAILED], "everything stops at once"),
    _move("end.undone", "undo_end", _ENDED, _BEFORE_OVER, "the end was entered in error: back to where it was"),
    _move("attempt.logged", "log_attempt", _TAKEN_ON, [], "a try to reach the person"),
    _move("search.started", "waive", _FOLLOWED, [], "the usual rhythm rests while we look"),
    _move("plan.extended", "close", _FOLLOWED, [], "goes on for longer than the protocol"),
    _move("date.moved", "move_date", _BEFORE_OVER, [], "the expected date moved, or became known"),
    _move("date.withdrawn", "move_date", _BEFORE_OVER, [], "the expected date is not known any more"),
    _move("risks.changed", "edit_referral", _BEFORE_OVER, [], "risk flags were set"),
    _move("appointment.set", "set_appointment", _BEFORE_OVER, [], "the first appointment after leaving"),
    _move("meeting.set", "set_appointment", sorted(OPEN_STATUSES), [], "where bridger and person meet first"),
    _move("consent.recorded", "record_consent", _BEFORE_OVER, [], "given, declined or taken back"),
    _move("cancel.requested", "request_cancel", _TAKEN_ON, [], "the referrer asks; before acceptance it just closes"),
    _move("texts.allowed", "record_texts", sorted(OPEN_STATUSES), [], "they said yes to texts on one of their numbers"),
    _move("concern.raised", "raise_concern", sorted(OPEN_STATUSES), [], "the on-call clinician is told at once"),
    _move("protocol.moved", "move_cases", sorted(OPEN_STATUSES), [], "another version of its protocol"),
)

_C = ContactState

CONTACT = _table(
    "Contact",
    ContactState,
    {"plan.changed": [_C.PLANNED]},
    _move("contact.met", "log_attempt", [_C.PLANNED, _C.MISSED], [_C.MET], "a live two-way exchange in its window"),
    _move("contact.met_late", "log_attempt", [_C.PLANNED, _C.MISSED], [_C.MET_LATE], "the same, after the due time"),
    _move("contact.missed", TIMER, [_C.PLANNED], [_C.MISSED], "the due time passed"),
    _move("contact.waived", "waive", [_C.PLANNED, _C.MISSED], [_C.WAIVED], "let go, with a reason that stays"),
    _move("contact.reopened", "take_back_attempt", [_C.MET, _C.MET_LATE], [_C.PLANNED], "what met it was taken back"),
    _move("plan.changed", TIMER, [_C.PLANNED], [_C.SUPERSEDED, _C.CLOSED], "the plan does not have it any more"),
    _move("contacts.suspended", "hold", [_C.PLANNED], [_C.SUSPENDED], "a hold began"),
    _move("contacts.excused", "hold", [_C.MISSED], [_C.SUSPENDED], "fell due after the person had gone in"),
    _move("contacts.restored", "resume", [_C.SUSPENDED], [_C.PLANNED], "the hold ended or was undone, dates as before"),
    _move("contacts.closed", "close", [_C.PLANNED], [_C.CLOSED], "the referral closed, or a check of a hold is over"),
    Move(
        "contacts.corrected",
        "record_discharge",
        {
            _C.MET: frozenset({_C.MET, _C.MET_LATE, _C.SUPERSEDED}),
            _C.MET_LATE: frozenset({_C.MET, _C.MET_LATE, _C.SUPERSEDED}),
            _C.MISSED: frozenset({_C.MISSED, _C.SUPERSEDED}),
        },
        "the discharge time was corrected, and it is judged again",
    ),
    _move(
        "contacts.superseded",
        "cancel_discharge",
        [state for state in _C if state is not _C.SUPERSEDED],
        [_C.SUPERSEDED],
        "the discharge that it followed was cancelled",
    ),
    _move("end.undone", "undo_end", [_C.CLOSED], [_C.PLANNED], "the end was taken back"),
)

_E = EscalationState
_UNSETTLED = (_E.RAISED, _E.ACKNOWLEDGED)

ESCALATION = _table(
    "Escalation",
    EscalationState,
    {"escalation.raised": [_E.RAISED]},
    _move("escalation.acknowledged", "acknowledge", [_E.RAISED], [_E.ACKNOWLEDGED], "“I have this”"),
    _move("escalation.acted", "acknowledge", _UNSETTLED, [], "what was done is noted; it stays open"),
    _move("escalation.repeated", TIMER, _UNSETTLED, [], "the top of the ladder is told again"),
    _move("welfare.decided", "decide_welfare", _UNSETTLED, [_E.ACKNOWLEDGED], "a clinician decided"),
    _move("escalation.resolved", "resolve", _UNSETTLED, [_E.RESOLVED], "settled by somebody, or by what happened"),
)

_O = OfferState

OFFER = _table(
    "Offer",
    OfferState,
    {"offer.made": [_O.OPEN], "bridger.ended": [_O.DECLINED]},
    _move("offer.accepted", "answer_offer", [_O.OPEN], [_O.ACCEPTED], "the bridger takes the person"),
    _move("offer.declined", "answer_offer", [_O.OPEN], [_O.DECLINED], "the next bridger is asked at once"),
    _move("offer.expired", TIMER, [_O.OPEN], [_O.EXPIRED], "the answer-by time passed"),
    _move("offer.withdrawn", "assign", [_O.OPEN], [_O.WITHDRAWN], "assigned otherwise, on hold, or over"),
)

TABLES = (REFERRAL, CONTACT, ESCALATION, OFFER)
