"""Marks on WhatsApp as read what arrived here, for instances that are to do so."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from flask import Flask

from app.engine.base import EngineSession
from app.engine.errors import EngineError, NotConnected
from app.models import Chat
from app.services import chats
from app.sessions.leases import Held, holding

log = structlog.get_logger(__name__)

_MOST = 1000
"""Messages that wait at most; when there are more, the oldest stay unread on WhatsApp."""


@dataclass(frozen=True, slots=True)
class News:
    """A message of somebody else that is in the database: its chat there, its id on WhatsApp, and
    the JIDs of chat and sender."""

    chat_id: str
    wa_id: str
    chat: str
    sender: str


class Reading:
    """What is to be marked as read. Filled by the ingest thread after its commit, emptied by the
    session's own; what a host that dies had not told stays unread."""

    def __init__(self, app: Flask, held: Held) -> None:
        self._app = app
        self._held = held
        self._waiting: deque[News] = deque(maxlen=_MOST)

    def add(self, news: Iterable[News]) -> None:
        """Takes note of what arrived."""
        self._waiting.extend(news)

    def tell(self, session: EngineSession) -> bool:
        """Marks as read what waits of one sender in one chat, and forgets the chat's unread count;
        whether it did. Raises LeaseLost, DBAPIError."""
        if not self._waiting:
            return False
        batch = self._take_batch()
        first = batch[0]
        try:
            session.mark_read([one.wa_id for one in batch], chat=first.chat, sender=first.sender)
        except NotConnected:
            self._waiting.extendleft(reversed(batch))
            return False
        except EngineError as error:
            log.warning("messages.not_marked_read", chat_id=first.chat_id, error=str(error))
            return True
        self._forget_unread(first.chat_id)
        return True

    def _take_batch(self) -> list[News]:
        """The messages at the head that are one sender's in one chat."""
        batch = [self._waiting.popleft()]
        place = (batch[0].chat, batch[0].sender)
        while self._waiting and (self._waiting[0].chat, self._waiting[0].sender) == place:
            batch.append(self._waiting.popleft())
        return batch

    def _forget_unread(self, chat_id: str) -> None:
        with self._app.app_context(), holding(self._held) as session:
            chat = session.get(Chat, chat_id)
            if chat is not None:  # deleted meanwhile
                chats.mark_read(chat)
