"""The quoted part of answers.

Revision ID: 0021
Revises: 0020
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "quotes",
        sa.Column("message_id", sa.String(length=40), nullable=False),
        sa.Column("wa_id", sa.String(length=64), nullable=False),
        sa.Column("original_id", sa.String(length=40), nullable=True),
        sa.Column("from_me", sa.Boolean(), nullable=False),
        sa.Column("author_lid", sa.String(length=20), nullable=True),
        sa.Column("author_phone", sa.String(length=20), nullable=True),
        sa.Column("author_name", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("text", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["messages.id"],
            name=op.f("fk_quotes_message_id_messages"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["original_id"],
            ["messages.id"],
            name=op.f("fk_quotes_original_id_messages"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_quotes")),
    )
    op.create_index(op.f("ix_quotes_original_id"), "quotes", ["original_id"])


def downgrade() -> None:
    op.drop_table("quotes")
