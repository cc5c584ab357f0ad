"""Messages that arrived, readable or not (yet)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from app.engine.events import Event, MessageReceived, MessageUndecryptable
from app.engine.raw import RawEvent
from app.engine.translate.contents import content_of
from app.engine.translate.poll_secrets import poll_secret
from app.engine.translate.quoting import forwarded_in, mentions_in, quoted_in
from app.engine.translate.sources import chat_of, sender_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Messages between an account's own devices: keys, history notices. They are no conversation.
_PEER = "peer"


def _message(message: Any, raw: RawEvent) -> list[Event]:
    info = message.Info
    content = None if info.Category == _PEER else content_of(message.Message)
    if content is None:
        return []
    source = info.MessageSource
    return [
        MessageReceived(
            id=info.ID,
            chat=chat_of(source),
            sender=sender_of(source),
            from_me=source.IsFromMe,
            is_group=source.IsGroup,
            timestamp=_moment(info.Timestamp),
            push_name=info.Pushname,
            content=content,
            quoted=quoted_in(message.Message),
            forwarded=forwarded_in(message.Message),
            mentions=mentions_in(message.Message),
            secret=poll_secret(content, message.Message),
        )
    ]


def _undecryptable(message: Any, raw: RawEvent) -> list[Event]:
    info = message.Info
    if info.Category == _PEER:
        return []
    source = info.MessageSource
    return [
        MessageUndecryptable(
            id=info.ID,
            chat=chat_of(source),
            sender=sender_of(source),
            is_group=source.IsGroup,
            timestamp=_moment(info.Timestamp),
            push_name=info.Pushname,
            unavailable=message.IsUnavailable,
        )
    ]


def _moment(milliseconds: int) -> datetime:
    """Message times are in milliseconds, unlike those of receipts and of history."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


TRANSLATORS: dict[str, Callable[[Any, RawEvent], list[Event]]] = {
    "Message": _message,
    "UndecryptableMessage": _undecryptable,
}
