"""Sealed columns: the birth date becomes a text, and what is sealed has marks by which it is found.

Nothing is sealed here: that takes the secret key, and as long as there is data. `footbridge keys rotate` does it in
slices, while the program runs. Until then a mark is the value itself, as it lay here before.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_MARKS = (
    ("person", "birth_mark"),
    ("person", "sound_mark"),
    ("person", "given_mark"),
    ("person", "name_marks"),
    ("referral", "visit_mark"),
    ("disclosure", "recipient_mark"),
)


_IDENTIFIER: list[sa.Column[Any]] = [
    *(sa.Column(name, sa.String(), nullable=False) for name in ("id", "program_id", "person_id", "system", "value")),
    sa.Column("kind", sa.String(), nullable=False),
]
_CONSENT: list[sa.Column[Any]] = [
    *(sa.Column(name, sa.String(), nullable=False) for name in ("id", "program_id", "referral_id", "line")),
    sa.Column("version", sa.Integer(), nullable=False),
    sa.Column("answer", sa.String(40), nullable=False),
    sa.Column("grants", sa.JSON(), nullable=False),
    sa.Column("person_name", sa.String(), nullable=False),
    sa.Column("discloser", sa.String(), nullable=False),
    sa.Column("form", sa.String(), nullable=False),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
    sa.Column("expires_when", sa.String(), nullable=False),
    sa.Column("signer", sa.String(40), nullable=False),
    sa.Column("signer_name", sa.String(), nullable=False),
    sa.Column("authority", sa.String(), nullable=False),
    sa.Column("method", sa.String(40), nullable=False),
    sa.Column("signed_on", sa.Date(), nullable=True),
    sa.Column("seen_by", sa.String(), nullable=True),
    sa.Column("recorded_by", sa.String(), nullable=False),
    sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
]


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":  # a row with checks to come would not let its table be altered
        op.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for table, name in _MARKS:
        op.add_column(table, sa.Column(name, sa.String(), nullable=True))
    op.execute("UPDATE referral SET visit_mark = visit_id WHERE visit_id <> ''")
    op.execute("UPDATE disclosure SET recipient_mark = recipient")
    op.drop_index("ix_referral_visit_id", "referral")
    op.create_index("ix_referral_visit_mark", "referral", ["visit_mark"])
    _people()
    _unique_by_mark("person_identifier", "value", _IDENTIFIER, ["program_id", "system", "value_mark"], ["person_id"])
    _unique_by_mark(
        "consent_version", "line", _CONSENT, ["referral_id", "line_mark", "version"], ["program_id", "referral_id"]
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET CONSTRAINTS ALL DEFERRED")


def _people() -> None:
    op.drop_index("ix_person_birth", "person")
    op.drop_index("ix_person_sound", "person")
    op.add_column("person", sa.Column("born", sa.String(), nullable=True))
    op.execute("UPDATE person SET born = CAST(birth_on AS VARCHAR), birth_mark = CAST(birth_on AS VARCHAR)")
    op.drop_column("person", "birth_on")
    op.drop_column("person", "name_sound")
    op.alter_column("person", "born", new_column_name="birth_on")
    op.create_index("ix_person_birth", "person", ["program_id", "birth_mark"])


def _unique_by_mark(
    table: str, value: str, columns: list[sa.Column[Any]], unique: list[str], points: list[str]
) -> None:
    """What was unique by a value that is sealed now is unique by its mark. SQLite makes a table anew for that."""
    mark = f"{value}_mark"
    if op.get_bind().dialect.name == "postgresql":
        former = "_".join([table, *unique]).replace(mark, value)
        op.drop_constraint(f"{former}_key", table)
        op.add_column(table, sa.Column(mark, sa.String(), nullable=True))
        op.execute(f"UPDATE {table} SET {mark} = {value}")  # noqa: S608 -- names of ours
        op.create_unique_constraint(None, table, unique)
        return
    held, indexed = ", ".join(column.name for column in columns), points[0]
    op.drop_index(f"ix_{table}_{indexed}", table)
    op.create_table(
        "made_anew",
        *columns,
        sa.Column(mark, sa.String(), nullable=True),
        *(
            sa.ForeignKeyConstraint([name], [f"{name[:-3]}.id"], initially="DEFERRED", deferrable=True)
            for name in points
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint(*unique),
    )
    op.execute(f"INSERT INTO made_anew ({held}, {mark}) SELECT {held}, {value} FROM {table}")  # noqa: S608
    op.drop_table(table)
    op.rename_table("made_anew", table)
    op.create_index(f"ix_{table}_{indexed}", table, [indexed], unique=False)
