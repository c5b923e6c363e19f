"""Running cases that were moved to another version of their protocol; the oldest step whose code may run on this."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "protocol_move",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("program_id", sa.String(), nullable=False),
        sa.Column("protocol_id", sa.String(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_by", sa.String(), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["program_id"], ["program.id"], initially="DEFERRED", deferrable=True),
        sa.ForeignKeyConstraint(["protocol_id"], ["protocol.id"], initially="DEFERRED", deferrable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_protocol_move_program_id"), "protocol_move", ["program_id"], unique=False)
    op.create_table(
        "protocol_move_case",
        sa.Column("move_id", sa.String(), nullable=False),
        sa.Column("referral_id", sa.String(), nullable=False),
        sa.Column("before_id", sa.String(), nullable=False),
        sa.Column("journal_seq", sa.Integer(), nullable=False),
        sa.Column("dropped", sa.JSON(), nullable=False),
        sa.Column("settled", sa.JSON(), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["move_id"], ["protocol_move.id"], initially="DEFERRED", deferrable=True),
        sa.ForeignKeyConstraint(["referral_id"], ["referral.id"], initially="DEFERRED", deferrable=True),
        sa.ForeignKeyConstraint(["before_id"], ["protocol.id"], initially="DEFERRED", deferrable=True),
        sa.PrimaryKeyConstraint("move_id", "referral_id"),
    )
    op.create_index(op.f("ix_protocol_move_case_referral_id"), "protocol_move_case", ["referral_id"], unique=False)
    meta = sa.table("meta", sa.column("key", sa.String()), sa.column("value", sa.String()))
    op.bulk_insert(meta, [{"key": "oldest_step", "value": "0008"}])  # whose code may run on these tables
