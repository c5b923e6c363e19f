"""Prints `docs/states.md` from the tables of the code: `python -m cli.states > docs/states.md`. A test compares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from domain import agenda
from domain.access import ACTIONS
from domain.states import TABLES, TIMER, Move, Table
from domain.vocabulary import Role, Word

INTRODUCTION = """\
# States, moves and appointments

Printed from the code by `python -m cli.states`; do not edit by hand. The moves are the tables of `domain/states.py`,
which every command asks: a move that is not here is refused with 409 and the list of states in which it would be
possible. Who may is `domain/access.py`; whose people one sees comes on top of it (`records/access.py`). The
appointments are the agenda, `domain/agenda.py`; what is carried out is in `records/commands/agenda.py`.
"""

HOLD = """\
## Hold

A hold has no state of its own: it lasts from `started_at` until `ended_at`, and meanwhile its referral is on hold.
It begins with `hold.started`, ends with `hold.ended` (left again), `hold.undone` (it was a mistake) or
`referral.closed`, and begins to last again when the discharge that had ended it is cancelled, or the end that closed it
is taken back. A second hold while one lasts changes nothing.
"""

MATTERS: dict[str, tuple[str, str]] = {
    agenda.OFFER: (
        "accepted, nobody assigned, no offer open; again after each answer, and some hours after nobody was left",
        "the candidates are ranked and the best is asked; with nobody left the supervisor is told",
    ),
    agenda.OFFER_EXPIRES: ("the answer-by time of an open offer", "it is closed, and the next bridger is asked"),
    agenda.UNACCEPTED: ("the time by which the program promised to answer a referral", "the supervisor is told"),
    agenda.UNASSIGNED: ("the time by which a bridger by name was promised", "the supervisor is told"),
    agenda.DATE_CHECK: (
        "some hours after the expected date; now and then when no date is known",
        "the supervisor and the planner are asked whether the person has left",
    ),
    agenda.REMIND: (
        "parts of a contact's window, as the protocol says; not at night",
        "the bridger is reminded, or whoever the protocol names; coming late, nobody is",
    ),
    agenda.CONTACT_MISSED: (
        "the due time of an awaited contact",
        "it is marked as missed, and the first rung of its ladder is raised",
    ),
    agenda.UNACKNOWLEDGED: (
        "the answer-by time of the highest rung",
        "the next rung is raised, both stay; at the top the last are told again",
    ),
    agenda.UNRESOLVED: (
        "the act-by time of a rung that somebody took",
        "as above; with a clinician at work only those are told again",
    ),
    agenda.STREAK: ("so many misses of one series in a row", "the ladder that the protocol names is raised"),
    agenda.REVIEW: ("each length of a hold that the protocol names, then monthly", "the supervisor is asked to decide"),
    agenda.CANCEL_UNDECIDED: (
        "the time in which a request to cancel must be answered",
        "the supervisor is asked to decide",
    ),
    agenda.CONSENT_PENDING: (
        "the time in which a pending consent must be settled",
        "the supervisor is asked to record it, or to close",
    ),
    agenda.CONSENT_EXPIRES: ("before a consent ends", "the bridger and the supervisor are told"),
    agenda.CLOSE_LOST: ("the search has lasted as long as the protocol asks", "the supervisor signs, or keeps going"),
    agenda.FINISH: ("the plan has run its course", "the supervisor closes, or extends"),
    agenda.REPORT: (
        "the case is over and the referrer has not been told",
        "the closing report is made as far as consent allows, and what was withheld is recorded",
    ),
}
"""Kind of appointment → when it is due, what is carried out then."""


def document() -> str:
    """The whole page."""
    return "\n".join([INTRODUCTION, *(_section(table) for table in TABLES), HOLD, _appointments()])


def _section(table: Table) -> str:
    lines = [f"## {table.title}", ""]
    lines += [f"- `{state.value}`: {state.label}{_onward(table, state)}" for state in table.states]
    made = " or ".join(f"`{event}` ({_codes(states)})" for event, states in table.begins.items())
    lines += ["", f"One is made by {made}.", ""]
    lines += ["| event | from | to | who may | when |", "|---|---|---|---|---|"]
    for move in table.moves.values():
        who = "nobody: it follows" if move.action == TIMER else _roles(move.action)
        lines += [f"| `{move.event}` | {before} | {after} | {who} | {move.words} |" for before, after in _ways(move)]
    return "\n".join([*lines, ""])


def _onward(table: Table, state: Word) -> str:
    onward = {a for move in table.moves.values() for a in move.leads.get(state, ()) if a is not state}
    return f" → {_codes(onward)}" if onward else ", final"


def _ways(move: Move) -> Iterator[tuple[str, str]]:
    """The sources and targets of a move, sources with the same targets together."""
    stays = [before for before, after in move.leads.items() if after == {before}]
    grouped: dict[frozenset[Word], list[Word]] = {}
    for before, after in move.leads.items():
        if before not in stays:
            grouped.setdefault(after, []).append(before)
    for after, sources in grouped.items():
        yield _codes(sources), _codes(after)
    if stays:
        yield _codes(stays), "stays"


def _codes(states: Iterable[Word]) -> str:
    known = set(states)
    return ", ".join(f"`{state.value}`" for state in type(next(iter(known))) if state in known)


def _roles(action: str) -> str:
    return ", ".join(role.value for role in Role if role in ACTIONS[action])


def _appointments() -> str:
    lines = [
        "## Appointments",
        "",
        "The workflow of a referral sleeps until the first of these. Each is looked at again under the referral's lock "
        "when its time has come: late, doubled or stale, it changes nothing.",
        "",
        "| kind | shown as | due | what is carried out |",
        "|---|---|---|---|",
    ]
    lines += [f"| `{kind}` | {agenda.TITLES[kind]} | {due} | {done} |" for kind, (due, done) in MATTERS.items()]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    print(document(), end="")
