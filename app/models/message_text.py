"""The words of messages, and the index of the database that finds them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Connection,
    ForeignKey,
    Integer,
    String,
    Text,
    delete,
    event,
    insert,
    inspect,
)
from sqlalchemy.orm import Mapped, Mapper, mapped_column

from app.core.searching import scope_word, words_of
from app.models.base import Base
from app.models.message import Message


class MessageText(Base):
    """The words of one message, folded, behind the word that stands for its account. A table of
    its own: SQLite's index wants whole numbers that stay, and it stays small."""

    __tablename__ = "message_texts"

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    message_id: Mapped[str] = mapped_column(
        String(40), ForeignKey("messages.id", ondelete="CASCADE"), unique=True
    )
    words: Mapped[str] = mapped_column(Text)


INDEX = "message_words"
"""SQLite: a table of FTS5 and its own. PostgreSQL: an index."""

_ON_SQLITE = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS message_words USING fts5("
    "words, content='message_texts', content_rowid='number', detail='none', "
    "prefix='2 3', tokenize='unicode61 remove_diacritics 0')",
    "CREATE TRIGGER IF NOT EXISTS message_texts_added AFTER INSERT ON message_texts BEGIN "
    "INSERT INTO message_words (rowid, words) VALUES (new.number, new.words); END",
    "CREATE TRIGGER IF NOT EXISTS message_texts_removed AFTER DELETE ON message_texts BEGIN "
    "INSERT INTO message_words (message_words, rowid, words) "
    "VALUES ('delete', old.number, old.words); END",
)
_ON_POSTGRESQL = (
    "CREATE INDEX IF NOT EXISTS message_words ON message_texts "
    "USING gin (to_tsvector('simple', words))",
)


def keep_index(connection: Connection) -> None:
    """Makes the index of words where it is missing, and takes it away with its table. No migration
    knows it: it can be made anew from the table at any time."""
    sqlite = connection.dialect.name == "sqlite"
    if inspect(connection).has_table(MessageText.__tablename__):
        for statement in _ON_SQLITE if sqlite else _ON_POSTGRESQL:
            connection.exec_driver_sql(statement)
    elif sqlite:
        connection.exec_driver_sql("DROP TABLE IF EXISTS message_words")


@event.listens_for(Message, "after_insert")
def _index(_mapper: Mapper[Any], connection: Connection, message: Message) -> None:
    if message.is_amendment:
        return
    if words := words_of(message.body or ""):
        text = " ".join([scope_word(message.account_id), *words])
        connection.execute(insert(MessageText).values(message_id=message.id, words=text))


@event.listens_for(Message, "after_update")
def _index_anew(mapper: Mapper[Any], connection: Connection, message: Message) -> None:
    if inspect(message).attrs.body.history.has_changes():
        connection.execute(delete(MessageText).where(MessageText.message_id == message.id))
        _index(mapper, connection, message)
