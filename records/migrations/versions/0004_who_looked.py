"""Who looked, the seals over the journal, broken glass, and the grace of a handover."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reading",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("program_id", sa.String(), nullable=False),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("staff_id", sa.String(), nullable=False),
        sa.Column("referral_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("route", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("glass_id", sa.String(), nullable=False),
        sa.Column("prev_hash", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("stream", "seq"),
    )
    for name, column in (("staff", "staff_id"), ("referral", "referral_id"), ("person", "person_id"),
                         ("program", "program_id")):  # fmt: skip
        op.create_index(f"ix_reading_{name}", "reading", [column, "at"], unique=False)
    op.create_table(
        "seal",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("prev_digest", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_table(
        "sealed_stream",
        sa.Column("seal_seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("row_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["seal_seq"], ["seal.seq"], initially="DEFERRED", deferrable=True),
        sa.PrimaryKeyConstraint("seal_seq", "kind", "stream"),
    )
    op.create_index("ix_sealed_stream", "sealed_stream", ["kind", "stream", "seq"], unique=False)
    op.create_table(
        "broken_glass",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("program_id", sa.String(), nullable=False),
        sa.Column("referral_id", sa.String(), nullable=False),
        sa.Column("staff_id", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("looked_by", sa.String(), nullable=True),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["referral_id"], ["referral.id"], initially="DEFERRED", deferrable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_glass_staff", "broken_glass", ["staff_id", "until_at"], unique=False)
    op.create_index(op.f("ix_broken_glass_referral_id"), "broken_glass", ["referral_id"], unique=False)
    op.create_index(
        "ix_assignment_ended", "assignment", ["bridger_id", "ended_at"], unique=False,
        sqlite_where=sa.text("ended_at IS NOT NULL"), postgresql_where=sa.text("ended_at IS NOT NULL"),
    )  # fmt: skip
    with op.batch_alter_table("program") as program:
        program.add_column(sa.Column("handover_grace_hours", sa.Integer(), nullable=False, server_default="72"))
        program.add_column(sa.Column("break_glass_hours", sa.Integer(), nullable=False, server_default="4"))
    with op.batch_alter_table("program") as program:
        program.alter_column("handover_grace_hours", server_default=None)
        program.alter_column("break_glass_hours", server_default=None)
