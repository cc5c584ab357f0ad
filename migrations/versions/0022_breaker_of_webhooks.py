"""Webhooks that keep failing are paused; certificates can go unchecked; the outbox by endpoint.

Revision ID: 0022
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    verify = sa.Column("verify_tls", sa.Boolean(), server_default=sa.true(), nullable=False)
    op.add_column("endpoints", verify)
    failures = sa.Column("failures_in_row", sa.Integer(), server_default="0", nullable=False)
    op.add_column("endpoints", failures)
    for name in ("broken_since", "probe_at"):
        op.add_column("endpoints", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.drop_index("ix_deliveries_due", table_name="deliveries")
    op.drop_index("ix_deliveries_endpoint_id", table_name="deliveries")
    op.create_index("ix_deliveries_due", "deliveries", ["endpoint_id", "status", "due_at"])


def downgrade() -> None:
    op.drop_index("ix_deliveries_due", table_name="deliveries")
    op.create_index("ix_deliveries_endpoint_id", "deliveries", ["endpoint_id"])
    op.create_index("ix_deliveries_due", "deliveries", ["status", "due_at"])
    for name in ("probe_at", "broken_since", "failures_in_row", "verify_tls"):
        op.drop_column("endpoints", name)
