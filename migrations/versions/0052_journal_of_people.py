"""Whose journal a line stands in, and from where somebody did it.

Revision ID: 0052
Revises: 0051
"""

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None

_OWNER = "fk_activity_owner_id_users"


def upgrade() -> None:
    with op.batch_alter_table("activity") as batch:
        batch.add_column(sa.Column("owner_id", sa.String(length=40), nullable=True))
        batch.add_column(sa.Column("address", sa.String(length=45), nullable=True))
        batch.create_foreign_key(op.f(_OWNER), "users", ["owner_id"], ["id"], ondelete="CASCADE")
    op.execute(
        "UPDATE activity SET owner_id = COALESCE((SELECT owner_id FROM instances"
        " WHERE instances.id = activity.instance_id), user_id)"
    )
    op.create_index("ix_activity_owner_time", "activity", ["owner_id", "created_at"])
    op.create_index("ix_activity_time", "activity", ["created_at"])


def downgrade() -> None:
    op.drop_index("ix_activity_time", "activity")
    op.drop_index("ix_activity_owner_time", "activity")
    with op.batch_alter_table("activity") as batch:
        batch.drop_constraint(op.f(_OWNER), type_="foreignkey")
        batch.drop_column("address")
        batch.drop_column("owner_id")
