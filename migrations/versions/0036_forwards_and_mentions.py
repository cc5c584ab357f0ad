"""Messages that were passed on, and people who are named in them.

Revision ID: 0036
Revises: 0035
"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "messages", sa.Column("forwarded", sa.SmallInteger(), server_default="0", nullable=False)
    )
    op.add_column("messages", sa.Column("mentions", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("messages", "mentions")
    op.drop_column("messages", "forwarded")
