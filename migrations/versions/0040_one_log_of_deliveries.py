"""One log over all webhooks of a person or an instance; the last error of each.

Revision ID: 0040
Revises: 0039
"""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

_OWNER = (
    "UPDATE deliveries SET owner_id = "
    "(SELECT owner_id FROM endpoints WHERE endpoints.id = deliveries.endpoint_id)"
)


def upgrade() -> None:
    op.add_column("endpoints", sa.Column("last_error", sa.String(length=200), nullable=True))
    op.add_column("endpoints", sa.Column("last_error_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("deliveries", sa.Column("owner_id", sa.String(length=40), nullable=True))
    op.execute(_OWNER)
    with op.batch_alter_table("deliveries") as table:
        table.drop_index("ix_deliveries_log")
        table.drop_index(op.f("ix_deliveries_instance_id"))
        table.alter_column("owner_id", existing_type=sa.String(length=40), nullable=False)
        table.create_foreign_key(
            op.f("fk_deliveries_owner_id_users"), "users", ["owner_id"], ["id"], ondelete="CASCADE"
        )
        table.create_index("ix_deliveries_log", ["endpoint_id", "id", "status", "event"])
        table.create_index("ix_deliveries_log_of_owner", ["owner_id", "id", "status", "event"])
        table.create_index(
            "ix_deliveries_log_of_instance", ["instance_id", "id", "status", "event"]
        )


def downgrade() -> None:
    with op.batch_alter_table("deliveries") as table:
        table.drop_index("ix_deliveries_log_of_instance")
        table.drop_index("ix_deliveries_log_of_owner")
        table.drop_index("ix_deliveries_log")
        table.create_index("ix_deliveries_log", ["endpoint_id", "id"])
        table.create_index(op.f("ix_deliveries_instance_id"), ["instance_id"])
        table.drop_constraint(op.f("fk_deliveries_owner_id_users"), type_="foreignkey")
        table.drop_column("owner_id")
    with op.batch_alter_table("endpoints") as table:
        table.drop_column("last_error_at")
        table.drop_column("last_error")
