"""Profile pictures of chats, and people whom the account has blocked.

Revision ID: 0039
Revises: 0038
"""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

_WANTED = sa.text("wanted_at IS NOT NULL")
_TO_DOWNLOAD = sa.text("url IS NOT NULL")


def upgrade() -> None:
    op.add_column("chats", sa.Column("blocked_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "chat_pictures",
        sa.Column("chat_id", sa.String(length=40), nullable=False),
        sa.Column("instance_id", sa.String(length=40), nullable=False),
        sa.Column("wa_picture_id", sa.String(length=100), nullable=True),
        sa.Column("storage_key", sa.String(length=40), nullable=True),
        sa.Column("mime", sa.String(length=20), nullable=True),
        sa.Column("absent", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wanted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["chat_id"],
            ["chats.id"],
            name=op.f("fk_chat_pictures_chat_id_chats"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["instance_id"],
            ["instances.id"],
            name=op.f("fk_chat_pictures_instance_id_instances"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("chat_id", name=op.f("pk_chat_pictures")),
    )
    op.create_index(
        "ix_chat_pictures_wanted",
        "chat_pictures",
        ["instance_id", "wanted_at"],
        sqlite_where=_WANTED,
        postgresql_where=_WANTED,
    )
    op.create_index(
        "ix_chat_pictures_to_download",
        "chat_pictures",
        ["fetched_at"],
        sqlite_where=_TO_DOWNLOAD,
        postgresql_where=_TO_DOWNLOAD,
    )
    op.create_index(op.f("ix_chat_pictures_storage_key"), "chat_pictures", ["storage_key"])


def downgrade() -> None:
    op.drop_table("chat_pictures")
    op.drop_column("chats", "blocked_at")
