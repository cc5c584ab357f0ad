"""What happens to a linked engine: networks that fail, phones that unlink, servers that refuse."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from app.sandbox.testing import Sandbox
from tests.sandbox.acts import (
    ALICE,
    ECHO_JID,
    FRIEND,
    FRIEND_JID,
    StartEngine,
    devices,
    link,
    receipts_for,
    received,
)
from tests.sandbox.engine import EngineError
from tests.waiting import wait_for

LINKED = f"{ALICE}:1@s.whatsapp.net"


def test_a_linked_engine_is_shown_with_its_name_and_keys(
    sandbox: Sandbox, start_engine: StartEngine
) -> None:
    link(sandbox, start_engine)
    (device,) = devices(sandbox)
    assert (device["device"], device["jid"], device["name"]) == (1, LINKED, "Neonize")
    assert (device["online"], device["available"], device["pending"]) == (True, False, 0)
    assert 800 < device["prekeys"] <= 812


def test_an_echo_answers_an_engine(sandbox: Sandbox, start_engine: StartEngine) -> None:
    engine = link(sandbox, start_engine)
    engine.do("send", to=ECHO_JID, text="есть кто?")
    message = wait_for(engine.messages, 10)[0]
    assert (message["text"], message["push_name"]) == ("Эхо: есть кто?", "Эхо")
    assert message["sender_alt"] == ECHO_JID


def test_presence_can_be_sent_and_makes_receipts_count(
    sandbox: Sandbox, start_engine: StartEngine
) -> None:
    engine = link(sandbox, start_engine)

    def is_available() -> bool:
        # Refused until the phone's app state has told the engine its push name.
        engine.do("try_presence")
        return bool(devices(sandbox)[0]["available"])

    wait_for(is_available, 10)
    message_id = sandbox.client.send(FRIEND, ALICE, "видно?")
    wait_for(lambda: message_id in receipts_for(sandbox, FRIEND, "delivered", device=1), 10)


def test_messages_wait_for_an_engine_that_is_away(
    sandbox: Sandbox, start_engine: StartEngine
) -> None:
    link(sandbox, start_engine).kill()
    wait_for(lambda: not devices(sandbox)[0]["online"])
    texts = [f"пока тебя нет {n}" for n in range(30)]
    for text in texts:
        sandbox.client.send(FRIEND, ALICE, text)
    assert devices(sandbox)[0]["pending"] == 30

    engine = start_engine(jid=LINKED)
    wait_for(lambda: len(engine.texts()) >= 30, 20)
    assert engine.texts() == texts
    assert "Message: 30" in engine.wait_for("OfflineSyncPreview")["text"]
    assert "Count: 30" in engine.wait_for("OfflineSyncCompleted")["text"]
    wait_for(lambda: devices(sandbox)[0]["pending"] == 0)


def test_an_engine_comes_back_after_a_lost_connection(
    sandbox: Sandbox, start_engine: StartEngine
) -> None:
    engine = link(sandbox, start_engine)
    sandbox.client.set_faults(drop=True)
    engine.wait_for("Disconnected")
    engine.wait_for("Connected", count=2)
    engine.do("send", to=FRIEND_JID, text="снова тут")
    assert [m["text"] for m in received(sandbox, FRIEND)] == ["снова тут"]


def test_an_engine_comes_back_after_an_outage(sandbox: Sandbox, start_engine: StartEngine) -> None:
    engine = link(sandbox, start_engine)
    sandbox.client.set_faults(refuse_connections=True, drop=True)
    engine.wait_for("Disconnected")
    sandbox.client.send(FRIEND, ALICE, "во время сбоя")
    sandbox.client.reset_faults()
    wait_for(lambda: engine.texts() == ["во время сбоя"], 20)


def test_a_connection_that_cannot_be_made_raises(
    sandbox: Sandbox, start_engine: StartEngine
) -> None:
    sandbox.client.set_faults(refuse_connections=True)
    assert "Service Unavailable" in start_engine().wait_for("connect_failed")["error"]


def test_the_phone_can_unlink_an_engine(sandbox: Sandbox, start_engine: StartEngine) -> None:
    engine = link(sandbox, start_engine)
    sandbox.client.remove_device(ALICE, 1)
    assert "OnConnect: false" in engine.wait_for("LoggedOut")["text"]
    assert devices(sandbox) == []


def test_an_engine_unlinked_while_away_is_told_at_its_login(
    sandbox: Sandbox, start_engine: StartEngine
) -> None:
    link(sandbox, start_engine).kill()
    wait_for(lambda: not devices(sandbox)[0]["online"])
    sandbox.client.remove_device(ALICE, 1)
    engine = start_engine(jid=LINKED)
    assert "OnConnect: true" in engine.wait_for("LoggedOut")["text"]


def test_an_engine_can_log_itself_out(sandbox: Sandbox, start_engine: StartEngine) -> None:
    engine = link(sandbox, start_engine)
    engine.do("logout")
    assert devices(sandbox) == []
    assert sandbox.client.log()[-1]["kind"] in ("logged_out", "disconnected")


def test_a_device_linked_again_gets_a_new_number(
    sandbox: Sandbox, start_engine: StartEngine
) -> None:
    link(sandbox, start_engine)
    sandbox.client.remove_device(ALICE, 1)
    again = start_engine("another")
    linked = sandbox.client.scan(again.wait_for("qr")["text"])
    again.wait_for("Connected")
    assert linked.device == 2
    again.do("send", to=FRIEND_JID, text="с нового устройства")
    assert received(sandbox, FRIEND)[-1]["device"] == 2


def test_an_unacknowledged_message_is_delivered_but_its_send_waits(
    sandbox: Sandbox, start_engine: StartEngine
) -> None:
    engine = link(sandbox, start_engine)
    sandbox.client.set_faults(ack_messages=False)
    sending = engine.start_doing("send", to=FRIEND_JID, text="дошло?")
    wait_for(lambda: [m["text"] for m in received(sandbox, FRIEND)] == ["дошло?"], 10)
    assert engine.find_answer(sending) is None

    # The engine sends the same message again on its new connection: it is not delivered twice.
    sandbox.client.reset_faults()
    sandbox.client.set_faults(drop=True)
    sent = engine.answer(sending)
    assert [m["id"] for m in received(sandbox, FRIEND)] == [sent["id"]]
    assert "duplicate" not in {entry["kind"] for entry in sandbox.client.log()}


def test_a_late_acknowledgement_ends_the_send(sandbox: Sandbox, start_engine: StartEngine) -> None:
    engine = link(sandbox, start_engine)
    sandbox.client.set_faults(ack_delay_ms=1500)
    sending = engine.start_doing("send", to=FRIEND_JID, text="подожди")
    wait_for(lambda: received(sandbox, FRIEND), 10)
    assert engine.find_answer(sending) is None
    assert engine.answer(sending)["id"] == received(sandbox, FRIEND)[0]["id"]


def test_nobody_can_be_written_to_who_is_not_on_the_network(
    sandbox: Sandbox, start_engine: StartEngine
) -> None:
    engine = link(sandbox, start_engine)
    with pytest.raises(EngineError, match="no LID found for 15559999999"):
        engine.do("send", to="15559999999@s.whatsapp.net", text="эй")
    with pytest.raises(EngineError, match="server returned error 404"):
        engine.do("send", to="1000@lid", text="эй")


def test_a_lost_message_reaches_nobody(sandbox: Sandbox, start_engine: StartEngine) -> None:
    engine = link(sandbox, start_engine)
    engine.do("send", to=FRIEND_JID, text="первое")
    sandbox.client.set_faults(lose_messages=True)
    sending = engine.start_doing("send", to=FRIEND_JID, text="пропало")
    sandbox.client.send(FRIEND, ALICE, "отметка времени")
    wait_for(lambda: engine.texts() == ["отметка времени"], 10)
    assert engine.find_answer(sending) is None
    assert [m["text"] for m in received(sandbox, FRIEND)] == ["первое"]


@pytest.mark.parametrize(
    ("code", "event", "text"),
    [
        (401, "LoggedOut", "LOGGED_OUT"),
        (403, "LoggedOut", "MAIN_DEVICE_GONE"),
        (402, "TemporaryBan", ""),
        (405, "ClientOutdated", ""),
    ],
)
def test_a_refused_login_tells_the_engine_why(
    sandbox: Sandbox, start_engine: StartEngine, code: int, event: str, text: str
) -> None:
    link(sandbox, start_engine).kill()
    sandbox.client.set_faults(login_failure=code)
    engine = start_engine(jid=LINKED)
    assert text in engine.wait_for(event)["text"]


def test_an_engine_tries_again_when_the_service_is_unavailable(
    sandbox: Sandbox, start_engine: StartEngine
) -> None:
    link(sandbox, start_engine).kill()
    sandbox.client.set_faults(number=ALICE, login_failure=503)
    engine = start_engine(jid=LINKED)
    engine.wait_for("Disconnected")
    sandbox.client.reset_faults()
    engine.wait_for("Connected")


def test_the_same_device_elsewhere_replaces_the_stream(
    sandbox: Sandbox, start_engine: StartEngine
) -> None:
    engine = link(sandbox, start_engine)
    sandbox.client.set_faults(replace=True)
    engine.wait_for("StreamReplaced")


def test_a_sandbox_goes_on_where_it_stopped(sandbox: Sandbox, start_engine: StartEngine) -> None:
    engine = link(sandbox, start_engine)
    engine.do("send", to=FRIEND_JID, text="до перезапуска")
    engine.kill()
    wait_for(lambda: not devices(sandbox)[0]["online"])
    sandbox.client.send(FRIEND, ALICE, "лежит в очереди")
    wait_for(lambda: sandbox.client.log()[-1]["kind"] == "receipt")
    before = sandbox.client.log()

    assert sandbox.stop() == 0
    sandbox.start()

    assert sandbox.client.log() == before
    back = start_engine(jid=LINKED)
    wait_for(lambda: back.texts() == ["лежит в очереди"], 20)
    back.do("send", to=FRIEND_JID, text="после перезапуска")
    assert [m["text"] for m in received(sandbox, FRIEND)] == ["до перезапуска", "после перезапуска"]


def test_an_engine_finds_a_sandbox_that_was_restarted(
    sandbox: Sandbox, start_engine: StartEngine
) -> None:
    engine = link(sandbox, start_engine)
    sandbox.stop()
    engine.wait_for("Disconnected")
    sandbox.start()
    engine.wait_for("Connected", count=2)
    sandbox.client.send(FRIEND, ALICE, "с возвращением")
    wait_for(lambda: engine.texts() == ["с возвращением"], 10)


def test_what_a_killed_sandbox_forgot_costs_no_later_message(
    sandbox: Sandbox, start_engine: StartEngine, tmp_path: Path
) -> None:
    engine = link(sandbox, start_engine)
    sandbox.client.send(FRIEND, ALICE, "раз")
    wait_for(lambda: engine.texts() == ["раз"], 10)
    sandbox.stop()
    memory, older = sandbox.folder / "world.sqlite", tmp_path / "older.sqlite"
    shutil.copy(memory, older)
    sandbox.start()
    engine.wait_for("Connected", count=2)
    for text in ("два", "три"):
        sandbox.client.send(FRIEND, ALICE, text)
    wait_for(lambda: engine.texts() == ["раз", "два", "три"], 10)

    sandbox.kill()
    for file in sandbox.folder.glob("world.sqlite-*"):
        file.unlink()
    shutil.copy(older, memory)  # it has forgotten the last two
    sandbox.start()
    engine.wait_for("Connected", count=3)
    for text in ("четыре", "пять"):
        sandbox.client.send(FRIEND, ALICE, text)
    wait_for(lambda: engine.texts()[3:] == ["четыре", "пять"], 10)
    engine.do("send", to=FRIEND_JID, text="и обратно")
    wait_for(lambda: [m["text"] for m in received(sandbox, FRIEND)] == ["и обратно"], 10)


def test_no_query_of_the_engine_stays_unanswered(
    sandbox: Sandbox, start_engine: StartEngine
) -> None:
    engine = link(sandbox, start_engine)
    engine.do("send", to=FRIEND_JID, text="раз")
    answer = engine.do("is_on_whatsapp", numbers=[f"+{FRIEND}", "15550000000"])
    assert [found["in"] for found in answer] == [True, False]
    engine.do("mark_read", ids=["3A00"], chat=FRIEND_JID, sender=FRIEND_JID)
    sandbox.client.set_faults(drop=True)
    engine.wait_for("Connected", count=2)
    sandbox.client.send(FRIEND, ALICE, "два")
    wait_for(engine.messages, 10)
    assert sandbox.client.state()["unhandled"] == []


def test_what_an_engine_cannot_read_is_sent_to_it_again(
    sandbox: Sandbox, start_engine: StartEngine
) -> None:
    engine = link(sandbox, start_engine)
    sandbox.client.send(FRIEND, ALICE, "целое")
    sandbox.client.set_faults(number=ALICE, garble_messages=True)
    message_id = sandbox.client.send(FRIEND, ALICE, "испорченное")
    wait_for(lambda: engine.texts() == ["целое", "испорченное"], 20)
    assert engine.wait_for("Undecryptable")["id"] == message_id
    retries = [e for e in sandbox.client.log() if e["kind"] == "retry"]
    assert [(e["account"], e["ids"], e["device"]) for e in retries] == [(FRIEND, [message_id], 1)]


def test_an_engine_sends_again_what_a_phone_cannot_read(
    sandbox: Sandbox, start_engine: StartEngine
) -> None:
    engine = link(sandbox, start_engine)
    engine.do("send", to=FRIEND_JID, text="раз")
    sandbox.client.send(FRIEND, ALICE, "ответ")
    wait_for(engine.messages, 10)
    sandbox.client.set_faults(number=FRIEND, forget_sessions=True)
    engine.do("send", to=FRIEND_JID, text="два")
    wait_for(lambda: [m["text"] for m in received(sandbox, FRIEND)] == ["раз", "два"], 20)
    assert "undecryptable" in [e["kind"] for e in sandbox.client.log()]
