"""What arrives: stored once, in order, through crashes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from flask import Flask
from sqlalchemy import select

from app.core.media import FileFacts, MediaKind, MediaState, RemoteFile
from app.core.states import InstanceState, MessageStatus
from app.engine.address import Address
from app.engine.errors import KeysMissing
from app.engine.events import (
    Disconnected,
    File,
    HistoryChat,
    HistoryReceived,
    LoggedOut,
    MessageUndecryptable,
    PushNames,
    ReceiptKind,
    StreamReplaced,
)
from app.engine.raw import RawEvent
from app.extensions import db
from app.models import Activity, Delivery, Media
from app.models.message import OUTGOING
from app.sessions.host import SessionHost
from app.sessions.inbox import BATCH
from tests import factories
from tests.sessions.scripted.engine import ScriptedEngine
from tests.sessions.scripted.look import PATIENCE, PEER, Look, incoming, leave_spool, receipt
from tests.waiting import wait_for


def test_spool_of_a_dead_host_is_committed_first_and_removed(
    look: Look, engine: ScriptedEngine, app: Flask, new_host: Callable[[], SessionHost]
) -> None:
    path = leave_spool(app, look, engine.raw_of(incoming()), engine.raw_of(incoming()))
    look.open_on(new_host())
    look.wait_state(InstanceState.CONNECTED)

    assert [message.body for message in look.messages] == ["Hi"]
    assert not path.exists()


def test_file_is_expected_with_its_message_and_known_once(
    opened: SessionHost, look: Look, engine: ScriptedEngine, app: Flask
) -> None:
    facts = FileFacts(MediaKind.IMAGE, "a\0/b.png", "image/png\0", size=5)
    photo = File(facts, "See this\0", RemoteFile("/v/x?y=1", b"k" * 32, b"h" * 32))
    for _ in range(2):
        engine.tell(incoming(content=photo))

    wait_for(lambda: look.messages, PATIENCE, "the message is stored")
    engine.tell(incoming("Later", "A2"))
    wait_for(lambda: len(look.messages) == 2, PATIENCE)
    with app.app_context():
        (row,) = db.session.scalars(select(Media))
        assert (row.state, row.file_name) == (MediaState.WAITING, "b.png")
        assert row.claimed_mime == "image/png"
        assert (look.messages[0].kind, look.messages[0].body) == ("image", "See this")


def test_connection_of_a_dead_host_is_no_news(
    look: Look, engine: ScriptedEngine, app: Flask, new_host: Callable[[], SessionHost]
) -> None:
    leave_spool(app, look, engine.raw_of(StreamReplaced()), engine.raw_of(Disconnected()))
    look.open_on(new_host())

    look.wait_state(InstanceState.CONNECTED)


def test_unlinking_that_a_dead_host_heard_of_explains_the_missing_keys(
    look: Look, engine: ScriptedEngine, app: Flask, new_host: Callable[[], SessionHost]
) -> None:
    leave_spool(app, look, engine.raw_of(LoggedOut("phone_logged_out", False)))
    engine.open_error = KeysMissing("gone")
    look.open_on(new_host())

    look.wait_state(InstanceState.LOGGED_OUT, "phone_logged_out")


def test_event_nobody_understands_is_set_aside_and_blocks_nothing(
    opened: SessionHost, look: Look, engine: ScriptedEngine, app: Flask
) -> None:
    session = engine.sessions[-1]
    session.tell(incoming("Before", "A1"))
    session.on_event(RawEvent("nonsense", b"?", datetime.now(UTC)))
    session.tell(incoming("After", "A2"))

    wait_for(lambda: {one.body for one in look.messages} == {"Before", "After"}, PATIENCE)
    folder = app.config["SETTINGS"].spool_dir / str(look.instance.account_id)
    assert b"nonsense" in (folder / "set-aside").read_bytes()
    with app.app_context():
        kinds = set(db.session.scalars(select(Activity.kind)))
        assert "session:event:set_aside" in kinds


def test_message_is_stored_once_with_its_chat_and_its_webhook(
    opened: SessionHost, look: Look, engine: ScriptedEngine, app: Flask
) -> None:
    with app.app_context():
        factories.endpoint(look.instance)
    engine.tell(incoming())
    engine.tell(incoming())
    engine.tell(incoming("Second", "A2"))

    wait_for(lambda: len(look.messages) == 2, PATIENCE)
    (chat,) = look.chats
    assert (chat.phone, chat.lid, chat.name) == ("15552000001", "90001", "Anna")
    assert (chat.unread, chat.last_text) == (2, "Second")
    with app.app_context():
        assert len(db.session.scalars(select(Delivery)).all()) == 2


def test_message_sent_on_the_phone_is_stored_as_ours(
    opened: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    engine.tell(incoming("From the phone", from_me=True, push_name="Owner"))

    wait_for(lambda: look.messages, PATIENCE)
    (message,) = look.messages
    assert (message.direction, message.source) == (OUTGOING, "phone")
    assert [(chat.unread, chat.name) for chat in look.chats] == [(0, "")]


def test_reading_on_the_phone_reads_here(
    opened: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    engine.tell(incoming())
    wait_for(lambda: [chat.unread for chat in look.chats] == [1], PATIENCE)

    engine.tell(receipt(ReceiptKind.READ_SELF, "A1"))

    wait_for(lambda: [chat.unread for chat in look.chats] == [0], PATIENCE)


def test_history_fills_chats_and_tells_nobody(
    opened: SessionHost, look: Look, engine: ScriptedEngine, app: Flask
) -> None:
    with app.app_context():
        factories.endpoint(look.instance)
    old = datetime(2026, 1, 1, tzinfo=UTC)
    newest_first = (
        incoming("Two", "H2", timestamp=old + timedelta(minutes=1)),
        incoming("One", "H1", timestamp=old),
    )
    engine.tell(HistoryReceived((HistoryChat(PEER, "Anna B", 3, newest_first),)))

    wait_for(lambda: len(look.messages) == 2, PATIENCE)
    assert [one.body for one in look.messages] == ["One", "Two"]
    assert [chat.name for chat in look.chats] == ["Anna B"]
    with app.app_context():
        assert db.session.scalars(select(Delivery)).all() == []


def test_history_is_as_unread_as_it_is_on_the_phone(
    opened: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    old = datetime(2026, 1, 1, tzinfo=UTC)
    newest_first = [
        incoming(f"N{number}", f"N{number}", timestamp=old + timedelta(minutes=number))
        for number in range(BATCH + 5, 0, -1)
    ]
    newest_first.insert(1, incoming("Ours", "OURS", from_me=True, timestamp=old))
    part = HistoryChat(PEER, "Anna", 3, tuple(newest_first))
    engine.tell(HistoryReceived((part,)))
    wait_for(lambda: len(look.messages) == BATCH + 6, PATIENCE)
    assert [chat.unread for chat in look.chats] == [3]

    older = incoming("Older", "O1", timestamp=old - timedelta(days=1))
    again = replace(part, messages=(*newest_first[:2], older))
    engine.tell(HistoryReceived((again,)))

    wait_for(lambda: len(look.messages) == BATCH + 7, PATIENCE)
    assert [chat.unread for chat in look.chats] == [3]


def test_ours_in_the_history_has_come_as_far_as_the_phone_knows(
    opened: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    ours = incoming("Ours", "H1", from_me=True)
    read = replace(incoming("Seen", "H2", from_me=True), heard=ReceiptKind.READ)
    engine.tell(HistoryReceived((HistoryChat(PEER, "Anna", 0, (read, ours)),)))

    wait_for(lambda: len(look.messages) == 2, PATIENCE)
    statuses = {one.body: one.status for one in look.messages}
    assert statuses == {"Ours": MessageStatus.SENT, "Seen": MessageStatus.READ}


def test_push_names_name_chats_that_have_none(
    opened: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    look.queue("Hello")
    engine.tell(PushNames(((PEER, "Anna"), (Address(lid="7@lid"), "Nobody we know"))))

    wait_for(lambda: [chat.name for chat in look.chats] == ["Anna"], PATIENCE)


def test_message_for_the_phone_alone_keeps_its_place(
    opened: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    now = datetime.now(UTC)
    for number, unavailable in (("U1", True), ("U2", False)):
        engine.tell(MessageUndecryptable(number, PEER, PEER, False, now, "Anna", unavailable))
    engine.tell(incoming("After", "A1"))

    wait_for(lambda: len(look.messages) == 2, PATIENCE)
    assert {(one.wa_id, one.kind) for one in look.messages} == {
        ("U1", "unavailable"),
        ("A1", "text"),
    }


def test_status_updates_are_no_chats(
    opened: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    engine.tell(incoming("Story", "S1", chat=Address(other="status@broadcast")))
    engine.tell(incoming("Message", "A1"))

    wait_for(lambda: look.messages, PATIENCE)
    assert [one.body for one in look.messages] == ["Message"]
