"""Notes and tags of contacts.

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    note = sa.Column("note", sa.Text(), server_default="", nullable=False)
    op.add_column("contacts", note)
    tags = sa.Column("tags", sa.JSON(), server_default="[]", nullable=False)
    op.add_column("contacts", tags)


def downgrade() -> None:
    op.drop_column("contacts", "tags")
    op.drop_column("contacts", "note")
