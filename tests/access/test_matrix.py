"""Whose things one sees: every route, asked by everybody about everybody's things, on both databases.

What is expected stands in `expected.csv`, for people to read. Further, whatever somebody may not see answers exactly as
what does not exist, and no answer holds the name of a person whom the asker may not see.

`ACCESS=whole pytest tests/access` asks all of it on PostgreSQL too; otherwise there only what can touch the database.
"""

from __future__ import annotations

import os

from api.app import create_app
from records.settings import get_settings
from tests.access.asking import Answer, Asked, Route, names_in, nobodys, routes_of, without_what_changes
from tests.access.expected import (
    NOBODYS,
    NOT_ASKED,
    Answers,
    ask_everything,
    read_table,
    sides,
    table_of,
    things_touched,
)
from tests.access.sent import BODIES, FORMS, QUERIES, SENT_QUERIES
from tests.access.world import FAMILY, SEEING, WHOSE

ANY_REFERRAL = "GET /api/v1/referrals/{referral_id}"
"""Whoever gets this one sees the person and what hangs on them."""
SEES_BY = {"privacy": "GET /privacy/people/{person_id}"}
"""Who sees no record, and sees by another route who looked at somebody."""
A_PERSONS = frozenset(
    {
        "referral_id",
        "person_id",
        "contact_id",
        "attempt_id",
        "escalation_id",
        "offer_id",
        "first_id",
        "family",
        "number",
        "reply_id",
        "phone",
        "wrong_phone",
    }
)
"""Things that are seen by whoever sees the person; everything else belongs to a program, a team or a facility."""
OTHERS_NAMES = ("Strangertwin", "Strangerimport", "Strangerdouble")

KNOWN_ON_PURPOSE = {
    (
        "POST /api/v1/referrals",
        "person_id",
    ): "a search tells the id of somebody who may be the same, so that one person "
    "is not entered twice; filing for them says that they have an open referral",
    (
        "POST /referrals/new",
        "draft",
    ): "a draft is begun under an id that the page made up: one that is taken is refused",
    ("POST /referrals/new/keep", "draft"): "the same, while somebody types",
    ("POST /break-glass", "number"): "breaking the glass opens what is not theirs; that is what it is for",
}
"""Where the answer about a foreign thing differs from nothing at all, and why that is so."""
WAS_ASKED = {("bridger", "offer_id"): {"offered", "transferred", "closed"}}
"""An offer stays visible to the bridger who was asked, whatever became of the person."""


def test_everybody_gets_the_answers_of_the_table(asked: Asked, database_kind: str) -> None:
    is_brief = database_kind != "sqlite" and os.environ.get("ACCESS") != "whole"
    answers = asked.run(lambda: ask_everything(asked, is_brief=is_brief))
    expected, found = read_table(), table_of(asked, answers)
    different = [
        f"{row[0]} for {column}: {was!r} is expected, {now!r} is answered"
        for row, kept in zip(found, expected, strict=False)
        for column, now, was in zip(found[0], row, kept, strict=False)
        if now not in (was, NOT_ASKED)
    ]
    assert not different, "\n".join(different[:40])
    told = [*_faults(answers), *_names_shown(answers), *_more_than_nothing(asked, answers)]
    told += things_touched(asked, answers)
    assert not told, "\n".join(told[:40])


def _faults(answers: Answers) -> list[str]:
    return [
        f"{route} breaks for {who} about {whose}"
        for (route, who), cell in answers.items()
        for whose, answer in cell.items()
        if answer.status >= 500
    ]


def _names_shown(answers: Answers) -> list[str]:
    """Names in any answer, lists above all, of people whom the role may not see."""
    told = []
    for role in SEEING:
        hidden = [FAMILY[whose] for whose in _hidden(answers, role)] + list(OTHERS_NAMES)
        for (route, who), cell in answers.items():
            for whose, answer in cell.items() if who == role else ():
                told += [f"{route} shows {role} {name}, asked about {whose}" for name in hidden if name in answer.body]
    return told


def _more_than_nothing(asked: Asked, answers: Answers) -> list[str]:
    """Foreign things in a path, against what does not exist: the whole answer."""
    told = []
    for route in asked.routes:
        for role in SEEING if route.parameters else ():
            if not route.lets_in(role):
                continue
            cell = answers[route.name, role]
            foreign = set(_hidden(answers, role)) if set(route.parameters) & A_PERSONS else {"stranger"}
            nothing = without_what_changes(cell[NOBODYS])
            for whose in sorted(foreign & set(sides(asked, route))):
                answer = without_what_changes(cell[whose])
                if answer != nothing and whose not in WAS_ASKED.get((role, route.parameters[0]), ()):
                    told.append(f"{route.name} tells {role} of {whose}'s: {_differ(nothing, answer)}")
    return told


