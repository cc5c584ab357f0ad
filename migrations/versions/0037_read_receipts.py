"""When read receipts are sent, and those that are still to be sent.

Revision ID: 0037
Revises: 0036
"""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "instances",
        sa.Column("read_receipts", sa.String(length=10), server_default="off", nullable=False),
    )
    op.execute("UPDATE instances SET read_receipts = 'arrival' WHERE auto_read")
    op.drop_column("instances", "auto_read")
    op.create_table(
        "read_marks",
        sa.Column("message_id", sa.String(length=40), nullable=False),
        sa.Column("account_id", sa.String(length=40), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.SmallInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["linked_accounts.id"],
            name=op.f("fk_read_marks_account_id_linked_accounts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["messages.id"],
            name=op.f("fk_read_marks_message_id_messages"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_read_marks")),
    )
    op.create_index("ix_read_marks_due", "read_marks", ["account_id", "due_at", "message_id"])


def downgrade() -> None:
    op.drop_table("read_marks")
    op.add_column(
        "instances",
        sa.Column("auto_read", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.execute("UPDATE instances SET auto_read = true WHERE read_receipts = 'arrival'")
    op.drop_column("instances", "read_receipts")
