"""The API answers as its own document says, whatever is sent and whoever sends it: schemathesis, with all its checks.

Every operation, asked by every role and by systems with each scope, with requests that fit the document and with some
that do not, about things that are there and things that are not. No server error, no answer that is not documented,
nobody let in without a token, no system where its scopes do not reach, and nobody outside learns the person's name.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
import schemathesis
from hypothesis import given, seed
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from sqlmodel import select

from domain.access import FACILITY_SCOPES
from domain.vocabulary import SystemScope
from records import engine
from records.tables import Absence, Attempt, Contact, Escalation, Offer, ProtocolVersion, Referral
from tests.access.asking import routes_of
from tests.api.house import ADA, House
from tests.api.test_systems import has
from tests.fuzz.budget import tries

pytestmark = pytest.mark.sqlite
NAME = "Quillfeather"
"""The family name of the person: a word that nobody makes up."""
SYSTEMS: dict[str, tuple[frozenset[SystemScope], str]] = {
    **{f"hospital, {scope.value}": (frozenset({scope}), "hospital") for scope in sorted(FACILITY_SCOPES)},
    "hospital, all": (FACILITY_SCOPES, "hospital"),
    "jail, all": (FACILITY_SCOPES, "jail"),
    "program, measures": (frozenset({SystemScope.MEASURES_READ}), ""),
    "program, all": (frozenset(SystemScope), ""),
}
"""Systems by name: what their tokens are good for, and whose they are."""
OUTSIDE = ("jailer", "stranger", "admin", "privacy", "jail, all")
"""Who sees nothing of the person."""
CONFIG: dict[str, Any] = {
    "checks": {
        # Dates have an order and a state allows this or that: a request may fit the document and be refused in words.
        "positive_data_acceptance": {
            "expected-statuses": ["2xx", "401", "403", "404", "409", "412", "415", "422", "428"]
        },
    }
}


@pytest.fixture
def things(house: House) -> dict[str, list[str]]:
    """Ids of what is there, by the name that paths give them: a person under way, with one of everything."""
    referral_id = house.accepted(person=ADA | {"family_name": NAME})
    house.post("planner", f"/referrals/{referral_id}/discharge", {"at": "2026-11-03T14:00:00Z", "disposition": "home"})
    house.post("bridger", f"/referrals/{referral_id}/attempts", {"mode": "call", "outcome": "no_answer"})
    absence = f"/staff/{house.staff['bridger']}/absences"
    house.post("supervisor", absence, {"from_at": "2026-12-01T15:00:00Z", "until_at": "2026-12-02T15:00:00Z"})
    house.file(person=ADA | {"family_name": f"{NAME}two"})
    tables: tuple[Any, ...] = (Referral, Offer, Contact, Attempt, Escalation, Absence, ProtocolVersion)
    found = {}
    with engine.read_session() as session:
        for table in tables:
            name = {"ProtocolVersion": "protocol"}.get(table.__name__, table.__name__.lower())
            found[f"{name}_id"] = [row.id for row in session.exec(select(table).limit(5))]
        found["person_id"] = [row.person_id for row in session.exec(select(Referral))]
    for name, (scopes, whose) in SYSTEMS.items():
        has(house, name, scopes, facility=whose)
    return found | {"staff_id": list(house.staff.values())}


def wrong_parts(case: Any) -> set[str]:
    """The parts of a request that were made not to fit the document: path, query, header, body."""
    parts = case.meta.components if case.meta is not None else {}
    return {where.value for where, made in parts.items() if made.mode.is_negative}


def test_every_operation_answers_as_documented_to_every_role_and_system(
    house: House, things: dict[str, list[str]]
) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", house.app, config=SchemathesisConfig.from_dict(CONFIG))
    access = {route.name: route.access for route in routes_of(house.app.routes)}
    people = sorted(set(house.tokens) - set(SYSTEMS))
    found: dict[str, set[str]] = defaultdict(set)
    asked = 0

    def may(who: str, label: str) -> bool:
        """Whether a token's scopes reach there; of people, what their roles may is up to other tests."""
        return who not in SYSTEMS or access[label].kind == "public" or access[label].systems in SYSTEMS[who][0]

    def ask(case: Any, who: str, data: st.DataObject) -> None:
        nonlocal asked
        asked += 1
        wrong, label = wrong_parts(case), case.operation.label
        for name in case.path_parameters or {}:
            if things.get(name) and "path" not in wrong and data.draw(st.integers(0, 3)):
                case.path_parameters[name] = data.draw(st.sampled_from(things[name]))
        token = {} if "header" in wrong else {"Authorization": f"Bearer {house.tokens[who]}"}
        try:
            answer = case.call_and_validate(headers=token)
        except FailureGroup as group:
            found[label] |= {f"{who}: {' '.join(str(one).split())[:300]}" for one in group.exceptions}
            return
        if who in OUTSIDE and NAME in answer.text:
            found[label].add(f"{who} is told the name of a person")
        if answer.status_code < 300 and not may(who, label):
            found[label].add(f"{who} is let in, whose scopes do not reach there")

    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        fits, fails = (
            operation.as_strategy(),
            operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE),
        )
        for askers, few in ((people, 18), (sorted(SYSTEMS), 6)):
            case = st.one_of(fits, fits, fails)
            seed(0)(tries(few)(given(case=case, who=st.sampled_from(askers), data=st.data())(ask)))()
    assert not found, "\n".join(f"{label}: {told}" for label, ones in found.items() for told in sorted(ones)[:3])
    assert asked > 700
