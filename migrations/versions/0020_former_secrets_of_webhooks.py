"""The secret of a webhook before the one it has, which counts for a while.

Revision ID: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("endpoints", sa.Column("former_secret", sa.Text(), nullable=True))
    op.add_column(
        "endpoints", sa.Column("former_until", sa.DateTime(timezone=True), nullable=True)
    )


def downgrade() -> None:
    op.drop_column("endpoints", "former_until")
    op.drop_column("endpoints", "former_secret")
