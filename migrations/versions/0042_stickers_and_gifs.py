"""Stickers that move, and files that are still to be made of what was uploaded.

Revision ID: 0042
Revises: 0041
"""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

_STILL_TO_MAKE = sa.text("source_key IS NOT NULL")


def upgrade() -> None:
    animated = sa.Column("animated", sa.Boolean(), server_default=sa.false(), nullable=False)
    op.add_column("media", animated)
    op.add_column("media", sa.Column("source_key", sa.String(length=40), nullable=True))
    op.add_column("media", sa.Column("source_sha256", sa.String(length=64), nullable=True))
    op.create_index(
        "ix_media_source_key",
        "media",
        ["source_key"],
        sqlite_where=_STILL_TO_MAKE,
        postgresql_where=_STILL_TO_MAKE,
    )


def downgrade() -> None:
    op.drop_index("ix_media_source_key", table_name="media")
    for name in ("source_sha256", "source_key", "animated"):
        op.drop_column("media", name)
