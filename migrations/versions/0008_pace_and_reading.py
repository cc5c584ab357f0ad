"""A pace and a habit of reading for every instance.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # One by one, not in a batch: making the table anew would take what hangs on it along.
    op.add_column("instances", sa.Column("send_gap_seconds", sa.Integer(), nullable=True))
    op.add_column(
        "instances",
        sa.Column("auto_read", sa.Boolean(), nullable=False, server_default=sa.false()),
    )


def downgrade() -> None:
    op.drop_column("instances", "auto_read")
    op.drop_column("instances", "send_gap_seconds")
