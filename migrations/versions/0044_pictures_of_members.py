"""Profile pictures of people who are no chat, but in a group.

Revision ID: 0044
Revises: 0043
"""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

_KEPT = "instance_id, wa_picture_id, storage_key, mime, absent, fetched_at, wanted_at, url"
_STATE = (
    ("wa_picture_id", sa.String(length=100)),
    ("storage_key", sa.String(length=40)),
    ("mime", sa.String(length=20)),
    ("fetched_at", sa.DateTime(timezone=True)),
    ("wanted_at", sa.DateTime(timezone=True)),
    ("url", sa.Text()),
)


def upgrade() -> None:
    name = "profile_pictures"
    op.create_table(
        name,
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("instance_id", sa.String(length=40), nullable=False),
        sa.Column("account_id", sa.String(length=40), nullable=False),
        sa.Column("chat_id", sa.String(length=40), nullable=True),
        sa.Column("key", sa.String(length=24), nullable=True),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("lid", sa.String(length=20), nullable=True),
        sa.Column("seen_in_id", sa.String(length=40), nullable=True),
        *(sa.Column(column, kind, nullable=True) for column, kind in _STATE),
        sa.Column("absent", sa.Boolean(), server_default=sa.false(), nullable=False),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{other}.id"], name=op.f(f"fk_{name}_{column}_{other}"), ondelete=what
            )
            for column, other, what in (
                ("instance_id", "instances", "CASCADE"),
                ("account_id", "linked_accounts", "CASCADE"),
                ("chat_id", "chats", "CASCADE"),
                ("seen_in_id", "chats", "SET NULL"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        sa.UniqueConstraint("account_id", "key", name=op.f(f"uq_{name}_account_id_key")),
        sa.UniqueConstraint("chat_id", name=op.f(f"uq_{name}_chat_id")),
    )
    _add_indexes(name)
    op.create_index(f"ix_{name}_account_phone", name, ["account_id", "phone"])
    op.execute(
        f"INSERT INTO {name} (id, account_id, chat_id, {_KEPT}) "
        f"SELECT c.id, c.account_id, c.id, {', '.join(f'p.{one}' for one in _KEPT.split(', '))} "
        "FROM chat_pictures p JOIN chats c ON c.id = p.chat_id"
    )
    op.drop_table("chat_pictures")


def downgrade() -> None:
    name = "chat_pictures"
    op.create_table(
        name,
        sa.Column("chat_id", sa.String(length=40), nullable=False),
        sa.Column("instance_id", sa.String(length=40), nullable=False),
        *(sa.Column(column, kind, nullable=True) for column, kind in _STATE),
        sa.Column("absent", sa.Boolean(), server_default=sa.false(), nullable=False),
        *(
            sa.ForeignKeyConstraint(
                [column],
                [f"{other}.id"],
                name=op.f(f"fk_{name}_{column}_{other}"),
                ondelete="CASCADE",
            )
            for column, other in (("chat_id", "chats"), ("instance_id", "instances"))
        ),
        sa.PrimaryKeyConstraint("chat_id", name=op.f(f"pk_{name}")),
    )
    _add_indexes(name)
    op.execute(
        f"INSERT INTO {name} (chat_id, {_KEPT}) "
        f"SELECT chat_id, {_KEPT} FROM profile_pictures WHERE chat_id IS NOT NULL"
    )
    op.drop_table("profile_pictures")


def _add_indexes(name: str) -> None:
    for index, columns, condition in (
        ("wanted", ["instance_id", "wanted_at"], "wanted_at IS NOT NULL"),
        ("to_download", ["fetched_at"], "url IS NOT NULL"),
    ):
        where = sa.text(condition)
        op.create_index(
            f"ix_{name}_{index}", name, columns, sqlite_where=where, postgresql_where=where
        )
    op.create_index(op.f(f"ix_{name}_storage_key"), name, ["storage_key"])
