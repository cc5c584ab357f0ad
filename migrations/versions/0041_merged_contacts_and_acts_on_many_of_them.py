"""Merged contacts and acts on many of them.

Revision ID: 0041
Revises: 0040
"""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('contact_tasks',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('instance_id', sa.String(length=40), nullable=False),
    sa.Column('act', sa.String(length=10), nullable=False),
    sa.Column('tag', sa.String(length=30), nullable=False),
    sa.Column('search', sa.String(length=100), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('cursor', sa.String(length=40), nullable=False),
    sa.Column('last', sa.String(length=40), nullable=False),
    sa.Column('total', sa.Integer(), nullable=False),
    sa.Column('seen', sa.Integer(), nullable=False),
    sa.Column('changed', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('touched_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['instance_id'], ['instances.id'], name=op.f('fk_contact_tasks_instance_id_instances'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_contact_tasks'))
    )
    with op.batch_alter_table('contact_tasks', schema=None) as batch_op:
        batch_op.create_index('ix_contact_tasks_instance', ['instance_id', 'id'], unique=False)
        batch_op.create_index('uq_contact_tasks_running', ['instance_id'], unique=True, sqlite_where=sa.text("state = 'running'"), postgresql_where=sa.text("state = 'running'"))

    op.create_table('contact_numbers',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('contact_id', sa.String(length=40), nullable=False),
    sa.Column('instance_id', sa.String(length=40), nullable=False),
    sa.Column('phone', sa.String(length=20), nullable=True),
    sa.Column('lid', sa.String(length=20), nullable=True),
    sa.Column('known_as', sa.String(length=100), server_default='', nullable=False),
    sa.Column('merged_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['contact_id'], ['contacts.id'], name=op.f('fk_contact_numbers_contact_id_contacts'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['instance_id'], ['instances.id'], name=op.f('fk_contact_numbers_instance_id_instances'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_contact_numbers')),
    sa.UniqueConstraint('lid', 'instance_id', name=op.f('uq_contact_numbers_lid_instance_id')),
    sa.UniqueConstraint('phone', 'instance_id', name=op.f('uq_contact_numbers_phone_instance_id'))
    )
    with op.batch_alter_table('contact_numbers', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_contact_numbers_contact_id'), ['contact_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_contact_numbers_instance_id'), ['instance_id'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('contact_numbers', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_contact_numbers_instance_id'))
        batch_op.drop_index(batch_op.f('ix_contact_numbers_contact_id'))

    op.drop_table('contact_numbers')
    with op.batch_alter_table('contact_tasks', schema=None) as batch_op:
        batch_op.drop_index('uq_contact_tasks_running', sqlite_where=sa.text("state = 'running'"), postgresql_where=sa.text("state = 'running'"))
        batch_op.drop_index('ix_contact_tasks_instance')

    op.drop_table('contact_tasks')
