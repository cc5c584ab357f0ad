"""A proxy and a presence for every instance.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # One by one, not in a batch: making the table anew would take what hangs on it along.
    op.add_column("instances", sa.Column("proxy_url", sa.Text(), nullable=True))
    op.add_column(
        "instances", sa.Column("proxy_changed_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column(
        "instances", sa.Column("presence", sa.String(10), nullable=False, server_default="online")
    )


def downgrade() -> None:
    op.drop_column("instances", "presence")
    op.drop_column("instances", "proxy_changed_at")
    op.drop_column("instances", "proxy_url")
