"""Who types, in neonize's terms (whatsmeow, presence.go). For a session that was closed meanwhile
both calls answer "client is nil"."""

from __future__ import annotations

from app.engine import library
from app.engine.groups import Live


class NeonizeChatStates:
    """The chats of one session. See `app.engine.base.ChatStateCalls`."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def tell(self, chat: str, *, composing: bool) -> None:
        """Shows the people of a chat that we type, or do not any more. Raises EngineError."""
        with self._live() as client:
            client.send_chat_presence(library.jid_of(chat), *library.chat_state(composing))

    def follow(self, person: str) -> None:
        """Asks WhatsApp to tell when this person types. Raises EngineError."""
        with self._live() as client:
            client.subscribe_presence(library.jid_of(person))
