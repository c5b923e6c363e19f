"""Who may do what (design §6): role by role, one table. Whose people one sees is in `records/access.py`."""

from __future__ import annotations

from collections.abc import Iterable

from domain.vocabulary import Role, SystemScope

_P, _B, _S, _C, _M, _A = Role.PLANNER, Role.BRIDGER, Role.SUPERVISOR, Role.CLINICIAN, Role.MANAGER, Role.ADMIN
_R = Role.PRIVACY

ACTIONS: dict[str, frozenset[Role]] = {
    "see_person": frozenset({_P, _B, _S, _C, _M}),
    "file_referral": frozenset({_P, _S, _M}),
    "edit_referral": frozenset({_P, _S, _M}),
    "move_date": frozenset({_P, _S, _M}),
    "record_discharge": frozenset({_P, _B, _S, _C, _M}),
    "cancel_discharge": frozenset({_P, _S, _M}),
    "request_cancel": frozenset({_P}),
    "decide_cancel": frozenset({_S, _M}),
    "add_note": frozenset({_P, _B, _S, _C, _M}),
    "print_handoff": frozenset({_P, _B, _S, _M}),
    "see_report": frozenset({_P, _S, _M}),
    "accept_referral": frozenset({_S, _M}),
    "answer_offer": frozenset({_B}),
    "log_attempt": frozenset({_B, _S, _C, _M}),
    "take_back_attempt": frozenset({_B, _S, _M}),
    "raise_concern": frozenset({_P, _B, _S, _C, _M}),
    "declare_conflict": frozenset({_B, _S, _M}),
    "ask_reassignment": frozenset({_B}),
    "set_absence": frozenset({_B, _S, _M}),
    "assign": frozenset({_S, _M}),
    "acknowledge": frozenset({_B, _S, _C, _M}),
    "resolve": frozenset({_B, _S, _C, _M}),
    "decide_welfare": frozenset({_C}),
    "waive": frozenset({_S, _M}),
    "hold": frozenset({_P, _B, _S, _C, _M}),
    "resume": frozenset({_P, _B, _S, _C, _M}),
    "close": frozenset({_S, _M}),
    "record_death": frozenset({_P, _B, _S, _C, _M}),
    "undo_end": frozenset({_S, _M}),
    "edit_person": frozenset({_P, _B, _S, _M}),
    "merge_people": frozenset({_S, _M}),
    "set_appointment": frozenset({_P, _B, _S, _M}),
    "record_consent": frozenset({_P, _B, _S, _M}),
    "tell_outside": frozenset({_B, _S, _C, _M}),
    "see_texts": frozenset({_B, _S, _C, _M}),
    "record_texts": frozenset({_B, _S, _M}),
    "handle_incidents": frozenset({_S, _M, _R}),
    "see_accounting": frozenset({_S, _C, _M}),
    "see_board": frozenset({_S, _M}),
    "see_measures": frozenset({_S, _M}),
    "manage_staff": frozenset({_M, _A}),
    "manage_program": frozenset({_A, _M}),
    "manage_systems": frozenset({_A, _M}),
    "move_cases": frozenset({_M}),
    "import_releases": frozenset({_P, _M}),
    "receive_notifications": frozenset({_P, _A}),
    "see_outbox": frozenset({_M, _A}),
    "release_records": frozenset({_A}),
    "see_status": frozenset({_M, _A}),
    "break_glass": frozenset({_C, _M}),
    "see_readings": frozenset({_R}),
}
"""The action's name → the roles that may, over what they see. Administrators see no case records."""


def may(roles: frozenset[Role], action: str) -> bool:
    """Whether any of these roles may do this. Raises KeyError for an action that is not in the table."""
    return not roles.isdisjoint(ACTIONS[action])


SCOPES: dict[SystemScope, frozenset[str]] = {
    SystemScope.REFERRALS_READ: frozenset({"see_person"}),
    SystemScope.REFERRALS_WRITE: frozenset(
        {"see_person", "file_referral", "edit_referral", "move_date", "record_discharge", "cancel_discharge",
         "request_cancel", "add_note", "hold", "resume", "edit_person", "set_appointment"}
    ),
    SystemScope.FHIR_RECEIVE: frozenset({"receive_notifications"}),
    SystemScope.RELEASES_IMPORT: frozenset(
        {"import_releases", "file_referral", "move_date", "record_discharge", "see_person"}
    ),
    SystemScope.EVENTS_READ: frozenset({"see_person"}),
    SystemScope.MEASURES_READ: frozenset({"see_measures"}),
}  # fmt: skip
"""What a system's token may do by each of its scopes, as far as the roles that it stands in for may: a list that is
taken files, moves dates and records releases."""

NEVER_FOR_SYSTEMS = frozenset(
    {"manage_staff", "manage_program", "manage_systems", "see_readings", "break_glass", "record_consent",
     "tell_outside", "see_accounting", "see_outbox", "decide_welfare", "merge_people", "log_attempt", "move_cases"}
)  # fmt: skip
"""What stays with people: no scope may ever hold one of these."""

FACILITY_SCOPES = frozenset(SystemScope) - {SystemScope.MEASURES_READ}
"""What a facility's system may be given: measures are about the whole program."""


def allowed_by(scopes: Iterable[SystemScope]) -> frozenset[str]:
    """Every action that these scopes hold."""
    return frozenset().union(*(SCOPES[scope] for scope in scopes))
