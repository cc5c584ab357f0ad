"""Finding chats by name and number, and messages by their words."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import ColumnClause, Select, func, literal_column, or_, select, table
from sqlalchemy.orm import joinedload

from app.core.naming import fold
from app.core.searching import scope_word, words_of
from app.extensions import db
from app.models import Chat, Instance, Message, MessageText
from app.models.message_text import INDEX

SHORTEST = 2
"""Characters from which on messages are searched: one alone is in nearly all of them."""
FEW = 4
"""Digits that are looked for as they are."""
CHATS, MESSAGES = 20, 30
RECENT = 500
"""Texts that are looked through one by one, where there is an index for the rest."""


@dataclass(frozen=True, slots=True)
class Found:
    """What fits, the newest first."""

    words: list[str]
    chats: list[Chat]
    messages: list[Message]


def find(instance: Instance, text: str) -> Found:
    """Chats of the linked account whose name or number fits, and messages that have all words of
    `text`, or words that begin with them."""
    words = words_of(text)
    if not words or instance.account_id is None:
        return Found([], [], [])
    return Found(words, _chats(instance.account_id, text), _messages(instance.account_id, words))


def _chats(account_id: str, text: str) -> list[Chat]:
    if any(map(str.isalpha, text)):
        ids = _named(account_id, words_of(text))
    else:
        ids = _numbered(account_id, "".join(filter(str.isdigit, text)))
    query = select(Chat).options(joinedload(Chat.picture)).where(Chat.id.in_(ids))
    found = {chat.id: chat for chat in db.session.scalars(query)}
    return [found[chat_id] for chat_id in ids]


def _named(account_id: str, wanted: list[str]) -> list[str]:
    """Compared here and not in the database, which does not fold Cyrillic everywhere."""
    query = select(Chat.id, Chat.known_as, Chat.name).where(Chat.account_id == account_id)
    rows = db.session.connection().execute(query.order_by(Chat.last_at.desc()))
    longest = max(wanted, key=len)
    named = ((chat_id, f"{known_as} {name}") for chat_id, known_as, name in rows)
    fitting = (
        chat_id for chat_id, names in named if longest in fold(names) and _fits(names, wanted)
    )
    return list(islice(fitting, CHATS))


def _fits(names: str, wanted: list[str]) -> bool:
    words = words_of(names)
    return all(any(word.startswith(start) for word in words) for start in wanted)


def _numbered(account_id: str, digits: str) -> list[str]:
    """By a part of the number; its first digit may be one that is only dialled at home."""
    parts = [digits, digits[1:]] if len(digits) > FEW else [digits]
    fitting = or_(*(Chat.phone.contains(part) for part in parts))
    query = select(Chat.id).where(Chat.account_id == account_id, fitting)
    return list(db.session.scalars(query.order_by(Chat.last_at.desc()).limit(CHATS)))


def _messages(account_id: str, words: list[str]) -> list[Message]:
    if max(map(len, words)) < SHORTEST:
        return []
    sqlite = db.session.get_bind().dialect.name == "sqlite"
    ids = (_on_sqlite if sqlite else _on_postgresql)(scope_word(account_id), words)
    chat = joinedload(Message.chat).joinedload(Chat.picture)
    query = select(Message).where(Message.id.in_(ids)).options(chat)
    return list(db.session.scalars(query.order_by(Message.shown_at.desc())))


def _on_sqlite(scope: str, words: list[str]) -> list[str]:
    """FTS5: words in quotes, a star behind those that go on. Words are letters and digits only."""
    match = " AND ".join([f'"{scope}"', *(f'"{word}" *' for word in words)])
    number: ColumnClause[int] = literal_column(f"{INDEX}.rowid")
    query = (
        select(MessageText.message_id)
        .select_from(table(INDEX))
        .join(MessageText, MessageText.number == number)
        .where(literal_column(INDEX).op("MATCH")(match))
        .order_by(number.desc())
    )
    return list(db.session.scalars(query.limit(MESSAGES)))


def _on_postgresql(scope: str, words: list[str]) -> list[str]:
    """A word that many texts have is in many of the newest, and to sort all that have it would take
    long; a rare one is found by the index at once, but the planner does not know that."""
    match = " & ".join([f"'{scope}'", *(f"'{word}':*" for word in words)])
    simple: ColumnClause[Any] = literal_column("'simple'")
    fits = func.to_tsvector(simple, MessageText.words).op("@@")(func.to_tsquery(simple, match))
    text = select(MessageText.number, MessageText.message_id)
    recent = text.order_by(MessageText.number.desc()).limit(RECENT)
    newest = text.where(
        MessageText.number >= select(func.min(recent.subquery().c.number)).scalar_subquery(), fits
    )
    found = list(db.session.scalars(_newest_of(newest)))
    return (
        found if len(found) == MESSAGES else list(db.session.scalars(_newest_of(text.where(fits))))
    )


def _newest_of(texts: Select[int, str]) -> Select[str]:
    """The ids of the newest messages, once all of `texts` are found."""
    found = texts.cte("found").prefix_with("MATERIALIZED")
    return select(found.c.message_id).order_by(found.c.number.desc()).limit(MESSAGES)
