"""A minor's second signature and what the state says of it; the accounts of an organization's own sign-in."""

import sqlalchemy as sa
from alembic import op

from records.journal import end_proof

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _add("program", sa.Column("minors_sign_alone", sa.Boolean(), nullable=False, server_default=sa.false()))
    _add("consent_version", sa.Column("needs_both", sa.Boolean(), nullable=False, server_default=sa.false()))
    for name in ("second_name", "second_authority"):
        _add("consent_version", sa.Column(name, sa.String(), nullable=False, server_default=""))
    op.create_table(
        "outside_identity",
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("staff_id", sa.String(), nullable=False),
        sa.Column("bound_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], initially="DEFERRED", deferrable=True),
        sa.PrimaryKeyConstraint("issuer", "subject"),
        sa.UniqueConstraint("issuer", "staff_id"),
    )
    op.create_index(op.f("ix_outside_identity_staff_id"), "outside_identity", ["staff_id"], unique=False)
    op.create_table(
        "facility_words",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("program_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("facility_id", sa.String(), nullable=False),
        sa.Column("said", sa.JSON(), nullable=False),
        sa.Column("about", sa.JSON(), nullable=False),
        sa.Column("said_by", sa.String(), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], initially="DEFERRED", deferrable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("person_id", "facility_id"),
    )
    op.create_index(op.f("ix_facility_words_person_id"), "facility_words", ["person_id"], unique=False)
    _add("referral", sa.Column("journal_proof", sa.String(), nullable=False, server_default=""))
    heads = op.create_table(
        "stream_head",
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("proof", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("stream"),
    )
    _prove_ends(heads)


def _prove_ends(heads: sa.Table) -> None:
    """What stands there already gets its proof now: whoever wants to know whether it is whole asks the seals."""
    bind = op.get_bind()
    referral = sa.table("referral", *map(sa.column, ("id", "journal_seq", "journal_head", "journal_proof")))
    for row in bind.execute(sa.select(referral).where(referral.c.journal_seq > 0)).all():
        made = end_proof(row.id, row.journal_seq, row.journal_head)
        bind.execute(sa.update(referral).where(referral.c.id == row.id).values(journal_proof=made))
    for kind in ("journal", "reading"):
        table = sa.table(kind, *map(sa.column, ("stream", "seq", "hash")))
        last = sa.select(table.c.stream, sa.func.max(table.c.seq).label("seq")).group_by(table.c.stream).subquery()
        ends = sa.select(table).join(last, sa.and_(table.c.stream == last.c.stream, table.c.seq == last.c.seq))
        referrals = sa.select(referral.c.id)
        for row in bind.execute(ends.where(table.c.stream.not_in(referrals))).all():
            made = end_proof(row.stream, row.seq, row.hash)
            kept = {"stream": row.stream, "kind": kind, "seq": row.seq, "hash": row.hash, "proof": made}
            bind.execute(sa.insert(heads), kept)


def _add(table: str, column: sa.Column) -> None:
    """A column that rows have from now on; only those that stand there already get the default."""
    with op.batch_alter_table(table) as altered:
        altered.add_column(column)
    with op.batch_alter_table(table) as altered:
        altered.alter_column(column.name, server_default=None)
