"""Raw events to events: on payloads recorded from the engine (record.py), and on made ones."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.core.details import Card, Place, Poll
from app.core.media import FileFacts, MediaKind
from app.engine.address import Address
from app.engine.events import (
    Amendment,
    Change,
    ClientOutdated,
    Connected,
    ConnectFailure,
    Detailed,
    Disconnected,
    Event,
    File,
    HistoryReceived,
    KeepAliveRestored,
    KeepAliveTimeout,
    LoggedOut,
    MessageReceived,
    MessageUndecryptable,
    OpenVote,
    PushNames,
    Quoted,
    ReceiptKind,
    ReceiptReceived,
    SealedVote,
    SessionEnded,
    StreamError,
    StreamReplaced,
    TemporaryBan,
    Text,
    Unsupported,
)
from app.engine.protos import message_class
from app.engine.raw import BadRawEvent, RawEvent
from app.engine.translate import translate

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
VOTED_AT = datetime(2023, 11, 14, 22, 13, 20, 123_000, tzinfo=UTC)
PEER = Address(lid="77@lid", phone="15550002000@s.whatsapp.net")
VCARD = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Anna\r\nitem1.TEL;waid=7916\r\n 1234567:+7 916 123-45-67\r\n"
    "TEL;type=HOME:+1 555 0\r\nTEL;waid=79161234567:+7 916 123-45-67\r\nEND:VCARD"
)
_PAYLOADS = Path(__file__).with_name("payloads")


def recorded(name: str) -> Any:
    """The one event in a recorded payload."""
    (event,) = translate(RawEvent.decode((_PAYLOADS / f"{name}.bin").read_bytes()))
    return event


def file(kind: MediaKind, text: str = "", **facts: Any) -> File:
    """A file of which nobody says where it is."""
    return File(FileFacts(kind, **facts), text, None)


def jid(user: str = "", server: str = "", device: int = 0) -> Any:
    kind = message_class("neonize.JID")
    return kind(User=user, Server=server, Device=device, RawAgent=0, Integrator=0, IsEmpty=not user)


def source(**changes: Any) -> Any:
    """A message source: from the peer, in his chat."""
    values = {
        "Chat": jid("77", "lid"),
        "Sender": jid("77", "lid", 3),
        "SenderAlt": jid("15550002000", "s.whatsapp.net", 3),
        "RecipientAlt": jid(),
        "BroadcastListOwner": jid(),
        "IsFromMe": False,
        "IsGroup": False,
    }
    return message_class("neonize.MessageSource")(**values | changes)


def info(**changes: Any) -> Any:
    values = {
        "MessageSource": source(),
        "ID": "M1",
        "ServerID": 0,
        "Type": "text",
        "Pushname": "Peer",
        "Timestamp": 1_700_000_000_123,
        "Category": "",
        "Multicast": False,
        "MediaType": "",
        "Edit": "",
    }
    return message_class("neonize.MessageInfo")(**values | changes)


def wa_message(**fields: Any) -> Any:
    return message_class("WAWebProtobufsE2E.Message")(**fields)


def raw(kind: str, message: Any) -> RawEvent:
    return RawEvent(kind, message.SerializePartialToString(), NOW)


def translated(content: Any, **info_changes: Any) -> list[Event]:
    event = message_class("neonize.Message")(Info=info(**info_changes), Message=content)
    return translate(raw("Message", event))


def content(**fields: Any) -> Any:
    """The content of a message with these fields."""
    (event,) = translated(wa_message(**fields))
    assert isinstance(event, MessageReceived)
    return event.content


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("connected", Connected()),
        ("disconnected", Disconnected()),
        ("stream_replaced", StreamReplaced()),
        ("logged_out_by_phone", LoggedOut("phone_logged_out", on_connect=False)),
        ("login_refused_403", LoggedOut("account_gone", on_connect=True)),
        ("login_refused_405", ClientOutdated()),
        ("login_refused_409", ConnectFailure("409", "")),
    ],
)
def test_recorded_connection_event_is_translated(name: str, event: Event):
    assert recorded(name) == event


def test_recorded_ban_ends_as_long_after_its_arrival_as_whatsapp_said():
    event = RawEvent.decode((_PAYLOADS / "login_refused_402.bin").read_bytes())
    ban = recorded("login_refused_402")
    assert ban.code == "send_to_too_many_people"
    assert (ban.expires_at - event.received_at).total_seconds() == 3600


def test_recorded_refusal_that_the_engine_cannot_encode_is_still_a_refusal():
    assert recorded("login_refused_418").code == "unknown"


def test_recorded_text_is_translated():
    message = recorded("message_text")
    assert message.content == Text("Привет, мир 👋")
    assert message.sender == message.chat
    assert message.chat.number == "15550002000"
    assert message.chat.lid
    assert (message.from_me, message.is_group, message.push_name) == (False, False, "Peer")
    assert message.timestamp.tzinfo is UTC


def test_recorded_copy_of_a_message_from_the_phone_is_in_the_recipients_chat():
    message = recorded("message_from_phone")
    assert message.content == Text("From the phone")
    assert message.from_me
    assert message.chat.number == "15550002000"
    assert message.sender.lid != message.chat.lid


@pytest.mark.parametrize("kind", ["delivered", "read", "sender"])
def test_recorded_receipt_is_translated(kind: str):
    receipt = recorded(f"receipt_{kind}")
    assert receipt.kind == kind
    assert len(receipt.ids) == 1
    assert receipt.chat == recorded("receipt_delivered").chat
    assert receipt.timestamp.tzinfo is UTC


def test_message_time_is_in_milliseconds():
    (event,) = translated(wa_message(conversation="hi"))
    assert event == MessageReceived(
        id="M1",
        chat=PEER,
        sender=PEER,
        from_me=False,
        is_group=False,
        timestamp=datetime(2023, 11, 14, 22, 13, 20, 123_000, tzinfo=UTC),
        push_name="Peer",
        content=Text("hi"),
    )


def test_group_message_has_the_group_as_chat_and_the_participant_as_sender():
    place = source(Chat=jid("120363", "g.us"), IsGroup=True)
    (event,) = translated(wa_message(conversation="hi"), MessageSource=place)
    assert (event.chat, event.sender) == (Address(other="120363@g.us"), PEER)
    assert event.is_group
    assert event.chat.is_group


def test_sender_without_a_known_number_is_named_by_lid():
    (event,) = translated(wa_message(conversation="hi"), MessageSource=source(SenderAlt=jid()))
    assert event.chat == Address(lid="77@lid")


@pytest.mark.parametrize("kind", list(MediaKind))
def test_recorded_file_tells_what_it_is_and_where(kind: MediaKind):
    content = recorded(f"file_{kind}").content

    assert content.facts.kind is kind
    assert content.facts.size == 9
    assert len(content.facts.sha256) == 64
    assert content.remote.direct_path.startswith("/")
    assert (len(content.remote.media_key), len(content.remote.encrypted_sha256)) == (32, 32)
    captioned = {MediaKind.IMAGE, MediaKind.VIDEO, MediaKind.GIF, MediaKind.DOCUMENT}
    assert content.text == ("Подпись" if kind in captioned else "")
    assert content.facts.file_name == ("a.pdf" if kind is MediaKind.DOCUMENT else "")


def edited(new: dict[str, Any]) -> dict[str, Any]:
    """The fields of a message that puts `new` in the place of message A1."""
    return {"protocolMessage": {"type": "MESSAGE_EDIT", "key": {"ID": "A1"}, "editedMessage": new}}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"conversation": "hi"}, Text("hi")),
        (
            {"extendedTextMessage": {"text": "see https://example.org"}},
            Text("see https://example.org"),
        ),
        ({"conversation": ""}, Unsupported("empty")),
        ({"extendedTextMessage": {}}, Unsupported("empty")),
        ({}, Unsupported("empty")),
        ({"imageMessage": {"caption": "sunset"}}, file(MediaKind.IMAGE, "sunset")),
        ({"imageMessage": {}}, file(MediaKind.IMAGE)),
        ({"imageMessage": {"viewOnce": True}}, Unsupported("unavailable")),
        ({"videoMessage": {"caption": "waves"}}, file(MediaKind.VIDEO, "waves")),
        ({"videoMessage": {"gifPlayback": True}}, file(MediaKind.GIF)),
        ({"ptvMessage": {"seconds": 9}}, file(MediaKind.VIDEO, seconds=9)),
        ({"audioMessage": {"seconds": 61}}, file(MediaKind.AUDIO, seconds=61)),
        ({"audioMessage": {"PTT": True}}, file(MediaKind.VOICE)),
        ({"stickerMessage": {"width": 512}}, file(MediaKind.STICKER, width=512)),
        ({"stickerMessage": {"isAnimated": True}}, file(MediaKind.STICKER, animated=True)),
        ({"documentMessage": {"fileName": "a.pdf"}}, file(MediaKind.DOCUMENT, file_name="a.pdf")),
        ({"documentMessage": {"title": "a"}}, file(MediaKind.DOCUMENT, file_name="a")),
        ({"audioMessage": {"fileLength": 2**63}}, file(MediaKind.AUDIO)),
        ({"imageMessage": {"width": 2**32 - 1}}, file(MediaKind.IMAGE)),
        (
            {"locationMessage": {"degreesLatitude": 1.5, "degreesLongitude": -2, "name": "Shop"}},
            Detailed("location", Place(1.5, -2.0, "Shop")),
        ),
        ({"locationMessage": {"degreesLatitude": 91}}, Unsupported("location")),
        ({"locationMessage": {"degreesLatitude": float("nan")}}, Unsupported("location")),
        (
            {"liveLocationMessage": {"degreesLatitude": 3, "caption": "on my way\0"}},
            Detailed("live_location", Place(3.0, 0.0, "on my way")),
        ),
        (
            {"contactMessage": {"displayName": "Anna", "vcard": VCARD}},
            Detailed("contacts", [Card("Anna", ("79161234567", "+1 555 0"))]),
        ),
        ({"contactMessage": {"displayName": "A"}}, Detailed("contacts", [Card("A")])),
        ({"contactsArrayMessage": {"displayName": "two"}}, Unsupported("contacts")),
        (
            {"contactsArrayMessage": {"contacts": [{"displayName": "A"}, {"displayName": "B"}]}},
            Detailed("contacts", [Card("A"), Card("B")]),
        ),
        ({"pollCreationMessageV3": {"name": "?"}}, Unsupported("poll", "?")),
        (
            {
                "pollCreationMessage": {
                    "name": "When?",
                    "options": [{"optionName": "Today"}, {"optionName": "Later"}],
                    "selectableOptionsCount": 2,
                }
            },
            Detailed("poll", Poll("When?", ("Today", "Later"), 2)),
        ),
        (
            {"pollCreationMessage": {"name": "When?", "options": [{"optionName": " Today\0 "}]}},
            Detailed("poll", Poll("When?", (" Today ",))),
        ),
        (
            {
                "pollUpdateMessage": {
                    "pollCreationMessageKey": {"ID": "P1"},
                    "vote": {"encIV": b"iv", "encPayload": b"payload"},
                    "senderTimestampMS": 1_700_000_000_123,
                }
            },
            Amendment(Change.VOTE, "P1", vote=SealedVote(b"iv", b"payload", VOTED_AT)),
        ),
        (
            {"pollUpdateMessage": {"vote": {"encPayload": b"p"}, "senderTimestampMS": 2**62}},
            Amendment(Change.VOTE, "", vote=SealedVote(b"", b"p", None)),
        ),
        (
            {"reactionMessage": {"key": {"ID": "A1"}, "text": "👍"}},
            Amendment(Change.REACTION, "A1", "👍"),
        ),
        ({"reactionMessage": {"key": {"ID": "A1"}}}, Amendment(Change.REACTION, "A1")),
        (
            {"protocolMessage": {"type": "REVOKE", "key": {"ID": "A1"}}},
            Amendment(Change.DELETION, "A1"),
        ),
        (edited({"conversation": "b"}), Amendment(Change.EDIT, "A1", "b")),
        (edited({"extendedTextMessage": {"text": "b"}}), Amendment(Change.EDIT, "A1", "b")),
        (edited({"imageMessage": {"caption": "b"}}), Amendment(Change.EDIT, "A1", "b")),
        (
            {"editedMessage": {"message": edited({"conversation": "b"})}},
            Amendment(Change.EDIT, "A1", "b"),
        ),
        ({"ephemeralMessage": {"message": {"conversation": "soon gone"}}}, Text("soon gone")),
        (
            {
                "documentWithCaptionMessage": {
                    "message": {"documentMessage": {"caption": "read", "fileName": "a.pdf"}}
                }
            },
            file(MediaKind.DOCUMENT, "read", file_name="a.pdf"),
        ),
        ({"viewOnceMessageV2": {}}, Unsupported("empty")),
        ({"deviceSentMessage": {"message": {"conversation": "mine"}}}, Text("mine")),
    ],
)
def test_content_is_read(fields: dict[str, Any], expected: Any):
    assert content(**fields) == expected
    context = {"messageContextInfo": {"messageSecret": b"x"}}
    if fields != {"conversation": ""} and fields:
        assert content(**fields, **context) == expected


def test_an_edit_tells_whom_the_new_text_names():
    named = {"text": "@7", "contextInfo": {"mentionedJID": ["7@lid"]}}
    (event,) = translated(wa_message(**edited({"extendedTextMessage": named})))
    assert isinstance(event, MessageReceived)
    assert event.mentions == (Address.of("7@lid"),)


@pytest.mark.parametrize(
    "fields",
    [
        {"senderKeyDistributionMessage": {"groupID": "1@g.us"}},
        {"protocolMessage": {"type": "APP_STATE_SYNC_KEY_SHARE"}},
        {"messageContextInfo": {"messageSecret": b"x"}},
    ],
)
def test_messages_between_programs_are_nobodys_business(fields: dict[str, Any]):
    assert translated(wa_message(**fields)) == []


def test_messages_between_own_devices_are_nobodys_business():
    assert translated(wa_message(conversation="key"), Category="peer") == []


@pytest.mark.parametrize("unavailable", [True, False])
def test_undecryptable_message_is_translated(unavailable: bool):
    kind = message_class("neonize.UndecryptableMessage")
    message = kind(Info=info(), IsUnavailable=unavailable, DecryptFailMode=kind.DECRYPT_FAIL_SHOW)
    (event,) = translate(raw("UndecryptableMessage", message))
    assert isinstance(event, MessageUndecryptable)
    assert (event.id, event.chat, event.unavailable) == ("M1", PEER, unavailable)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("INACTIVE", ReceiptKind.INACTIVE),
        ("PLAYED", ReceiptKind.PLAYED),
        ("READ_SELF", ReceiptKind.READ_SELF),
        ("SERVER_ERROR", ReceiptKind.PLAYED_SELF),
        ("RETRY", ReceiptKind.RETRY),
    ],
)
def test_receipt_of_each_kind_is_translated(name: str, kind: ReceiptKind):
    message = message_class("neonize.Receipt")(
        MessageSource=source(), MessageIDs=["M1", "M2"], Timestamp=1_700_000_000, Type=name
    )
    assert translate(raw("Receipt", message)) == [
        ReceiptReceived(
            kind, ("M1", "M2"), PEER, PEER, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
        )
    ]


@pytest.mark.parametrize("name", ["PEER_MSG", "HISTORY_SYNC"])
def test_receipts_between_own_devices_are_nobodys_business(name: str):
    message = message_class("neonize.Receipt")(
        MessageSource=source(), MessageIDs=["M1"], Timestamp=1, Type=name
    )
    assert translate(raw("Receipt", message)) == []


def test_keep_alive_events_are_translated():
    kind = message_class("neonize.KeepAliveTimeout")
    assert translate(raw("KeepAliveTimeout", kind(ErrorCount=2, LastSuccess=1_700_000_000))) == [
        KeepAliveTimeout(2, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC))
    ]
    # Go's zero time, when no keep-alive was ever answered.
    assert translate(raw("KeepAliveTimeout", kind(ErrorCount=1, LastSuccess=-62135596800))) == [
        KeepAliveTimeout(1, None)
    ]
    assert translate(RawEvent("KeepAliveRestored", b"", NOW)) == [KeepAliveRestored()]


def test_stream_error_is_translated():
    assert translate(raw("StreamError", message_class("neonize.StreamError")(Code="516"))) == [
        StreamError("516")
    ]


@pytest.mark.parametrize(
    ("detail", "event"),
    [
        ("proto: required field neonize.Receipt.Type not set", None),
        ("the engine returned", None),
        ("proto: required field neonize.TemporaryBan.Code not set", TemporaryBan("unknown", None)),
        (
            "proto: required field neonize.LoggedOut.Reason not set",
            LoggedOut("phone_logged_out", on_connect=True),
        ),
    ],
)
def test_end_of_a_session_is_named_for_the_event_that_ended_it(detail: str, event: Any):
    ended = RawEvent("SessionEnded", detail.encode(), NOW)
    assert translate(ended) == [event or SessionEnded(detail)]


def history(**fields: Any) -> list[Event]:
    data = message_class("WAWebProtobufsHistorySync.HistorySync")(syncType=0, **fields)
    return translate(raw("HistorySync", message_class("neonize.HistorySync")(Data=data)))


def test_history_is_translated_with_both_names_of_a_chat():
    (event,) = history(
        phoneNumberToLidMappings=[{"pnJID": "15550002000@s.whatsapp.net", "lidJID": "77@lid"}],
        conversations=[
            {
                "ID": "77@lid",
                "name": "Peer",
                "unreadCount": 2,
                "messages": [
                    {
                        "message": {
                            "key": {"remoteJID": "77@lid", "fromMe": from_me, "ID": id_},
                            "message": {"conversation": text},
                            "messageTimestamp": 1_700_000_000,
                        }
                    }
                    for id_, from_me, text in [("M2", True, "yes"), ("M1", False, "hi")]
                ],
            }
        ],
    )
    assert isinstance(event, HistoryReceived)
    (chat,) = event.chats
    assert (chat.chat, chat.name, chat.unread) == (PEER, "Peer", 2)
    assert [(m.id, m.from_me, m.content) for m in chat.messages] == [
        ("M2", True, Text("yes")),
        ("M1", False, Text("hi")),
    ]
    assert [m.sender for m in chat.messages] == [Address(), PEER]
    assert {m.timestamp for m in chat.messages} == {datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)}


def test_history_of_a_group_names_the_participant():
    (event,) = history(
        conversations=[
            {
                "ID": "120363@g.us",
                "messages": [
                    {
                        "message": {
                            "key": {"remoteJID": "120363@g.us", "fromMe": False, "ID": "M1"},
                            "participant": "77@lid",
                            "message": {"conversation": "hi all"},
                        }
                    }
                ],
            }
        ]
    )
    (message,) = event.chats[0].messages
    assert (message.sender, message.is_group) == (Address(lid="77@lid"), True)


POLL = {"pollCreationMessageV3": {"name": "When?", "options": [{"optionName": "Today"}]}}
KEY = bytes(range(32))


@pytest.mark.parametrize(
    ("fields", "secret"),
    [
        (POLL | {"messageContextInfo": {"messageSecret": KEY}}, KEY),
        (
            {
                "ephemeralMessage": {"message": POLL},
                "messageContextInfo": {"messageSecret": KEY},
            },
            KEY,
        ),
        (
            {
                "deviceSentMessage": {
                    "message": POLL | {"messageContextInfo": {"messageSecret": KEY}}
                }
            },
            KEY,
        ),
        (POLL | {"messageContextInfo": {"messageSecret": b"short"}}, None),
        (POLL, None),
        ({"conversation": "Hi", "messageContextInfo": {"messageSecret": KEY}}, None),
    ],
)
def test_a_poll_brings_the_secret_that_its_votes_are_read_with(
    fields: dict[str, Any], secret: bytes | None
):
    (event,) = translated(wa_message(**fields))
    assert event.secret == secret


def test_a_poll_of_the_history_has_its_secret_beside_it():
    told = {"key": {"remoteJID": "77@lid", "fromMe": True, "ID": "M1"}, "message": POLL}
    item = {"message": told | {"messageSecret": KEY}}
    (event,) = history(conversations=[{"ID": "77@lid", "messages": [item]}])
    assert [one.secret for one in event.chats[0].messages] == [KEY]


def test_a_poll_of_the_history_has_the_votes_beside_it():
    def update(at: int, **key: Any) -> dict[str, Any]:
        ballot = {"selectedOptions": [b"hash"]}
        return {"pollUpdateMessageKey": key, "vote": ballot, "senderTimestampMS": at}

    updates = [update(1_700_000_000_123, participant="78@lid"), update(0, fromMe=True), update(0)]
    told = {"key": {"remoteJID": "77@lid", "ID": "M1"}, "message": POLL, "pollUpdates": updates}
    (event,) = history(conversations=[{"ID": "77@lid", "messages": [{"message": told}]}])
    (message,) = event.chats[0].messages
    assert message.votes == (
        OpenVote(Address(lid="78@lid"), False, (b"hash",), VOTED_AT),
        OpenVote(Address(), True, (b"hash",), None),
        OpenVote(Address(lid="77@lid"), False, (b"hash",), None),
    )


def test_names_of_the_history_are_translated():
    assert history(pushnames=[{"ID": "15550002000@s.whatsapp.net", "pushname": "Peer"}]) == [
        PushNames(((Address(phone="15550002000@s.whatsapp.net"), "Peer"),))
    ]


def test_unknown_kind_and_broken_payload_are_bad_raw_events():
    with pytest.raises(BadRawEvent, match="unknown kind"):
        translate(RawEvent("Nonsense", b"", NOW))
    with pytest.raises(BadRawEvent, match="no Message"):
        translate(RawEvent("Message", b"\xff\xff\xff", NOW))


def test_translating_does_not_load_the_engine():
    program = (
        "import sys, pathlib;"
        "from app.engine.raw import RawEvent; from app.engine.translate import translate;"
        f"data = pathlib.Path({str(_PAYLOADS / 'message_text.bin')!r}).read_bytes();"
        "translate(RawEvent.decode(data));"
        "maps = pathlib.Path('/proc/self/maps').read_text();"
        "print('neonize' in sys.modules, 'neonize' in maps)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.split() == ["False", "False"], done.stderr


def test_what_a_message_answers_is_translated():
    answer = wa_message()
    answer.documentWithCaptionMessage.message.documentMessage.caption = "Here"
    context = answer.documentWithCaptionMessage.message.documentMessage.contextInfo
    context.stanzaID, context.participant = "Q1", "123:4@lid"
    context.quotedMessage.imageMessage.caption = "Which?"
    (event,) = translated(answer)
    assert event.quoted == Quoted("Q1", Address(lid="123@lid"), "image", "Which?")
