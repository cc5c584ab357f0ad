"""What the engine tells of calls, on payloads recorded from it (record.py) and on made ones."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from app.engine.address import Address
from app.engine.events import CallEnded, CallOffered
from app.engine.protos import message_class
from app.engine.raw import RawEvent
from app.engine.translate import translate
from tests.engine.test_translate import NOW, PEER, jid, recorded

AT = datetime(2026, 11, 23, 11, 59, 58, tzinfo=UTC)


def meta(**changes: Any) -> Any:
    """What every event about a call of the peer says."""
    values = {
        "from": jid("77", "lid"),
        "timestamp": int(AT.timestamp()),
        "callCreator": jid("77", "lid"),
        "callCreatorAlt": jid("15550002000", "s.whatsapp.net"),
        "callID": "C1",
    }
    return message_class("neonize.BasicCallMeta")(**values | changes)


def notice(media: str, kind: str, **changes: Any) -> RawEvent:
    """A call that others are in already."""
    message = message_class("neonize.CallOfferNotice")(
        basicCallMeta=meta(**changes),
        media=media,
        type=kind,
        data=message_class("neonize.Node")(Tag="offer_notice"),
    )
    return RawEvent("CallOfferNotice", message.SerializeToString(), NOW)


def test_recorded_calls_are_told_with_who_calls_and_whether_with_video():
    audio, video = recorded("call_offered"), recorded("call_offered_video")
    assert (audio.caller.number, audio.is_group, audio.video) == ("15550002000", False, False)
    assert audio.caller.lid.endswith("@lid")
    assert (video.caller, video.video) == (audio.caller, True)
    assert recorded("call_ended") == CallEnded(audio.id)


@pytest.mark.parametrize(
    ("media", "kind", "is_group", "video"),
    [("audio", "group", True, False), ("video", "group", True, True), ("", "", False, None)],
)
def test_notice_of_a_call_others_are_in_is_a_call(media, kind, is_group, video):
    assert translate(notice(media, kind)) == [CallOffered("C1", PEER, AT, is_group, video)]


def test_caller_may_be_known_by_lid_alone():
    (offered,) = translate(notice("audio", "group", callCreatorAlt=jid()))
    assert offered.caller == Address(lid="77@lid")


@pytest.mark.parametrize(
    "missing", [{"callID": ""}, {"callCreator": jid(), "callCreatorAlt": jid()}]
)
def test_call_without_an_id_or_a_caller_concerns_nobody(missing):
    assert translate(notice("audio", "group", **missing)) == []
