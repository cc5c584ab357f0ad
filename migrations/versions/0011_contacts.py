"""Contacts of WhatsApp and of the database, and what they call a chat.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('contacts',
    sa.Column('instance_id', sa.String(length=40), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('phone', sa.String(length=20), nullable=True),
    sa.Column('lid', sa.String(length=20), nullable=True),
    sa.Column('book_name', sa.String(length=100), nullable=False),
    sa.Column('push_name', sa.String(length=100), nullable=False),
    sa.Column('business_name', sa.String(length=100), nullable=False),
    sa.Column('sort_key', sa.String(length=120).with_variant(sa.String(length=120, collation='C'), 'postgresql'), nullable=False),
    sa.Column('search', sa.String(length=400), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['instance_id'], ['instances.id'], name=op.f('fk_contacts_instance_id_instances'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_contacts')),
    sa.UniqueConstraint('instance_id', 'lid', name=op.f('uq_contacts_instance_id_lid')),
    sa.UniqueConstraint('instance_id', 'phone', name=op.f('uq_contacts_instance_id_phone'))
    )
    with op.batch_alter_table('contacts', schema=None) as batch_op:
        batch_op.create_index('ix_contacts_list', ['instance_id', 'sort_key', 'id', 'search'], unique=False)
        batch_op.create_index('ix_contacts_newest', ['instance_id', 'id', 'search'], unique=False)

    op.create_table('whatsapp_contacts',
    sa.Column('account_id', sa.String(length=40), nullable=False),
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('phone', sa.String(length=20), nullable=True),
    sa.Column('lid', sa.String(length=20), nullable=True),
    sa.Column('book_name', sa.String(length=100), nullable=False),
    sa.Column('push_name', sa.String(length=100), nullable=False),
    sa.Column('business_name', sa.String(length=100), nullable=False),
    sa.Column('sort_key', sa.String(length=120).with_variant(sa.String(length=120, collation='C'), 'postgresql'), nullable=False),
    sa.Column('search', sa.String(length=400), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['linked_accounts.id'], name=op.f('fk_whatsapp_contacts_account_id_linked_accounts'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_whatsapp_contacts')),
    sa.UniqueConstraint('account_id', 'lid', name=op.f('uq_whatsapp_contacts_account_id_lid')),
    sa.UniqueConstraint('account_id', 'phone', name=op.f('uq_whatsapp_contacts_account_id_phone'))
    )
    with op.batch_alter_table('whatsapp_contacts', schema=None) as batch_op:
        batch_op.create_index('ix_whatsapp_contacts_list', ['account_id', 'sort_key', 'id', 'search'], unique=False)
        batch_op.create_index('ix_whatsapp_contacts_newest', ['account_id', 'id', 'search'], unique=False)

    op.add_column('chats', sa.Column('known_as', sa.String(length=100), server_default='', nullable=False))



def downgrade() -> None:
    op.drop_column('chats', 'known_as')

    with op.batch_alter_table('whatsapp_contacts', schema=None) as batch_op:
        batch_op.drop_index('ix_whatsapp_contacts_newest')
        batch_op.drop_index('ix_whatsapp_contacts_list')

    op.drop_table('whatsapp_contacts')
    with op.batch_alter_table('contacts', schema=None) as batch_op:
        batch_op.drop_index('ix_contacts_newest')
        batch_op.drop_index('ix_contacts_list')

    op.drop_table('contacts')
