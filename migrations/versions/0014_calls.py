"""Calls, and whether an instance rejects them.

Revision ID: 0014
Revises: 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "instances",
        sa.Column("reject_calls", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_table(
        "calls",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("instance_id", sa.String(length=40), nullable=False),
        sa.Column("account_id", sa.String(length=40), nullable=False),
        sa.Column("wa_id", sa.String(length=100), nullable=False),
        sa.Column("caller_phone", sa.String(length=20), nullable=True),
        sa.Column("caller_lid", sa.String(length=20), nullable=True),
        sa.Column("is_group", sa.Boolean(), nullable=False),
        sa.Column("video", sa.Boolean(), nullable=True),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fate", sa.String(length=10), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["linked_accounts.id"],
            name=op.f("fk_calls_account_id_linked_accounts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["instance_id"],
            ["instances.id"],
            name=op.f("fk_calls_instance_id_instances"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calls")),
        sa.UniqueConstraint("account_id", "wa_id", name=op.f("uq_calls_account_id_wa_id")),
    )
    op.create_index(op.f("ix_calls_instance_id"), "calls", ["instance_id"])
    ringing = sa.text("fate = 'ringing'")
    op.create_index(
        "ix_calls_ringing",
        "calls",
        ["account_id", "offered_at"],
        sqlite_where=ringing,
        postgresql_where=ringing,
    )


def downgrade() -> None:
    op.drop_table("calls")
    op.drop_column("instances", "reject_calls")
