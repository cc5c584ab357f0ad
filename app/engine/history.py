"""The phone's history in pieces: a record of it may hold thousands of messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from app.engine.events import HistoryChat, HistoryReceived


def pieces(event: HistoryReceived, most: int) -> Iterator[HistoryReceived]:
    """The same in pieces of about `most` messages; those of a chat oldest first."""
    together: list[HistoryChat] = []
    count = 0
    for part in [part for chat in event.chats for part in _parts(chat, most)]:
        if together and count + len(part.messages) > most:
            yield HistoryReceived(tuple(together))
            together, count = [], 0
        together.append(part)
        count += len(part.messages)
    if together:
        yield HistoryReceived(tuple(together))


def _parts(chat: HistoryChat, most: int) -> list[HistoryChat]:
    """The chat in pieces of `most` messages, the oldest first; what is unread goes with the newest
    messages."""
    found, unread = [], chat.unread
    for start in range(0, len(chat.messages), most):
        messages = chat.messages[start : start + most]
        share = min(unread, sum(not message.from_me for message in messages))
        found.append(replace(chat, unread=share, messages=messages))
        unread -= share
    return found[::-1] or [chat]
