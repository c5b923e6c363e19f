"""Answers that were on record before there were versions become the first version of each."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from domain.vocabulary import ConsentStatus
from records import engine, migrate
from records.queries.consents import consents_of, covers_telling, is_withheld
from records.tables import Disclosure, Referral

FILED = datetime(2026, 10, 1, 12, 0, tzinfo=UTC)
ENDS = datetime(2027, 1, 1, 12, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)


def _plain(column: sa.Column[Any]) -> Any:
    kind = column.type
    if isinstance(kind, sa.DateTime):
        return FILED
    if isinstance(kind, sa.Date):
        return date(2026, 10, 1)
    if isinstance(kind, sa.JSON):
        return json.loads("{}")
    return 0 if isinstance(kind, sa.Integer) else 0.0 if isinstance(kind, sa.Float) else ""


def _insert(connection: sa.Connection, tables: sa.MetaData, into: str, **values: Any) -> None:
    """A row as it was then, with something plain in every column that must hold something."""
    table = tables.tables[into]
    needed = {c.name: False if isinstance(c.type, sa.Boolean) else _plain(c) for c in table.columns if not c.nullable}
    connection.execute(table.insert(), needed | values)


@pytest.mark.parametrize(
    ("was", "ends", "is_told"),
    [
        ("given", None, True),
        ("given", ENDS, True),
        ("given", FILED, False),
        ("pending", None, False),
        ("declined", None, False),
        ("revoked", None, False),
    ],
)
def test_an_answer_becomes_its_first_version(
    empty_database_url: str, was: str, ends: datetime | None, is_told: bool
) -> None:
    with migrate._open(empty_database_url).begin() as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        tables = sa.MetaData()
        tables.reflect(connection)
        _insert(connection, tables, "program", id="pro_1", name="Example Bridges", holidays=[])
        _insert(connection, tables, "facility", id="fac_1", program_id="pro_1", name="Riverside Example")
        _insert(connection, tables, "person", id="per_1", program_id="pro_1", given_name="Ada", family_name="Sample",
                gender="unstated")  # fmt: skip
        _insert(connection, tables, "referral", id="ref_1", program_id="pro_1", person_id="per_1", facility_id="fac_1",
                planner_id="stf_1", consent=was, consent_expires_at=ends, setting="jail", status="in_progress",
                date_certainty="unknown", created_at=FILED)  # fmt: skip
        _insert(connection, tables, "disclosure", id="dis_1", program_id="pro_1", referral_id="ref_1",
                is_allowed=True, at=FILED)  # fmt: skip
    migrate.upgrade(empty_database_url)
    engine.configure(empty_database_url)
    with engine.read_session() as session:
        consents = consents_of(session, "ref_1")
        referral = session.get_one(Referral, "ref_1")
        assert [(c.line, c.answer) for c in consents] == ([] if was == "pending" else [("intake", ConsentStatus(was))])
        assert all(c.lacks == () for c in consents)
        assert covers_telling(session, referral, LATER) is is_told
        assert is_withheld(session, referral, LATER) is not is_told
        kept = session.get_one(Disclosure, "dis_1")
        assert (kept.sent_at, kept.consent_id) == (FILED, consents[0].id if consents else None)
    engine.dispose()
