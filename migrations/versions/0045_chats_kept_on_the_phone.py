"""How chats are kept on the phone: what it is still to be told, and what it has said.

Revision ID: 0045
Revises: 0044
"""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

_MUTED = sa.text("muted_until IS NOT NULL")


def upgrade() -> None:
    op.add_column("chats", sa.Column("phone_trouble", sa.String(length=60), nullable=True))
    op.create_index(
        "ix_chats_muted", "chats", ["muted_until"], sqlite_where=_MUTED, postgresql_where=_MUTED
    )
    op.create_table(
        "chat_wishes",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("chat_id", sa.String(length=40), nullable=False),
        sa.Column("account_id", sa.String(length=40), nullable=False),
        sa.Column("aspect", sa.String(length=10), nullable=False),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("failure", sa.String(length=60), nullable=True),
        sa.ForeignKeyConstraint(
            ["chat_id"],
            ["chats.id"],
            name=op.f("fk_chat_wishes_chat_id_chats"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["linked_accounts.id"],
            name=op.f("fk_chat_wishes_account_id_linked_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_wishes")),
        sa.UniqueConstraint("chat_id", "aspect", name=op.f("uq_chat_wishes_chat_id_aspect")),
    )
    op.create_index("ix_chat_wishes_due", "chat_wishes", ["account_id", "due_at", "id"])
    op.create_table(
        "phone_settings",
        sa.Column("chat_id", sa.String(length=40), nullable=False),
        sa.Column("jid", sa.String(length=60), nullable=False),
        sa.Column("archived", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("pinned", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("muted_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["chat_id"],
            ["chats.id"],
            name=op.f("fk_phone_settings_chat_id_chats"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("chat_id", "jid", name=op.f("pk_phone_settings")),
    )


def downgrade() -> None:
    op.drop_table("phone_settings")
    op.drop_table("chat_wishes")
    op.drop_index("ix_chats_muted", "chats")
    op.drop_column("chats", "phone_trouble")
