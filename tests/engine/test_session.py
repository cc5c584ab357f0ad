"""The real engine on the sandbox: pair, open, send, receive, and everything that goes wrong."""

from __future__ import annotations

import re
import secrets
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from app.engine.events import (
    Connected,
    Disconnected,
    LoggedOut,
    MessageReceived,
    ReceiptKind,
    ReceiptReceived,
    SessionEnded,
    StreamReplaced,
    Text,
)
from app.sandbox.testing import Sandbox
from tests.engine.conftest import OWN_NUMBER, PEER, PEER_NUMBER, Link, messages_at
from tests.engine.driver import EngineProcess, Refused
from tests.waiting import wait_for

Session = tuple[EngineProcess, Link]
Start = Callable[[], EngineProcess]


def new_secret() -> str:
    return secrets.token_bytes(32).hex()


def test_pairing_tells_the_account_with_its_device_number(link: Callable[..., Link]):
    linked = link()
    assert linked.jid.startswith(f"{OWN_NUMBER}:")
    assert linked.phone == f"{OWN_NUMBER}@s.whatsapp.net"
    assert linked.lid.endswith("@lid")


def test_key_store_is_readable_for_its_owner_alone(link: Callable[..., Link]):
    assert stat.S_IMODE(link().store.stat().st_mode) == 0o600


def test_first_code_is_shown_for_a_minute(start_process: Start, sandbox: Sandbox, folder):
    process = start_process()
    store, proxy = str(folder / "keys.db"), sandbox.announcement.proxy_url
    process.start_doing("pair", store=store, proxy=proxy)
    expires_at = datetime.fromisoformat(process.wait_line("qr")["expires_at"])
    assert abs(expires_at - datetime.now(UTC) - timedelta(seconds=60)) < timedelta(seconds=3)


def test_pairing_without_a_network_says_so(start_process: Start, sandbox: Sandbox, folder):
    sandbox.client.set_faults(refuse_connections=True)
    store, proxy = str(folder / "keys.db"), sandbox.announcement.proxy_url
    outcome = start_process().do("pair", store=store, proxy=proxy)
    assert outcome["failed"] == "network_unreachable"


def test_pairing_ends_when_the_connection_is_lost(start_process: Start, sandbox: Sandbox, folder):
    process = start_process()
    store, proxy = str(folder / "keys.db"), sandbox.announcement.proxy_url
    number = process.start_doing("pair", store=store, proxy=proxy)
    process.wait_line("qr")
    sandbox.stop()
    assert process.answer(number)["failed"] == "pairing_cut_off"


def test_session_connects_after_the_pairing_process_has_left(session: Session):
    process, _ = session
    process.wait_event(Connected)


def test_text_is_sent_and_its_id_is_found_by_its_secret(session: Session, sandbox: Sandbox):
    process, linked = session
    process.wait_event(Connected)
    secret = new_secret()
    sent = process.do("send", jid=linked.jid, to=PEER, text="Привет", secret=secret)
    assert process.do("find", jid=linked.jid, secret=secret) == sent["id"]
    assert [(m["id"], m["text"]) for m in messages_at(sandbox)] == [(sent["id"], "Привет")]


def test_secret_of_a_message_never_sent_finds_nothing(session: Session):
    process, linked = session
    assert process.do("find", jid=linked.jid, secret=new_secret()) is None


def test_sent_message_is_reported_delivered_and_read(session: Session, sandbox: Sandbox):
    process, linked = session
    process.wait_event(Connected)
    sent = process.do("send", jid=linked.jid, to=PEER, text="hello", secret=new_secret())
    sandbox.client.read(PEER_NUMBER, OWN_NUMBER)
    peer_lid = sandbox.client.account(PEER_NUMBER)["lid"]

    def kinds() -> set[ReceiptKind]:
        receipts = process.events(ReceiptReceived)
        return {r.kind for r in receipts if r.ids == (sent["id"],) and r.chat.lid == peer_lid}

    wait_for(lambda: kinds() >= {ReceiptKind.DELIVERED, ReceiptKind.READ}, what="both receipts")


def test_text_is_received_with_both_names_of_its_sender(session: Session, sandbox: Sandbox):
    process, _ = session
    process.wait_event(Connected)
    message_id = sandbox.client.send(PEER_NUMBER, OWN_NUMBER, "Добрый день")
    message = process.wait_event(MessageReceived)
    assert (message.id, message.content) == (message_id, Text("Добрый день"))
    assert message.sender.phone == PEER
    assert message.chat == message.sender
    assert message.chat.lid is not None
    assert not message.from_me
    assert abs(datetime.now(UTC) - message.timestamp) < timedelta(minutes=1)


