"""What the process of a host costs.

Revision ID: 0051
Revises: 0050
"""

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("hosts", sa.Column("memory_mib", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("hosts", "memory_mib")
