"""Several engines at once: on one account, and on both ends of a chat."""

from __future__ import annotations

import pytest

from app.sandbox.testing import Sandbox
from tests.sandbox.acts import (
    ALICE,
    FRIEND,
    FRIEND_JID,
    READ,
    StartEngine,
    devices,
    link,
    receipts,
    received,
)
from tests.sandbox.engine import Engine, EngineError
from tests.waiting import wait_for

ALICE_JID = f"{ALICE}@s.whatsapp.net"
# What the engine warns of when it did not know all devices of a chat.
WRONG_DEVICES = "different participant list hash"


def _own_texts(engine: Engine) -> list[str]:
    """What the account has written elsewhere, as this engine was told."""
    return [m["text"] for m in engine.events("Message") if m["from_me"] and not m["category"]]


def test_engines_on_both_ends_write_to_each_other(
    sandbox: Sandbox, start_engine: StartEngine
) -> None:
    alice = link(sandbox, start_engine, ALICE, "alice")
    friend = link(sandbox, start_engine, FRIEND, "friend")
    alice.do("send", to=FRIEND_JID, text="ты тут?")
    wait_for(lambda: friend.texts() == ["ты тут?"], 10)
    friend.do("send", to=ALICE_JID, text="тут")
    wait_for(lambda: alice.texts() == ["тут"], 10)
    assert [m["text"] for m in received(sandbox, FRIEND)] == ["ты тут?"]
    assert [(m["text"], m["device"]) for m in received(sandbox, ALICE)] == [("тут", 1)]


def test_all_devices_of_an_account_see_what_one_of_them_writes(
    sandbox: Sandbox, start_engine: StartEngine
) -> None:
    first = link(sandbox, start_engine, ALICE, "first")
    second = link(sandbox, start_engine, ALICE, "second")
    first.do("send", to=FRIEND_JID, text="с первого")
    wait_for(lambda: _own_texts(second) == ["с первого"], 10)
    sandbox.client.send(ALICE, FRIEND, "с телефона")
    wait_for(lambda: _own_texts(second) == ["с первого", "с телефона"], 10)
    wait_for(lambda: _own_texts(first) == ["с телефона"], 10)
    sent = [
        (entry["text"], entry["device"])
        for entry in sandbox.client.log()
        if (entry["kind"], entry.get("direction")) == ("message", "sent")
    ]
    assert sent == [("с первого", 1), ("с телефона", 0)]


def test_a_device_linked_later_gets_what_is_written_to_its_account(
    sandbox: Sandbox, start_engine: StartEngine
) -> None:
    alice = link(sandbox, start_engine, ALICE, "alice")
    alice.do("send", to=FRIEND_JID, text="пока только телефон")
    friend = link(sandbox, start_engine, FRIEND, "friend")
    wait_for(lambda: devices(sandbox, ALICE)[0]["pending"] == 0)
    alice.do("send", to=FRIEND_JID, text="теперь и компьютер")
    wait_for(lambda: friend.texts() == ["теперь и компьютер"], 10)
    assert WRONG_DEVICES not in alice.log_file.read_text()


def test_a_device_that_is_gone_is_not_written_to(
    sandbox: Sandbox, start_engine: StartEngine
) -> None:
    alice = link(sandbox, start_engine, ALICE, "alice")
    friend = link(sandbox, start_engine, FRIEND, "friend")
    alice.do("send", to=FRIEND_JID, text="обоим")
    wait_for(lambda: friend.texts() == ["обоим"], 10)
    sandbox.client.remove_device(FRIEND, 1)
    wait_for(lambda: devices(sandbox, ALICE)[0]["pending"] == 0)
    alice.do("send", to=FRIEND_JID, text="только телефону")
    assert [m["text"] for m in received(sandbox, FRIEND)] == ["обоим", "только телефону"]
    assert friend.texts() == ["обоим"]
    assert WRONG_DEVICES not in alice.log_file.read_text()


def test_what_one_device_mutes_is_muted_on_the_phone_and_the_other_device(
    sandbox: Sandbox, start_engine: StartEngine
) -> None:
    first = link(sandbox, start_engine, ALICE, "first")
    second = link(sandbox, start_engine, ALICE, "second")
    first.do("mute", chat=FRIEND_JID, muted=True)
    assert sandbox.client.kept(ALICE)[FRIEND_JID]["muted_until"] == -1
    wait_for(lambda: second.do("kept", chat=FRIEND_JID)["muted"], 10)
    second.do("mute", chat=FRIEND_JID, muted=False)
    wait_for(lambda: not first.do("kept", chat=FRIEND_JID)["muted"], 10)
    told = [one for one in sandbox.client.log() if one["kind"] == "kept"]
    assert [(one["device"], one["changed"], one["muted_until"]) for one in told] == [
        (1, "muted_until", -1),
        (2, "muted_until", 0),
    ]


def test_what_the_phone_keeps_otherwise_is_so_on_its_devices(
    sandbox: Sandbox, start_engine: StartEngine
) -> None:
    engine = link(sandbox, start_engine)
    sandbox.client.keep(ALICE, FRIEND, pinned=True)
    sandbox.client.keep(ALICE, FRIEND, archived=True, muted_until=-1)
    archived = {"muted": True, "pinned": False, "archived": True}
    wait_for(lambda: engine.do("kept", chat=FRIEND_JID) == archived, 10)
    engine.do("mute", chat=FRIEND_JID, muted=False)  # on top of the phone's own patch
    assert sandbox.client.kept(ALICE)[FRIEND_JID]["muted_until"] == 0


def test_a_patch_of_an_engine_that_was_not_mended_is_refused(
    sandbox: Sandbox, start_engine: StartEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names no collection, and WhatsApp has none without a name."""
    monkeypatch.setenv("UNMENDED", "1")
    engine = link(sandbox, start_engine)
    with pytest.raises(EngineError, match="400"):
        engine.do("mute", chat=FRIEND_JID, muted=True)
    assert sandbox.client.kept(ALICE) == {}


def test_a_device_knows_the_phones_address_book(
    sandbox: Sandbox, start_engine: StartEngine
) -> None:
    engine = link(sandbox, start_engine)
    wait_for(lambda: [FRIEND_JID, "Молчун"] in engine.do("contacts"), 10)


def test_read_receipts_reach_every_device_of_the_sender(
    sandbox: Sandbox, start_engine: StartEngine
) -> None:
    first = link(sandbox, start_engine, ALICE, "first")
    second = link(sandbox, start_engine, ALICE, "second")
    sent = first.do("send", to=FRIEND_JID, text="прочитай")["id"]
    wait_for(lambda: received(sandbox, FRIEND))
    sandbox.client.read(FRIEND, ALICE)
    wait_for(lambda: receipts(first, READ) == {sent}, 10)
    wait_for(lambda: receipts(second, READ) == {sent}, 10)
