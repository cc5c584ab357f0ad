"""People: that somebody has another picture, and that others are blocked than before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from app.engine.events import BlocklistChanged, Event, PictureChanged
from app.engine.raw import RawEvent
from app.engine.translate.sources import address_of


def _picture(message: Any, raw: RawEvent) -> list[Event]:
    whose = address_of(message.JID)
    if not (whose.phone or whose.lid or whose.is_group):
        return []  # of a channel
    at = datetime.fromtimestamp(message.Timestamp, UTC)
    return [PictureChanged(whose, address_of(message.Author), at, message.Remove)]


def _blocklist(message: Any, raw: RawEvent) -> list[Event]:
    """What has changed is told only sometimes (whatsmeow, events.Blocklist), the whole list always
    when it is asked for."""
    return [BlocklistChanged()]


TRANSLATORS: dict[str, Callable[[Any, RawEvent], list[Event]]] = {
    "Picture": _picture,
    "BlocklistEvent": _blocklist,
}
