"""The list of chats knows of which kind the newest message is.

Until now the kind's slug stood in place of a text where there was none.

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_KIND_OF_THE_NEWEST = """
    UPDATE chats SET last_kind = (
        SELECT messages.kind FROM messages WHERE messages.chat_id = chats.id
        ORDER BY messages.shown_at DESC, messages.id DESC LIMIT 1
    ) WHERE last_text <> ''
"""


def upgrade() -> None:
    op.add_column("chats", sa.Column("last_kind", sa.String(length=60), nullable=True))
    op.execute(_KIND_OF_THE_NEWEST)
    op.execute("UPDATE chats SET last_text = '' WHERE last_text = last_kind AND last_kind <> 'text'")
    op.execute("UPDATE chats SET last_kind = 'text' WHERE last_kind IS NULL AND last_text <> ''")


def downgrade() -> None:
    op.execute("UPDATE chats SET last_text = last_kind WHERE last_text = '' AND last_kind <> 'text'")
    op.drop_column("chats", "last_kind")
