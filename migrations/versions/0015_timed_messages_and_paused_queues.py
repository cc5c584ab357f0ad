"""When a message is to go and until when, and queues that are paused.

Revision ID: 0015
Revises: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_LONG_AGO = "2020-01-01 00:00:00.000000"


def upgrade() -> None:
    # One by one, not in a batch: making the table anew would take what hangs on it along.
    moment = sa.DateTime(timezone=True)
    op.add_column("messages", sa.Column("send_at", moment, nullable=True))
    op.add_column(
        "messages", sa.Column("due_at", moment, nullable=False, server_default=_LONG_AGO)
    )
    op.add_column("messages", sa.Column("expires_at", moment, nullable=True))
    op.execute("UPDATE messages SET due_at = created_at")
    op.drop_index("ix_messages_queue", "messages")
    op.create_index("ix_messages_queue", "messages", ["instance_id", "status", "due_at", "id"])
    waiting = sa.text("status = 'queued'")
    op.create_index(
        "ix_messages_expiry",
        "messages",
        ["expires_at"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    op.add_column("instances", sa.Column("queue_paused_at", moment, nullable=True))
    for name, length in (("queue_paused_by", 254), ("queue_pause_reason", 200)):
        text = sa.Column(name, sa.String(length=length), nullable=False, server_default="")
        op.add_column("instances", text)


def downgrade() -> None:
    for name in ("queue_pause_reason", "queue_paused_by", "queue_paused_at"):
        op.drop_column("instances", name)
    op.drop_index("ix_messages_expiry", "messages")
    op.drop_index("ix_messages_queue", "messages")
    op.create_index("ix_messages_queue", "messages", ["instance_id", "status", "id"])
    for name in ("expires_at", "due_at", "send_at"):
        op.drop_column("messages", name)
