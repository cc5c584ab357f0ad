"""What the list of instances and the journal tell.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TROUBLE = "state IN ('disconnected', 'logged_out', 'failed') AND reason IS NOT NULL"


def upgrade() -> None:
    with op.batch_alter_table("activity") as table:
        table.add_column(sa.Column("via", sa.String(length=10)))
    with op.batch_alter_table("users") as table:
        table.add_column(sa.Column("risks_understood_at", sa.DateTime(timezone=True)))
    with op.batch_alter_table("instances") as table:
        table.add_column(sa.Column("problem", sa.String(length=40)))
        table.add_column(sa.Column("problem_detail", sa.JSON()))
        table.add_column(sa.Column("problem_since", sa.DateTime(timezone=True)))
        table.add_column(sa.Column("problem_until", sa.DateTime(timezone=True)))
        table.add_column(sa.Column("deleted_at", sa.DateTime(timezone=True)))
    op.execute(
        "UPDATE instances SET problem = reason, problem_detail = reason_detail,"
        f" problem_since = state_changed_at WHERE {_TROUBLE} AND reason <> 'signed_out_here'"
    )
    op.create_index(
        "ix_chats_unread",
        "chats",
        ["account_id", "unread"],
        sqlite_where=sa.text("unread > 0"),
        postgresql_where=sa.text("unread > 0"),
    )


def downgrade() -> None:
    op.drop_index("ix_chats_unread", "chats")
    with op.batch_alter_table("instances") as table:
        for name in ("deleted_at", "problem_until", "problem_since", "problem_detail", "problem"):
            table.drop_column(name)
    with op.batch_alter_table("users") as table:
        table.drop_column("risks_understood_at")
    with op.batch_alter_table("activity") as table:
        table.drop_column("via")
