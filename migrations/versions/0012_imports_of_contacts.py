"""Imports of contacts, and when those of WhatsApp were read.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('contact_imports',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('instance_id', sa.String(length=40), nullable=False),
    sa.Column('account_id', sa.String(length=40), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('cursor', sa.String(length=40), nullable=False),
    sa.Column('total', sa.Integer(), nullable=False),
    sa.Column('added', sa.Integer(), nullable=False),
    sa.Column('updated', sa.Integer(), nullable=False),
    sa.Column('unchanged', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('touched_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['account_id'], ['linked_accounts.id'], name=op.f('fk_contact_imports_account_id_linked_accounts'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['instance_id'], ['instances.id'], name=op.f('fk_contact_imports_instance_id_instances'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_contact_imports'))
    )
    with op.batch_alter_table('contact_imports', schema=None) as batch_op:
        batch_op.create_index('ix_contact_imports_instance', ['instance_id', 'id'], unique=False)
        batch_op.create_index('uq_contact_imports_running', ['instance_id'], unique=True, sqlite_where=sa.text("state IN ('reading', 'copying')"), postgresql_where=sa.text("state IN ('reading', 'copying')"))

    op.add_column('instances', sa.Column('contacts_wanted_at', sa.DateTime(timezone=True), nullable=True))

    op.add_column('linked_accounts', sa.Column('contacts_read_at', sa.DateTime(timezone=True), nullable=True))



def downgrade() -> None:
    op.drop_column('linked_accounts', 'contacts_read_at')

    op.drop_column('instances', 'contacts_wanted_at')

    with op.batch_alter_table('contact_imports', schema=None) as batch_op:
        batch_op.drop_index('uq_contact_imports_running', sqlite_where=sa.text("state IN ('reading', 'copying')"), postgresql_where=sa.text("state IN ('reading', 'copying')"))
        batch_op.drop_index('ix_contact_imports_instance')

    op.drop_table('contact_imports')
