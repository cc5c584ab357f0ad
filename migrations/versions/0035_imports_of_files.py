"""Imports of contacts from files, and the rows that were refused.

Revision ID: 0035
Revises: 0034
"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('contact_imports', schema=None) as batch_op:
        batch_op.alter_column('account_id', existing_type=sa.String(length=40), nullable=True)
        batch_op.add_column(sa.Column('file_name', sa.String(length=255), server_default='', nullable=False))
        batch_op.add_column(sa.Column('storage_key', sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column('plan', sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column('position', sa.Integer(), server_default='0', nullable=False))
        batch_op.add_column(sa.Column('refused', sa.Integer(), server_default='0', nullable=False))
        batch_op.create_index('ix_contact_imports_storage_key', ['storage_key'], unique=False)

    op.create_table('refused_rows',
    sa.Column('import_id', sa.String(length=40), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('row', sa.Integer(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('phone', sa.Text(), nullable=False),
    sa.Column('tags', sa.Text(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('problem', sa.String(length=40), nullable=False),
    sa.ForeignKeyConstraint(['import_id'], ['contact_imports.id'], name=op.f('fk_refused_rows_import_id_contact_imports'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('import_id', 'position', name=op.f('pk_refused_rows'))
    )
    op.add_column('contacts', sa.Column('file_import_id', sa.String(length=40), nullable=True))


def downgrade() -> None:
    op.drop_column('contacts', 'file_import_id')
    op.drop_table('refused_rows')
    op.execute("DELETE FROM contact_imports WHERE account_id IS NULL")
    with op.batch_alter_table('contact_imports', schema=None) as batch_op:
        batch_op.drop_index('ix_contact_imports_storage_key')
        batch_op.drop_column('refused')
        batch_op.drop_column('position')
        batch_op.drop_column('plan')
        batch_op.drop_column('storage_key')
        batch_op.drop_column('file_name')
        batch_op.alter_column('account_id', existing_type=sa.String(length=40), nullable=False)
