"""Who types (whatsmeow, presence.go)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.engine.events import ChatStateChanged, Event
from app.engine.raw import RawEvent
from app.engine.translate.sources import chat_of, sender_of


def _changed(message: Any, raw: RawEvent) -> list[Event]:
    source = message.MessageSource
    if source.IsFromMe or not source.Chat.User:
        return []
    composing, audio = message.State == message.COMPOSING, message.Media == message.AUDIO
    return [ChatStateChanged(chat_of(source), sender_of(source), composing, audio, raw.received_at)]


TRANSLATORS: dict[str, Callable[[Any, RawEvent], list[Event]]] = {"ChatPresence": _changed}
