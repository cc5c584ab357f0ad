"""Places, contact cards and polls through an unmodified engine, both ways."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from app.sandbox.client import SandboxError
from app.sandbox.testing import Sandbox
from tests.sandbox.acts import ALICE, FRIEND, FRIEND_JID, received
from tests.sandbox.engine import Engine
from tests.waiting import wait_for

OPTIONS = ["чай", "кофе", "вода"]


def _told(engine: Engine, message_id: str) -> dict[str, Any]:
    """The content of a message in the engine's event, once it has it."""
    found = wait_for(lambda: next((m for m in engine.messages() if m["id"] == message_id), {}), 10)
    return dict(found["content"])


def _last(network: Sandbox, message_id: str) -> dict[str, Any]:
    """What the friend's phone has written down of a message, once it has it."""
    return wait_for(
        lambda: next((m for m in received(network, FRIEND) if m["id"] == message_id), {}), 10
    )


def test_a_phone_sends_a_place_and_a_contact_card(network: Sandbox, engine: Engine) -> None:
    client = network.client
    sent = client.send_location(FRIEND, ALICE, 55.75, 37.62, name="Кремль", address="Москва")
    place = _told(engine, sent)["locationMessage"]
    assert (place["degreesLatitude"], place["degreesLongitude"]) == (55.75, 37.62)
    assert (place["name"], place["address"]) == ("Кремль", "Москва")
    card = _told(engine, client.send_contact(FRIEND, ALICE, "Пётр", "+15551000010"))
    assert card["contactMessage"]["displayName"] == "Пётр"
    assert "TEL;type=CELL;waid=15551000010:+15551000010" in card["contactMessage"]["vcard"]


def test_the_engine_votes_in_the_poll_of_a_phone(network: Sandbox, engine: Engine) -> None:
    poll = network.client.send_poll(FRIEND, ALICE, "Что нести?", OPTIONS)
    asked = _told(engine, poll)["pollCreationMessageV3"]
    assert [option["optionName"] for option in asked["options"]] == OPTIONS
    vote = engine.do("vote", to=FRIEND_JID, id=poll, options=["кофе"])["id"]
    entry = _last(network, vote)
    assert (entry["type"], entry["target"], entry["chosen"]) == ("vote", poll, ["кофе"])


def test_a_phone_votes_in_the_poll_of_the_engine(network: Sandbox, engine: Engine) -> None:
    poll = engine.do("poll", to=FRIEND_JID, question="Когда?", options=OPTIONS)["id"]
    told = _last(network, poll)["poll"]
    assert (told["question"], told["options"], told["choices"]) == ("Когда?", OPTIONS, 1)
    vote = network.client.vote(FRIEND, ALICE, poll, ["вода"])
    assert _told(engine, vote)["pollUpdateMessage"]["pollCreationMessageKey"]["ID"] == poll
    chosen = engine.do("read_vote", id=vote)
    assert chosen == [hashlib.sha256("вода".encode()).hexdigest()]


def test_a_vote_for_what_was_not_asked_is_refused(calm: Sandbox) -> None:
    poll = calm.client.send_poll(FRIEND, ALICE, "Что нести?", OPTIONS, choices=0)
    text = calm.client.send(FRIEND, ALICE, "не опрос")
    for poll_id, complaint in ((poll, "not one of the poll's options"), (text, "is not a poll")):
        with pytest.raises(SandboxError, match=complaint) as refused:
            calm.client.vote(FRIEND, ALICE, poll_id, ["пиво"])
        assert refused.value.status == 422
    calm.client.vote(FRIEND, ALICE, poll, ["чай", "вода"])
    entry = wait_for(lambda: [m for m in received(calm, ALICE) if m["type"] == "vote"], 10)[0]
    assert entry["chosen"] == ["чай", "вода"]
