"""Hosts that drain, leases that are to be given back, and crashes counted per session.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('hosts', schema=None) as batch_op:
        batch_op.add_column(sa.Column('draining_at', sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table('leases', schema=None) as batch_op:
        batch_op.add_column(
            sa.Column('give_back', sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.add_column(sa.Column('crashes', sa.Integer(), server_default='0', nullable=False))


def downgrade() -> None:
    with op.batch_alter_table('leases', schema=None) as batch_op:
        batch_op.drop_column('crashes')
        batch_op.drop_column('give_back')

    with op.batch_alter_table('hosts', schema=None) as batch_op:
        batch_op.drop_column('draining_at')
