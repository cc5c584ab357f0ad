"""What reactions, edits and deletions of ours are about: they wait in the queue like messages.

Revision ID: 0029
Revises: 0028
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("messages", sa.Column("target_id", sa.String(length=40), nullable=True))


def downgrade() -> None:
    op.drop_column("messages", "target_id")
