"""API keys with scopes, instances and an end.

Revision ID: 0048
Revises: 0045
"""

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("api_keys") as table:
        table.alter_column("key_encrypted", existing_type=sa.Text(), nullable=True)
        table.add_column(sa.Column("ending", sa.String(length=4), server_default="", nullable=False))
        table.add_column(sa.Column("scopes", sa.JSON(none_as_null=True), nullable=True))
        table.add_column(
            sa.Column("all_instances", sa.Boolean(), server_default=sa.true(), nullable=False)
        )
        table.add_column(sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "api_key_instances",
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("instance_id", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"],
            ["instances.id"],
            name=op.f("fk_api_key_instances_instance_id_instances"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["key_id"],
            ["api_keys.id"],
            name=op.f("fk_api_key_instances_key_id_api_keys"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("key_id", "instance_id", name=op.f("pk_api_key_instances")),
    )
    op.create_index(
        op.f("ix_api_key_instances_instance_id"), "api_key_instances", ["instance_id"]
    )


def downgrade() -> None:
    op.drop_table("api_key_instances")
    op.execute("DELETE FROM api_keys WHERE key_encrypted IS NULL")
    with op.batch_alter_table("api_keys") as table:
        table.drop_column("expires_at")
        table.drop_column("all_instances")
        table.drop_column("scopes")
        table.drop_column("ending")
        table.alter_column("key_encrypted", existing_type=sa.Text(), nullable=False)