def _hidden(answers: Answers, role: str) -> list[str]:
    seen = answers.get((SEES_BY.get(role, ANY_REFERRAL), role), {})  # an administrator is not let in at all
    return [whose for whose in WHOSE if whose not in seen or seen[whose].status != 200]


def test_a_foreign_id_beside_ones_own_answers_as_if_it_did_not_exist(asked: Asked) -> None:
    """Each id in path, query, body and form, one after the other, while all the others are one's own."""
    told = asked.run(lambda: _differences(asked))
    assert not told, "\n".join(told[:40])


async def _differences(asked: Asked) -> list[str]:
    told: list[str] = []
    own = asked.world.things["own"]
    for role in SEEING:
        who = asked.everybody()[role]
        hidden = await _hidden_now(asked, role)
        for route in asked.routes:
            for name in _named(route) if route.lets_in(role) else ():
                foreign = _foreign(asked, name, hidden) - WAS_ASKED.get((role, name), set())
                if (route.name, name) in KNOWN_ON_PURPOSE or not foreign:
                    continue
                nothing = without_what_changes(await asked.ask(route, who(route), own | {name: nobodys(name)}))
                for whose in sorted(foreign):
                    things = own | {name: asked.world.things[whose][name]}
                    answer = without_what_changes(await asked.ask(route, who(route), things))
                    if answer != nothing:
                        told.append(f"{route.name} tells {role} of the {name} of {whose}: {_differ(nothing, answer)}")
    return told


async def _hidden_now(asked: Asked, role: str) -> set[str]:
    route = next(route for route in asked.routes if route.name == SEES_BY.get(role, ANY_REFERRAL))
    who = asked.everybody()[role](route)
    return {w for w in WHOSE if (await asked.ask(route, who, asked.world.things[w])).status != 200}


def _named(route: Route) -> list[str]:
    """What is swapped: every id, unless the path's only one is all there is; the other test does those."""
    sent = QUERIES if route.method == "GET" else BODIES if route.is_for_machines else FORMS
    more = SENT_QUERIES.get(route.path, {}) if route.method != "GET" else {}
    named = {*route.parameters, *names_in(sent.get(route.path, {})), *names_in(more)}
    return sorted(named) if named != set(route.parameters) or len(named) > 1 else []


def _foreign(asked: Asked, name: str, hidden: set[str]) -> set[str]:
    wanted = hidden if name in A_PERSONS else {"stranger"}
    return {whose for whose in wanted if name in asked.world.things[whose]}


def _differ(nothing: Answer, answer: Answer) -> str:
    if nothing.status != answer.status:
        return f"{answer.status}, and {nothing.status} for what does not exist"
    told, told_nothing = answer.body + answer.location, nothing.body + nothing.location
    at = next((i for i, (a, b) in enumerate(zip(told_nothing, told, strict=False)) if a != b), 0)
    here = slice(max(at - 60, 0), at + 120)
    return f"{answer.status} with …{told[here]!r}, not …{told_nothing[here]!r}"


def test_the_table_has_a_row_for_every_route_and_no_other() -> None:
    rows = read_table()[1:]
    routes = {route.name: route for route in routes_of(create_app(get_settings()).routes)}
    assert [row[0] for row in rows if row[0] not in routes] == [], "rows without a route"
    assert [name for name in routes if name not in {row[0] for row in rows}] == [], "routes without a row"
    for row in rows:
        access = routes[row[0]].access
        assert row[1] == (access.action or access.kind.replace("_", " ")), row[0]


def test_every_body_form_and_query_belongs_to_a_route() -> None:
    routes = list(routes_of(create_app(get_settings()).routes))
    assert set(BODIES) | set(FORMS) | set(SENT_QUERIES) <= {route.path for route in routes if route.method != "GET"}
    assert set(QUERIES) <= {route.path for route in routes if route.method == "GET"}


def test_every_exception_is_about_a_route_that_is_there() -> None:
    names = {route.name for route in routes_of(create_app(get_settings()).routes)}
    assert {route for route, _ in KNOWN_ON_PURPOSE} <= names
