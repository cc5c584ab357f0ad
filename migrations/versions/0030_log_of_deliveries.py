"""The log of a webhook, newest first.

Revision ID: 0030
Revises: 0029
"""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_deliveries_log", "deliveries", ["endpoint_id", "id"])


def downgrade() -> None:
    op.drop_index("ix_deliveries_log", "deliveries")
