"""Sealed columns: the birth date becomes a text, and what is sealed has marks by which it is found.

Nothing is sealed here: that takes the secret key, and as long as there is data. `footbridge keys rotate` does it in
slices, while the program runs. Until then a mark is the value itself, as it lay here before.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0004"
branch_labels = None
depends_on = None

_MARKS = (
    ("person", "birth_mark"),
    ("person", "sound_mark"),
    ("person", "given_mark"),
    ("person", "name_marks"),
    ("person_identifier", "value_mark"),
    ("referral", "visit_mark"),
    ("disclosure", "recipient_mark"),
)


def upgrade() -> None:
    for table, name in _MARKS:
        op.add_column(table, sa.Column(name, sa.String(), nullable=True))
    op.execute("UPDATE person_identifier SET value_mark = value")
    op.execute("UPDATE referral SET visit_mark = visit_id WHERE visit_id <> ''")
    op.execute("UPDATE disclosure SET recipient_mark = recipient")
    op.drop_index("ix_referral_visit_id", "referral")
    op.create_index("ix_referral_visit_mark", "referral", ["visit_mark"])
    _people()
    _identifiers()


def _people() -> None:
    op.drop_index("ix_person_birth", "person")
    op.drop_index("ix_person_sound", "person")
    op.add_column("person", sa.Column("born", sa.String(), nullable=True))
    op.execute("UPDATE person SET born = CAST(birth_on AS VARCHAR), birth_mark = CAST(birth_on AS VARCHAR)")
    op.drop_column("person", "birth_on")
    op.drop_column("person", "name_sound")
    op.alter_column("person", "born", new_column_name="birth_on")
    op.create_index("ix_person_birth", "person", ["program_id", "birth_mark"])


def _identifiers() -> None:
    """A number is unique by its mark. SQLite cannot change that of a table: it is made anew."""
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("person_identifier_program_id_system_value_key", "person_identifier")
        op.create_unique_constraint(None, "person_identifier", ["program_id", "system", "value_mark"])
        return
    op.drop_index("ix_person_identifier_person_id", "person_identifier")
    op.rename_table("person_identifier", "former_identifier")
    op.create_table(
        "person_identifier",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("program_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("value_mark", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], initially="DEFERRED", deferrable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("program_id", "system", "value_mark"),
    )
    names = "id, program_id, person_id, system, value, value_mark, kind"
    op.execute(f"INSERT INTO person_identifier ({names}) SELECT {names} FROM former_identifier")  # noqa: S608
    op.drop_table("former_identifier")
    op.create_index("ix_person_identifier_person_id", "person_identifier", ["person_id"], unique=False)
