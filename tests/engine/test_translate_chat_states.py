"""What the engine tells of who types."""

from __future__ import annotations

from typing import Any

import pytest

from app.engine.events import ChatStateChanged
from app.engine.protos import message_class
from app.engine.raw import RawEvent
from app.engine.translate import translate
from tests.engine.test_translate import NOW, jid


def told(state: int, media: int = 1, **source: Any) -> list[Any]:
    sources = {"Chat": jid("77", "lid"), "Sender": jid("77", "lid"), "IsFromMe": False} | source
    message = message_class("neonize.ChatPresence")(
        MessageSource=message_class("neonize.MessageSource")(**sources),
        State=state,
        Media=media,
    )
    return translate(RawEvent("ChatPresence", message.SerializePartialToString(), NOW))


@pytest.mark.parametrize(
    ("state", "media", "composing", "audio"),
    [(1, 1, True, False), (1, 2, True, True), (2, 1, False, False)],
)
def test_who_types_records_or_stops_is_told(state, media, composing, audio):
    (event,) = told(state, media)
    assert isinstance(event, ChatStateChanged)
    assert (event.chat.lid, event.at) == ("77@lid", NOW)
    assert (event.composing, event.audio) == (composing, audio)


def test_our_own_other_devices_are_nobody():
    assert told(1, IsFromMe=True) == []
