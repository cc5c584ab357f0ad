"""What places, contact cards and polls say.

Revision ID: 0027
Revises: 0022
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("messages", sa.Column("details", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("messages", "details")
