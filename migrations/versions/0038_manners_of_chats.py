"""Chats that are archived, pinned, muted or marked unread.

Revision ID: 0038
Revises: 0037
"""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

_PLACE = ["account_id", "last_at", "id"]
_PARTIAL = {
    "ix_chats_pinned": (_PLACE, "pinned_at IS NOT NULL"),
    "ix_chats_listed": (_PLACE, "archived_at IS NULL AND pinned_at IS NULL"),
    "ix_chats_archived": (_PLACE, "archived_at IS NOT NULL"),
    "ix_chats_waiting": (_PLACE, "unread > 0 OR marked_unread"),
}
_UNREAD = ["account_id", "unread", "muted_until"], "unread > 0 AND archived_at IS NULL"
_UNREAD_BEFORE = ["account_id", "unread"], "unread > 0"


def _index(name: str, columns: list[str], where: str) -> None:
    op.create_index(
        name, "chats", columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
    )


def upgrade() -> None:
    for name in ("archived_at", "pinned_at", "muted_until"):
        op.add_column("chats", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "chats",
        sa.Column("marked_unread", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.drop_index("ix_chats_unread", "chats")
    for name, (columns, where) in {**_PARTIAL, "ix_chats_unread": _UNREAD}.items():
        _index(name, columns, where)


def downgrade() -> None:
    for name in (*_PARTIAL, "ix_chats_unread"):
        op.drop_index(name, "chats")
    for name in ("marked_unread", "muted_until", "pinned_at", "archived_at"):
        op.drop_column("chats", name)
    _index("ix_chats_unread", *_UNREAD_BEFORE)
