"""The expected table: a row a route, a column for whoever comes, and in each cell the answers by whose things it is.

`python -m tests.access.expected` writes anew what the application answers at the moment. Whoever does so reads the
difference before keeping it: the table is the decision, the program only follows it.
"""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path

from records import clock, engine
from tests.access.asking import OVER, Answer, Asked, Route, open_world
from tests.access.world import ROLES, SEEING, SYSTEMS, WHOSE, build_world
from tests.support import databases

TABLE = Path(__file__).with_name("expected.csv")
REFUSED_FIRST = "own", "stranger"
"""A role that may not use the route is refused whosever things it is, so two sides are enough. Whoever is not signed in
at all is answered before the route's own code runs: one is."""
NOT_ASKED = "not asked"
HALF_AND_OVER = (*OVER, "other scope")
NO_SUCH = "–"
"""The cell of a token that is good for less, on a page: no token opens one, which the columns of good ones show."""
NOBODYS = "nobody's"
"""The answer about what does not exist, beside the others."""
Answers = dict[tuple[str, str], dict[str, Answer]]
"""By route and column: the answer by whose thing it is."""


async def ask_everything(asked: Asked, *, is_brief: bool = False) -> Answers:
    """What the application answers to everybody about everything.

    `is_brief`: whoever is not let in is asked at addresses without an id alone. They are answered from who they are:
    the database is asked for nothing else, which `things_touched` shows for each of them, so a second kind of database
    has nothing to add. Whom a page is shown again to that they may see is asked everywhere.
    """
    found: Answers = {}
    for route in asked.routes:
        for column, who in asked.everybody().items():
            cell: dict[str, Answer] = {}
            lets_in = column in SEEING and route.lets_in(column)
            if is_brief and route.parameters and not may_need_things(route, column):
                continue
            for whose in _asked_about(asked, route, column, lets_in=lets_in):
                cell[whose] = await asked.ask(route, who(route), asked.world.things[whose])
            if route.parameters and lets_in:
                cell[NOBODYS] = await asked.ask(route, who(route), {})
            if route.access.kind == "public" and column in ROLES[1:]:
                cell = found[route.name, ROLES[0]]  # a public endpoint is not told who comes: one role stands for all
            found[route.name, column] = cell
    return found


def may_need_things(route: Route, column: str) -> bool:
    """Whether the things that a route is about may matter for what it answers to somebody."""
    return column in SEEING and route.reaches_things(column)


WHO_COMES = frozenset(
    {"staff", "staffsession", "apitoken", "system_token", "program", "facility", "addresstries", "keptform"}
)
"""Tables that are asked to know who comes, or written to keep what somebody typed whose session is over."""


def things_touched(asked: Asked, answers: Answers) -> list[str]:
    """Answers to whoever is not let in for which the database was asked about more than who comes."""
    return [
        f"{route.name} asks for {', '.join(sorted(answer.tables - WHO_COMES))} before it refuses {column}"
        for route in asked.routes
        for column in asked.everybody()
        if not may_need_things(route, column)
        for answer in answers.get((route.name, column), {}).values()
        if route.access.kind != "public" and answer.tables - WHO_COMES
    ]


def _asked_about(asked: Asked, route: Route, column: str, *, lets_in: bool) -> list[str]:
    """Whose things this is asked about: all of them by whoever is let in, one's own by whoever is nobody here."""
    every = sides(asked, route)
    if lets_in:
        return [] if route.access.kind == "public" and column in ROLES[1:] else every
    if column in ROLES or (column in SYSTEMS and route.is_for_machines):
        return [whose for whose in every if whose in REFUSED_FIRST]
    if column in HALF_AND_OVER and not route.is_for_machines:
        return []
    return ["own"]


def sides(asked: Asked, route: Route) -> list[str]:
    """Whose things this route can be asked about."""
    if not route.parameters:
        return ["own"]
    return [whose for whose in WHOSE if set(route.parameters) <= set(asked.world.things[whose])]


def table_of(asked: Asked, answers: Answers) -> list[list[str]]:
    """The table with its heading."""
    columns = list(asked.everybody())
    rows = [["route", "asks for", *columns]]
    for route in sorted(asked.routes, key=lambda one: (one.path, one.method)):
        asks = route.access.action or route.access.kind.replace("_", " ")
        cells = (answers.get((route.name, column)) for column in columns)
        rows.append([route.name, asks, *(NOT_ASKED if cell is None else in_words(cell) for cell in cells)])
    return rows


def in_words(cell: dict[str, Answer]) -> str:
    """`200 own revoked; 404 stranger`, or the number alone when it is the same for all."""
    if not cell:
        return NO_SUCH
    by_status: dict[int, list[str]] = {}
    for whose, answer in cell.items():
        if whose == NOBODYS:
            continue
        by_status.setdefault(answer.status, []).append(whose)
    if len(by_status) == 1:
        return str(next(iter(by_status)))
    return "; ".join(f"{status} {' '.join(sides)}" for status, sides in sorted(by_status.items()))


def read_table() -> list[list[str]]:
    """The table as it is kept."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def _write() -> None:
    with tempfile.TemporaryDirectory() as name:
        engine.configure(databases.sqlite_copy(databases.sqlite_template(Path(name)), Path(name)))
        world = build_world()
        with clock.stopped_at(world.now):
            asked = open_world(world)
            rows = table_of(asked, asked.run(lambda: ask_everything(asked)))
        engine.dispose()
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


if __name__ == "__main__":
    _write()
