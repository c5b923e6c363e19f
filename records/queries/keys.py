"""Under which keys what is sealed lies: for `footbridge keys status`, and for `footbridge keys rotate` to find."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, Column, ColumnElement, String, and_, case, cast, func, or_, type_coerce
from sqlmodel import Session, SQLModel, col, select

from records import tables
from records.sealing import COLUMN_FORMAT, FORMAT, key_id, keyring, secrets_known
from records.tables import Person
from records.tables.sealed import Sealed, SealedDocument
from records.tables.told import OWN_REASONS, WORDS, Facts

ANOTHER = "another key"
CLEAR = "in the clear"
BY_ITSELF = {"secondfactor": "secret", "keptform": "fields"}
"""Columns that were always sealed, each value about its own row (`records.sealing.seal`)."""
MARKS = {
    "person": "name_marks",
    "person_identifier": "value_mark",
    "referral": "visit_mark",
    "disclosure": "recipient_mark",
    "consent_version": "line_mark",
    "text_permission": "number_mark",
    "number_answer": "number_mark",
    "number_quarantine": "number_mark",
    "person_text": "number_mark",
    "text_reply": "number_mark",
    "incident": "number_mark",
}
"""By which mark of a table it shows under which key its marks are: they are made together."""
PROOFS = {"referral": "journal_proof", "stream_head": "proof"}
"""Columns with a proof of where a sequence ends: it names its key, and is made anew under another."""
_EMPTY = ("", "[]", "{}", "null")


@dataclass(frozen=True, slots=True)
class Standing:
    """How many values of a table lie under each key (its id), under a key that is not given, or in the clear."""

    table: str
    values: dict[str, int]

    @property
    def left(self) -> int:
        """Values that are not under the key of now."""
        return sum(self.values.values()) - self.values[keyring().current]


def sealed_tables() -> Iterator[type[SQLModel]]:
    """Every table with something sealed in it, in a fixed order."""
    for name in sorted(tables.__all__):
        table: type[SQLModel] = getattr(tables, name)
        if sealed_columns(table):
            yield table


def tables_under_keys() -> Iterator[type[SQLModel]]:
    """Those, and the table that holds proofs alone."""
    yield from sealed_tables()
    yield tables.StreamHead


def sealed_columns(table: type[Any]) -> list[Column[Any]]:
    """The columns of a table that hold what is sealed."""
    by_itself = BY_ITSELF.get(table.__tablename__)
    return [c for c in table.__table__.columns if isinstance(c.type, Sealed | Facts) or c.name == by_itself]


def list_standings(session: Session) -> Iterator[Standing]:
    """Each table with something sealed in it. Reads the tables in whole, once."""
    names = [key_id(one) for one in secrets_known()]
    for table in sealed_tables():
        buckets: dict[str, ColumnElement[int]] = {}
        for name, count in (pair for column in sealed_columns(table) for pair in _counted(column, names)):
            buckets[name] = buckets[name] + count if name in buckets else count
        found = session.execute(select(*buckets.values()).select_from(table)).one()
        yield Standing(str(table.__tablename__), dict(zip(buckets, (int(one or 0) for one in found), strict=True)))


def _counted(column: Column[Any], names: list[str]) -> Iterator[tuple[str, ColumnElement[int]]]:
    kept = _text(column)
    under = [(name, _is_under(column, name)) for name in names]
    is_sealed = kept.contains(f'"{COLUMN_FORMAT}.') if isinstance(column.type, Facts) else _is_under(column, "")
    for name, condition in under:
        yield name, _sum(condition)
    yield ANOTHER, _sum(and_(is_sealed, *(~condition for _, condition in under)))
    yield CLEAR, _sum(and_(_holds(column), ~is_sealed))


def _sum(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))


def is_left(table: type[Any]) -> ColumnElement[bool]:
    """A row with a value, or a mark, that is not under the key of now."""
    now = keyring().current
    found = [and_(_holds(column), ~_is_under(column, now)) for column in sealed_columns(table)]
    if name := MARKS.get(table.__tablename__):
        mark = table.__table__.columns[name]
        found.append(~mark.startswith(now))
        if name not in ("visit_mark",):  # a referral may have no visit
            found.append(mark.is_(None))
    if name := PROOFS.get(table.__tablename__):
        proof = table.__table__.columns[name]
        found.append(and_(proof != "", ~proof.startswith(now)))
    return or_(*found)


def _text(column: Column[Any]) -> ColumnElement[str]:
    """A column's value as it lies there, JSON as its text."""
    plain = JSON() if isinstance(column.type, Facts | SealedDocument) else String()
    return cast(type_coerce(column, plain), String)


def _holds(column: Column[Any]) -> ColumnElement[bool]:
    """Whether there is something to seal."""
    kept = _text(column)
    if not isinstance(column.type, Facts):
        return and_(kept.is_not(None), kept.not_in(_EMPTY))
    event = column.table.columns["event"]
    always = [_says(kept, name) for name in WORDS if name != "reason"]
    return or_(*always, and_(event.in_(OWN_REASONS), _says(kept, "reason")))


def _says(kept: ColumnElement[str], name: str) -> ColumnElement[bool]:
    """Whether facts have a text of this name, whoever wrote the JSON."""
    return or_(kept.contains(f'"{name}":"'), kept.contains(f'"{name}": "'))


def _is_under(column: Column[Any], name: str) -> ColumnElement[bool]:
    """Whether a value was sealed under this key, by its id; under any, for an empty one."""
    kept = _text(column)
    if isinstance(column.type, Facts):
        return kept.contains(f'"{COLUMN_FORMAT}.{name}')
    if not isinstance(column.type, Sealed):
        return kept.startswith(f"{FORMAT}.{name}")
    return or_(kept.startswith(f"{COLUMN_FORMAT}.{name}"), kept.startswith(f'"{COLUMN_FORMAT}.{name}'))


def find_unknown_key(session: Session) -> str | None:
    """The id of a key that is not given, when somebody on record is sealed under it; None when the keys fit."""
    name = type_coerce(col(Person.given_name), String)
    kept = session.exec(
        select(name).where(name.startswith(f"{COLUMN_FORMAT}.")).order_by(col(Person.id).desc()).limit(1)
    ).first()
    named = kept[len(COLUMN_FORMAT) + 1 :][:8] if kept else None
    return named if named is not None and named not in keyring().ciphers else None