def test_read_messages_are_reported_to_their_sender(session: Session, sandbox: Sandbox):
    process, linked = session
    process.wait_event(Connected)
    sandbox.client.send(PEER_NUMBER, OWN_NUMBER, "read me")
    message = process.wait_event(MessageReceived)
    chat = message.chat.lid
    process.do("mark_read", jid=linked.jid, ids=[message.id], chat=chat, sender=chat)
    wait_for(
        lambda: [e for e in sandbox.client.log() if e["kind"] == "receipt" and e["type"] == "read"],
        what="a read receipt in the sandbox's journal",
    )


def test_account_is_shown_as_online_once_its_name_is_known(session: Session):
    process, linked = session
    process.wait_event(Connected)

    def shown() -> bool:
        try:
            process.do("available", jid=linked.jid, available=True)
        except Refused as refused:
            assert refused.slug == "push_name_unknown"
            return False
        return True

    wait_for(shown, what="the name has come from the phone")
    process.do("available", jid=linked.jid, available=False)


def test_key_store_that_is_a_folder_cannot_be_paired_into(start_process: Start, sandbox, folder):
    store, proxy = str(folder), sandbox.announcement.proxy_url
    outcome = start_process().do("pair", store=store, proxy=proxy)
    assert outcome["failed"] == "key_store_unwritable"


def test_whatsapp_tells_whether_a_number_is_registered(session: Session):
    process, linked = session
    process.wait_event(Connected)
    number = PEER.partition("@")[0]
    assert re.fullmatch("[0-9]+", process.do("lid_of", jid=linked.jid, phone=number))
    assert process.do("lid_of", jid=linked.jid, phone="15559999999") is None


def test_unknown_number_is_not_on_whatsapp(session: Session):
    process, linked = session
    process.wait_event(Connected)
    with pytest.raises(Refused) as refused:
        process.do(
            "send",
            jid=linked.jid,
            to="15559999999@s.whatsapp.net",
            text="anybody?",
            secret=new_secret(),
        )
    assert (refused.value.slug, refused.value.permanent) == ("not_on_whatsapp", True)
    assert not refused.value.may_have_left


def test_removal_on_the_phone_is_a_logout(session: Session, sandbox: Sandbox):
    process, linked = session
    process.wait_event(Connected)
    device = int(linked.jid.partition(":")[2].partition("@")[0])
    sandbox.client.remove_device(OWN_NUMBER, device)
    logged_out = process.wait_event(LoggedOut)
    assert logged_out == LoggedOut("phone_logged_out", on_connect=False)
    process.do("close", jid=linked.jid)
    with pytest.raises(Refused) as refused:
        process.do("open", **linked.opening)
    assert refused.value.slug == "link_ended"


def test_logout_here_unlinks_the_device_and_deletes_the_keys(session: Session, sandbox: Sandbox):
    process, linked = session
    process.wait_event(Connected)
    process.do("logout", jid=linked.jid)
    assert sandbox.client.account(OWN_NUMBER)["devices"] == []
    with pytest.raises(Refused) as refused:
        process.do("open", **linked.opening)
    assert refused.value.slug == "link_ended"


def test_missing_device_refuses_and_the_process_lives(session: Session):
    process, linked = session
    for jid in ("15550001000:99@s.whatsapp.net", "15550009999:1@s.whatsapp.net"):
        with pytest.raises(Refused) as refused:
            process.do("open", jid=jid, store=str(linked.store), proxy=linked.proxy)
        assert refused.value.slug == "link_ended"
    assert process.is_running()


def test_missing_key_store_refuses_and_is_not_created(start_process: Start, sandbox, folder):
    process, store = start_process(), folder / "none.db"
    with pytest.raises(Refused) as refused:
        process.do("open", jid="1:1@s.whatsapp.net", store=str(store), proxy="http://127.0.0.1:1")
    assert refused.value.slug == "keys_missing"
    assert not store.exists()


def test_first_connect_without_a_network_raises_and_a_later_one_works(
    link: Callable[..., Link], start_process: Start, sandbox: Sandbox
):
    linked, process = link(), start_process()
    sandbox.client.set_faults(refuse_connections=True)
    process.do("open", **linked.opening)
    with pytest.raises(Refused) as refused:
        process.do("start", jid=linked.jid)
    assert refused.value.slug == "network_unreachable"
    sandbox.client.reset_faults()
    process.do("open", **linked.opening)
    process.do("start", jid=linked.jid)
    process.wait_event(Connected)


