"""Consents as versions with what was agreed; disclosures that say under which consent and with which notice.

The answer that every referral had becomes the first version of what was asked when it was filed. Of a yes that was on
record nobody knows more than who filed it: it stands as a yes on paper that they saw.
"""

import json
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_GRANTS = [
    {
        "scope": "referred",
        "to": "program",
        "name": "",
        "categories": ["contact_data", "coordination", "standing", "substance_use"],
        "purpose": "support",
    },
    {
        "scope": "share_back",
        "to": "referrer",
        "name": "",
        "categories": ["attendance", "coordination", "standing"],
        "purpose": "coordination",
    },
]
_BATCH = 1000


def upgrade() -> None:
    op.create_table(
        "consent_version",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("program_id", sa.String(), nullable=False),
        sa.Column("referral_id", sa.String(), nullable=False),
        sa.Column("line", sa.String(), nullable=False),
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
        sa.ForeignKeyConstraint(["program_id"], ["program.id"], initially="DEFERRED", deferrable=True),
        sa.ForeignKeyConstraint(["referral_id"], ["referral.id"], initially="DEFERRED", deferrable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("referral_id", "line", "version"),
    )
    op.create_index(op.f("ix_consent_version_program_id"), "consent_version", ["program_id"], unique=False)
    op.create_table(
        "consent_revocation",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("program_id", sa.String(), nullable=False),
        sa.Column("referral_id", sa.String(), nullable=False),
        sa.Column("consent_id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.Column("said_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["consent_id"], ["consent_version.id"], initially="DEFERRED", deferrable=True),
        sa.ForeignKeyConstraint(["program_id"], ["program.id"], initially="DEFERRED", deferrable=True),
        sa.ForeignKeyConstraint(["referral_id"], ["referral.id"], initially="DEFERRED", deferrable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("consent_id"),
    )
    op.create_index(op.f("ix_consent_revocation_program_id"), "consent_revocation", ["program_id"], unique=False)
    op.create_index(op.f("ix_consent_revocation_referral_id"), "consent_revocation", ["referral_id"], unique=False)
    op.add_column("disclosure", sa.Column("recipient_kind", sa.String(40), nullable=True))
    op.add_column("disclosure", sa.Column("category", sa.String(40), nullable=True))
    op.add_column("disclosure", sa.Column("consent_id", sa.String(), nullable=True))
    op.add_column("disclosure", sa.Column("covers", sa.String(), nullable=True))
    op.add_column("disclosure", sa.Column("notice", sa.String(), nullable=True))
    op.add_column("disclosure", sa.Column("by", sa.String(), nullable=True))
    op.add_column("disclosure", sa.Column("subject_id", sa.String(), nullable=True))
    op.add_column("disclosure", sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_disclosure_at", "disclosure", ["program_id", "at"], unique=False)
    op.create_index(op.f("ix_disclosure_consent_id"), "disclosure", ["consent_id"], unique=False)
    op.create_index(op.f("ix_disclosure_subject_id"), "disclosure", ["subject_id"], unique=False)
    _take_over(op.get_bind())
    if op.get_bind().dialect.name == "postgresql":  # so that a later step of the same run may alter the table
        op.execute("SET CONSTRAINTS ALL IMMEDIATE")
        op.execute("SET CONSTRAINTS ALL DEFERRED")


def _take_over(connection: sa.Connection) -> None:
    rows = connection.execute(
        sa.text(
            "SELECT r.id, r.program_id, r.consent, r.consent_expires_at, r.planner_id, r.created_at, "
            "p.given_name, p.preferred_name, p.family_name, f.name AS facility, g.name AS program "
            "FROM referral r JOIN person p ON p.id = r.person_id JOIN facility f ON f.id = r.facility_id "
            "JOIN program g ON g.id = r.program_id WHERE r.consent <> 'pending' ORDER BY r.id"
        ).columns(consent_expires_at=sa.DateTime(timezone=True), created_at=sa.DateTime(timezone=True))
    ).mappings()
    insert = sa.text(
        "INSERT INTO consent_version (id, program_id, referral_id, line, version, answer, grants, person_name, "
        "discloser, form, expires_at, expires_when, signer, signer_name, authority, method, signed_on, seen_by, "
        "recorded_by, recorded_at) VALUES (:id, :program_id, :referral_id, 'intake', 1, :answer, :grants, "
        ":person_name, :discloser, '2026-11', :expires_at, :expires_when, 'person', :signer_name, '', 'paper', "
        ":signed_on, :seen_by, :recorded_by, :recorded_at)"
    ).bindparams(
        sa.bindparam("expires_at", type_=sa.DateTime(timezone=True)),
        sa.bindparam("recorded_at", type_=sa.DateTime(timezone=True)),
        sa.bindparam("signed_on", type_=sa.Date()),
    )
    batch = []
    for row in rows.all():
        batch.append(_version(row))
        if len(batch) >= _BATCH:
            connection.execute(insert, batch)
            batch = []
    if batch:
        connection.execute(insert, batch)
    connection.execute(
        sa.text(
            "UPDATE disclosure SET recipient_kind = 'referrer', category = 'standing', purpose = 'coordination', "
            "sent_at = at, consent_id = "
            "(SELECT c.id FROM consent_version c WHERE c.referral_id = disclosure.referral_id) WHERE is_allowed"
        )
    )


def _version(row: sa.RowMapping) -> dict[str, object]:
    is_given = row["consent"] in ("given", "expired")
    name = f"{row['preferred_name'] or row['given_name']} {row['family_name']}".strip()
    created_at: datetime = row["created_at"]
    at = created_at if created_at.tzinfo is None else created_at.astimezone(UTC)
    return {
        "id": "cns_" + row["id"].removeprefix("ref_"),
        "program_id": row["program_id"],
        "referral_id": row["id"],
        "answer": "given" if is_given else row["consent"],
        "grants": json.dumps(_GRANTS if is_given else []),
        "person_name": name,
        "discloser": f"{row['facility']}; {row['program']}",
        "expires_at": row["consent_expires_at"] if is_given else None,
        "expires_when": "" if row["consent_expires_at"] else "the program’s work with them ends",
        "signer_name": name if is_given else "",
        "signed_on": at.date(),
        "seen_by": row["planner_id"],
        "recorded_by": row["planner_id"] or "system",
        "recorded_at": at,
    }
