"""The theme a person chose

Revision ID: 0002
Revises: 0001
Create Date: 2026-11-23 11:15:00

"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table("users") as users:
        users.add_column(sa.Column("theme", sa.String(10), nullable=True))


def downgrade():
    with op.batch_alter_table("users") as users:
        users.drop_column("theme")