def test_session_reconnects_by_itself_after_the_network_returns(session: Session, sandbox: Sandbox):
    process, linked = session
    process.wait_event(Connected)
    sandbox.client.set_faults(refuse_connections=True)
    sandbox.client.set_faults(number=OWN_NUMBER, drop=True)
    process.wait_event(Disconnected)
    with pytest.raises(Refused) as refused:
        process.do("send", jid=linked.jid, to=PEER, text="now?", secret=new_secret())
    assert (refused.value.slug, refused.value.may_have_left) == ("not_connected", False)
    sandbox.client.reset_faults()
    process.wait_event(Connected, count=2, seconds=30)
    process.do("send", jid=linked.jid, to=PEER, text="now.", secret=new_secret())


def test_login_elsewhere_replaces_the_session(session: Session, sandbox: Sandbox):
    process, _ = session
    process.wait_event(Connected)
    sandbox.client.set_faults(number=OWN_NUMBER, replace=True)
    process.wait_event(StreamReplaced)


def test_refused_login_is_a_logout_on_connect(
    link: Callable[..., Link], start_process: Start, sandbox: Sandbox
):
    linked, process = link(), start_process()
    sandbox.client.set_faults(number=OWN_NUMBER, login_failure=401)
    process.do("open", **linked.opening)
    process.do("start", jid=linked.jid)
    assert process.wait_event(LoggedOut) == LoggedOut("phone_logged_out", on_connect=True)


def test_closed_session_refuses_calls_and_opens_again(session: Session):
    process, linked = session
    process.wait_event(Connected)
    process.do("close", jid=linked.jid)
    process.do("close", jid=linked.jid)
    calls = [
        ("send", {"to": PEER, "text": "x", "secret": new_secret()}),
        ("mark_read", {"ids": ["1"], "chat": PEER, "sender": PEER}),
        ("available", {"available": True}),
        ("reject_call", {"call_id": "1", "caller": PEER}),
        ("check", {"limit": 1}),
        ("lid_of", {"phone": "15559999999"}),
        ("logout", {}),
    ]
    for what, arguments in calls:
        with pytest.raises(Refused) as refused:
            process.do(what, jid=linked.jid, **arguments)
        assert refused.value.slug == "not_connected"
    process.do("open", **linked.opening)
    process.do("start", jid=linked.jid)
    process.wait_event(Connected, count=2)


def test_session_can_be_closed_in_an_events_handler(
    link: Callable[..., Link], start_process: Start
):
    linked, process = link(), start_process()
    process.do("open", **linked.opening, close_on="Connected")
    process.do("start", jid=linked.jid)
    process.wait_line("closed_in_handler")
    with pytest.raises(Refused) as refused:
        process.do("available", jid=linked.jid, available=True)
    assert refused.value.slug == "not_connected"


def test_closing_does_not_wait_for_an_unanswered_send(session: Session, sandbox: Sandbox):
    process, linked = session
    process.wait_event(Connected)
    sandbox.client.set_faults(ack_messages=False)
    number = process.start_doing("send", jid=linked.jid, to=PEER, text="slow", secret=new_secret())
    wait_for(lambda: messages_at(sandbox), what="the peer has the message")
    process.do("close", jid=linked.jid, seconds=8)
    with pytest.raises(Refused) as refused:
        process.answer(number)
    assert refused.value.may_have_left


def test_engine_that_leaves_a_session_tells(session: Session):
    process, linked = session
    process.wait_event(Connected)
    process.do("break_pump", jid=linked.jid)
    process.wait_event(SessionEnded)
    with pytest.raises(Refused) as refused:
        process.do("available", jid=linked.jid, available=True)
    assert refused.value.slug == "not_connected"


def test_two_sessions_of_one_number_live_side_by_side(
    link: Callable[..., Link], start_process: Start, folder
):
    first = link()
    first.store = first.store.rename(folder / "first.db")
    second, process = link(), start_process()
    for linked in (first, second):
        process.do("open", **linked.opening)
        process.do("start", jid=linked.jid)
    process.wait_event(Connected, count=2)
    process.do("close", jid=first.jid)
    sent = process.do("send", jid=second.jid, to=PEER, text="still here", secret=new_secret())
    assert sent["id"]


def test_output_of_the_engine_goes_to_its_log(session: Session):
    process, _ = session
    assert "Press Ctrl+C" in process.log_file.read_text()
