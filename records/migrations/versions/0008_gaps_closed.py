"""A second signature of a minor's consent, and what a program's state says about it."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _add("program", sa.Column("minors_sign_alone", sa.Boolean(), nullable=False, server_default=sa.false()))
    _add("consent_version", sa.Column("needs_both", sa.Boolean(), nullable=False, server_default=sa.false()))
    for name in ("second_name", "second_authority"):
        _add("consent_version", sa.Column(name, sa.String(), nullable=False, server_default=""))


def _add(table: str, column: sa.Column) -> None:
    """A column that rows have from now on; only those that stand there already get the default."""
    with op.batch_alter_table(table) as altered:
        altered.add_column(column)
    with op.batch_alter_table(table) as altered:
        altered.alter_column(column.name, server_default=None)
