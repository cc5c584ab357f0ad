"""Replies, reactions, edits and deletions through an unmodified engine, both ways."""

from __future__ import annotations

from typing import Any

from app.sandbox.testing import Sandbox
from tests.sandbox.acts import ALICE, FRIEND, FRIEND_JID, receipts, received
from tests.sandbox.engine import Engine
from tests.waiting import wait_for

PLAYED = 6  # neonize's number for receipts of voice notes that were listened to


def _told(engine: Engine, message_id: str) -> dict[str, Any]:
    """The content of a message in the engine's event, once it has it."""
    found = wait_for(lambda: next((m for m in engine.messages() if m["id"] == message_id), {}), 10)
    return dict(found["content"])


def _last(network: Sandbox, message_id: str) -> dict[str, Any]:
    """What the friend's phone has written down of a message, once it has it."""
    return wait_for(
        lambda: next((m for m in received(network, FRIEND) if m["id"] == message_id), {}), 10
    )


def test_a_phone_replies_reacts_edits_and_deletes(network: Sandbox, engine: Engine) -> None:
    client = network.client
    asked = engine.do("send", to=FRIEND_JID, text="Придёте?")["id"]
    _last(network, asked)

    reply = client.send(FRIEND, ALICE, "Да, в шесть", quote=asked)
    quoted = _told(engine, reply)["extendedTextMessage"]
    assert (quoted["text"], quoted["contextInfo"]["stanzaID"]) == ("Да, в шесть", asked)
    assert quoted["contextInfo"]["quotedMessage"] == {"conversation": "Придёте?"}
    assert quoted["contextInfo"]["participant"] == client.account(ALICE)["lid"]

    reaction = _told(engine, client.react(FRIEND, ALICE, asked, "👍"))["reactionMessage"]
    assert (reaction["text"], reaction["key"]["ID"]) == ("👍", asked)
    assert not reaction["key"].get("fromMe")
    taken_back = _told(engine, client.react(FRIEND, ALICE, asked, ""))["reactionMessage"]
    assert (taken_back.get("text", ""), taken_back["key"]["ID"]) == ("", asked)

    edit = _told(engine, client.edit(FRIEND, ALICE, reply, "Да, в семь"))["protocolMessage"]
    assert (edit["type"], edit["key"]["ID"]) == ("MESSAGE_EDIT", reply)
    assert edit["editedMessage"] == {"conversation": "Да, в семь"}

    deletion = _told(engine, client.delete(FRIEND, ALICE, reply))["protocolMessage"]
    assert (deletion.get("type", "REVOKE"), deletion["key"]["ID"]) == ("REVOKE", reply)
    assert deletion["key"]["fromMe"] is True


def test_a_file_can_be_quoted(network: Sandbox, engine: Engine) -> None:
    sent = network.client.send_media(FRIEND, ALICE, "video", b"film", caption="Кино")
    reply = network.client.send(FRIEND, ALICE, "вот", quote=sent)
    context = _told(engine, reply)["extendedTextMessage"]["contextInfo"]
    assert context["quotedMessage"]["videoMessage"]["caption"] == "Кино"


def test_the_engine_replies_reacts_edits_and_deletes(network: Sandbox, engine: Engine) -> None:
    asked = network.client.send(FRIEND, ALICE, "Сколько стоит?")
    _told(engine, asked)

    reply = engine.do("reply", to=FRIEND_JID, id=asked, text="Сто")["id"]
    entry = _last(network, reply)
    assert (entry["type"], entry["text"]) == ("text", "Сто")
    assert (entry["quoted"]["id"], entry["quoted"]["text"]) == (asked, "Сколько стоит?")

    reaction = engine.do("react", to=FRIEND_JID, id=asked, emoji="🙏")["id"]
    entry = _last(network, reaction)
    assert (entry["type"], entry["text"], entry["target"]) == ("reaction", "🙏", asked)

    edit = engine.do("edit", to=FRIEND_JID, id=reply, text="Двести")["id"]
    edited = wait_for(lambda: [m for m in received(network, FRIEND) if m["type"] == "edit"], 10)
    assert (edited[-1]["text"], edited[-1]["target"]) == ("Двести", reply), edit

    engine.do("delete", to=FRIEND_JID, id=reply)
    deleted = wait_for(lambda: [m for m in received(network, FRIEND) if m["type"] == "delete"], 10)
    assert deleted[-1]["target"] == reply


def test_a_voice_note_is_listened_to(network: Sandbox, engine: Engine) -> None:
    sent = engine.do("send", to=FRIEND_JID, text="считай, голосовое")["id"]
    _last(network, sent)
    network.client.play(FRIEND, ALICE, sent)
    wait_for(lambda: sent in receipts(engine, PLAYED), 10)
