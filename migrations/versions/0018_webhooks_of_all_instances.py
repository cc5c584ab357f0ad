"""Several webhooks to an instance, and some for all instances of a person.

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_OWNER = (
    "UPDATE endpoints SET owner_id = "
    "(SELECT owner_id FROM instances WHERE instances.id = endpoints.instance_id)"
)
_INSTANCE = (
    "UPDATE deliveries SET instance_id = "
    "(SELECT instance_id FROM endpoints WHERE endpoints.id = deliveries.endpoint_id)"
)


def upgrade() -> None:
    op.add_column("endpoints", sa.Column("owner_id", sa.String(length=40), nullable=True))
    op.execute(_OWNER)
    with op.batch_alter_table("endpoints") as table:
        table.alter_column("owner_id", existing_type=sa.String(length=40), nullable=False)
        table.alter_column("instance_id", existing_type=sa.String(length=40), nullable=True)
        table.add_column(
            sa.Column("max_interval_ms", sa.Integer(), server_default="21600000", nullable=False)
        )
        table.add_column(
            sa.Column("timeout_ms", sa.Integer(), server_default="15000", nullable=False)
        )
        table.create_foreign_key(
            op.f("fk_endpoints_owner_id_users"), "users", ["owner_id"], ["id"], ondelete="CASCADE"
        )
        table.create_index(op.f("ix_endpoints_owner_id"), ["owner_id"])
    op.add_column("deliveries", sa.Column("instance_id", sa.String(length=40), nullable=True))
    op.execute(_INSTANCE)
    with op.batch_alter_table("deliveries") as table:
        table.create_foreign_key(
            op.f("fk_deliveries_instance_id_instances"),
            "instances",
            ["instance_id"],
            ["id"],
            ondelete="CASCADE",
        )
        table.create_index(op.f("ix_deliveries_instance_id"), ["instance_id"])


def downgrade() -> None:
    op.execute(
        "DELETE FROM deliveries WHERE endpoint_id IN "
        "(SELECT id FROM endpoints WHERE instance_id IS NULL)"
    )
    op.execute("DELETE FROM endpoints WHERE instance_id IS NULL")
    with op.batch_alter_table("deliveries") as table:
        table.drop_index(op.f("ix_deliveries_instance_id"))
        table.drop_constraint(op.f("fk_deliveries_instance_id_instances"), type_="foreignkey")
        table.drop_column("instance_id")
    with op.batch_alter_table("endpoints") as table:
        table.drop_index(op.f("ix_endpoints_owner_id"))
        table.drop_constraint(op.f("fk_endpoints_owner_id_users"), type_="foreignkey")
        table.drop_column("timeout_ms")
        table.drop_column("max_interval_ms")
        table.drop_column("owner_id")
        table.alter_column("instance_id", existing_type=sa.String(length=40), nullable=False)
