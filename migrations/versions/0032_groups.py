"""Groups: their members, what the account may do in them, and what people want done.

Revision ID: 0032
Revises: 0031
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_GROUP_COLUMNS = (
    sa.Column("description", sa.Text(), server_default="", nullable=False),
    sa.Column("only_admins_write", sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.Column("our_role", sa.String(length=10), nullable=True),
    sa.Column("group_known_at", sa.DateTime(timezone=True), nullable=True),
)


def upgrade() -> None:
    for column in _GROUP_COLUMNS:
        op.add_column("chats", column)
    op.create_table(
        "group_members",
        sa.Column("chat_id", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=24), nullable=False),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("lid", sa.String(length=20), nullable=True),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.ForeignKeyConstraint(
            ["chat_id"],
            ["chats.id"],
            name=op.f("fk_group_members_chat_id_chats"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("chat_id", "key", name=op.f("pk_group_members")),
    )
    op.create_table(
        "group_wishes",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("instance_id", sa.String(length=40), nullable=False),
        sa.Column("group_id", sa.String(length=40), nullable=True),
        sa.Column("act", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("people", sa.JSON(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.String(length=60), nullable=True),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["instance_id"],
            ["instances.id"],
            name=op.f("fk_group_wishes_instance_id_instances"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group_wishes")),
    )
    op.create_index(
        "ix_group_wishes_open",
        "group_wishes",
        ["instance_id", "asked_at"],
        sqlite_where=sa.text("taken_at IS NULL"),
        postgresql_where=sa.text("taken_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_group_wishes_open", "group_wishes")
    op.drop_table("group_wishes")
    op.drop_table("group_members")
    for column in reversed(_GROUP_COLUMNS):
        op.drop_column("chats", column.name)
