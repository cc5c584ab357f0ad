"""What is counted for the statistics.

Revision ID: 0050
Revises: 0048
"""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0048"
branch_labels = None
depends_on = None

_TOTALS = (
    *("sent", "received", "media_sent", "media_received", "delivered", "read", "failed"),
    *("api_calls", "webhook_calls", "webhook_delivered", "webhook_ms"),
)
_COUNTERS = (*_TOTALS, *(f"replies_{number}" for number in range(21)))
_WRITTEN_BEFORE_THE_LINK = """
    UPDATE messages SET is_history = {true}
    WHERE (direction = 'in' OR source = 'phone') AND shown_at <
        (SELECT linked_at FROM linked_accounts WHERE linked_accounts.id = messages.account_id)
"""


def upgrade() -> None:
    op.add_column("chats", sa.Column("waiting_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "messages",
        sa.Column("is_history", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.add_column("messages", sa.Column("reply_seconds", sa.Integer(), nullable=True))
    true = "1" if op.get_bind().dialect.name == "sqlite" else "true"
    op.execute(_WRITTEN_BEFORE_THE_LINK.format(true=true))
    _create("usage", sa.Column("instance_id", sa.String(length=40), nullable=False), _COUNTERS)
    _create("chat_usage", sa.Column("chat_id", sa.String(length=40), nullable=False), ("sent", "received"))
    op.create_index("ix_chat_usage_chat", "chat_usage", ["chat_id"])
    op.create_table(
        "former_instances",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["users.id"],
            name=op.f("fk_former_instances_owner_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_former_instances")),
    )
    op.create_index(op.f("ix_former_instances_owner_id"), "former_instances", ["owner_id"])
    op.create_table(
        "counted_batches",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_counted_batches")),
    )


def _create(name: str, subject: sa.Column, counters: tuple[str, ...]) -> None:
    """A table of counters, in the order of its key, which is how it is read."""
    of_chats = subject.name == "chat_id"
    op.create_table(
        name,
        sa.Column("owner_id", sa.String(length=40), nullable=False),
        sa.Column("grain", sa.String(length=5), nullable=False),
        sa.Column("start", sa.DateTime(timezone=True), nullable=False),
        subject,
        *([sa.Column("instance_id", sa.String(length=40), nullable=False)] if of_chats else []),
        *(sa.Column(one, sa.BigInteger(), server_default="0", nullable=False) for one in counters),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["users.id"],
            name=op.f(f"fk_{name}_owner_id_users"),
            ondelete="CASCADE",
        ),
        *([_chat_key()] if of_chats else []),
        sa.PrimaryKeyConstraint("owner_id", "grain", "start", subject.name, name=op.f(f"pk_{name}")),
        sqlite_with_rowid=False,
    )


def _chat_key() -> sa.ForeignKeyConstraint:
    name = op.f("fk_chat_usage_chat_id_chats")
    return sa.ForeignKeyConstraint(["chat_id"], ["chats.id"], name=name, ondelete="CASCADE")


def downgrade() -> None:
    for table in ("counted_batches", "former_instances", "chat_usage", "usage"):
        op.drop_table(table)
    op.drop_column("messages", "reply_seconds")
    op.drop_column("messages", "is_history")
    op.drop_column("chats", "waiting_since")
