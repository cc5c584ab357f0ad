"""How loud a voice note is: the bars that are drawn of it.

Revision ID: 0031
Revises: 0030
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("media", sa.Column("waveform", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("media", "waveform")
