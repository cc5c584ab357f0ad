"""Calls: that the phone rings, and that it does no more (whatsmeow, call.go)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from app.engine.events import CallEnded, CallOffered, Event
from app.engine.raw import RawEvent
from app.engine.translate.sources import address_of


def _offer(message: Any, raw: RawEvent) -> list[Event]:
    """A call of one person: what it is to carry stands in the stanza."""
    video = any(node.Tag == "video" for node in message.data.Nodes)
    return _offered(message, is_group=False, video=video)


def _notice(message: Any, raw: RawEvent) -> list[Event]:
    """A call that others are in already, mostly a group's."""
    video = message.media == "video" if message.media else None
    return _offered(message, is_group=message.type == "group", video=video)


def _offered(message: Any, *, is_group: bool, video: bool | None) -> list[Event]:
    meta = message.basicCallMeta
    caller = address_of(meta.callCreator, meta.callCreatorAlt)
    if not meta.callID or not caller.jid:
        return []
    at = datetime.fromtimestamp(meta.timestamp, UTC)
    return [CallOffered(meta.callID, caller, at, is_group, video)]


def _ended(message: Any, raw: RawEvent) -> list[Event]:
    call_id = message.basicCallMeta.callID
    return [CallEnded(call_id)] if call_id else []


TRANSLATORS: dict[str, Callable[[Any, RawEvent], list[Event]]] = {
    "CallOffer": _offer,
    "CallOfferNotice": _notice,
    "CallTerminate": _ended,
}
