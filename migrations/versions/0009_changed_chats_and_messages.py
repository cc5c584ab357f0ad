"""When a chat and a message were last written to, for pages that ask what is new.

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_LONG_AGO = "2020-01-01 00:00:00.000000"


def upgrade() -> None:
    # One by one, not in a batch: making the table anew would take what hangs on it along.
    for table in ("chats", "messages"):
        changed_at = sa.Column(
            "changed_at", sa.DateTime(timezone=True), nullable=False, server_default=_LONG_AGO
        )
        op.add_column(table, changed_at)
    op.create_index("ix_chats_account_changed", "chats", ["account_id", "changed_at", "id"])
    op.create_index("ix_messages_chat_changed", "messages", ["chat_id", "changed_at", "id"])
    op.drop_index("ix_chats_account_last", "chats")
    op.create_index("ix_chats_account_last", "chats", ["account_id", "last_at", "id"])


def downgrade() -> None:
    op.drop_index("ix_chats_account_last", "chats")
    op.create_index("ix_chats_account_last", "chats", ["account_id", "last_at"])
    op.drop_index("ix_messages_chat_changed", "messages")
    op.drop_index("ix_chats_account_changed", "chats")
    op.drop_column("messages", "changed_at")
    op.drop_column("chats", "changed_at")
