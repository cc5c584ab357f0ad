"""The real engine on the sandbox network: from the QR code to ticks and replies."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from sqlalchemy import select

from app.core.details import Card, Place, Poll, as_data, said_in
from app.core.periods import Period
from app.core.states import InstanceState, MessageStatus
from app.extensions import db
from app.models import Message, Quote
from app.models.message import INCOMING
from app.services import amending, messaging, statistics
from app.transaction import transaction
from tests.sessions.live.conftest import OWN_NUMBER, PATIENCE, PEER_NUMBER, Product
from tests.waiting import wait_for


def test_phone_is_linked_and_its_session_opened(linked: tuple[Product, str]) -> None:
    product, instance_id = linked

    instance = product.instance(instance_id)
    assert instance.account is not None
    assert instance.account.phone == OWN_NUMBER
    device = product.sandbox.client.account(OWN_NUMBER)["devices"][0]
    assert instance.account.device == device["device"]
    assert device["online"]


def test_queued_text_is_delivered_and_its_ticks_move(linked: tuple[Product, str]) -> None:
    product, instance_id = linked

    message_id = product.queue(instance_id, "Hello")

    wait_for(lambda: product.received(), PATIENCE, "the text arrives")
    assert [entry["text"] for entry in product.received()] == ["Hello"]
    wait_for(lambda: product.message(message_id).status == MessageStatus.DELIVERED, PATIENCE)
    product.sandbox.client.read(PEER_NUMBER, OWN_NUMBER)
    wait_for(lambda: product.message(message_id).status == MessageStatus.READ, PATIENCE)


def test_reply_is_stored_once_in_the_chat_it_answers(linked: tuple[Product, str]) -> None:
    product, instance_id = linked
    product.queue(instance_id, "Hello")
    wait_for(lambda: product.received(), PATIENCE)

    product.sandbox.client.send(PEER_NUMBER, OWN_NUMBER, "Hello yourself")

    wait_for(lambda: len(product.messages(instance_id)) == 2, PATIENCE)
    chat, *others = product.chats(instance_id)
    assert not others
    assert (chat.unread, chat.last_text, chat.name) == (1, "Hello yourself", "Peer")
    expected = {("Hello", MessageStatus.DELIVERED), ("Hello yourself", MessageStatus.RECEIVED)}
    wait_for(
        lambda: {(one.body, one.status) for one in product.messages(instance_id)} == expected,
        PATIENCE,
        "the reply and the receipt are written down, in whichever order",
    )


def test_answers_carry_what_they_answer_both_ways(linked: tuple[Product, str]) -> None:
    product, instance_id = linked
    client = product.sandbox.client
    asked = client.send(PEER_NUMBER, OWN_NUMBER, "When?")
    wait_for(lambda: product.messages(instance_id), PATIENCE, "the question is here")
    values = {"to": PEER_NUMBER, "text": "At five", "source": "api", "country": "RU"}
    answer_id = product.act(messaging.queue_text, instance_id, **values, reply_to=asked)

    wait_for(lambda: product.received(), PATIENCE, "the answer is on the phone")
    (answer,) = product.received()
    assert (answer["quoted"]["id"], answer["quoted"]["text"]) == (asked, "When?")
    wait_for(lambda: product.message(answer_id).wa_id, PATIENCE, "its id is known")

    client.send(PEER_NUMBER, OWN_NUMBER, "Good", quote=str(answer["id"]))

    wait_for(lambda: len(product.messages(instance_id)) == 3, PATIENCE, "the thanks are here")
    with product.app.app_context():
        (thanks,) = [one for one in product.messages(instance_id) if one.body == "Good"]
        quote = db.session.get_one(Quote, thanks.id)
        assert (quote.original_id, quote.from_me, quote.text) == (answer_id, True, "At five")


def test_places_contact_cards_and_polls_go_both_ways(linked: tuple[Product, str]) -> None:
    product, instance_id = linked
    place = Place(55.7539, 37.6208, "Shop", "1 Red Square")
    cards = [Card("Anna; Smirnova, Ltd", ("79161234567",)), Card("Boris", ("79161234568",))]
    poll = Poll("When?", ("Today", "Tomorrow"), 1)
    values = {"to": PEER_NUMBER, "source": "api", "country": "RU"}
    for said in (place, cards[:1], cards, poll):
        product.act(messaging.queue_details, instance_id, said=said, **values)

    wait_for(lambda: len(product.received()) == 4, PATIENCE, "all of it is on the phone")
    got = product.received()
    assert got[0]["location"] == as_data(place)["location"]
    assert got[1]["contact"]["name"] == "Anna; Smirnova, Ltd"
    assert "FN:Anna\\; Smirnova\\, Ltd\n" in got[1]["contact"]["vcard"]
    assert "waid=79161234567:+79161234567" in got[1]["contact"]["vcard"]
    assert [card["name"] for card in got[2]["contacts"]] == [card.name for card in cards]
    asked = got[3]["poll"]
    assert (asked["question"], asked["options"]) == ("When?", ["Today", "Tomorrow"])
    assert (asked["choices"], len(asked["secret"])) == (1, 64)

    client = product.sandbox.client
    client.send_location(PEER_NUMBER, OWN_NUMBER, 1.5, -2.25, name="Кремль", address="Москва")
    client.send_contact(PEER_NUMBER, OWN_NUMBER, "Вера", "15551000010")
    client.send_poll(PEER_NUMBER, OWN_NUMBER, "Когда?", ["Сегодня", "Завтра"], 0)

    def came() -> list[Message]:
        return [one for one in product.messages(instance_id) if one.direction == INCOMING]

    wait_for(lambda: len(came()) == 3, PATIENCE, "what the contact sent is here")
    assert {one.body: said_in(one.details) for one in came()} == {
        "Кремль, Москва": Place(1.5, -2.25, "Кремль", "Москва"),
        "Вера": [Card("Вера", ("15551000010",))],
        "Когда?": Poll("Когда?", ("Сегодня", "Завтра"), 0),
    }


def test_reactions_edits_and_deletions_of_contacts_are_kept(linked: tuple[Product, str]) -> None:
    product, instance_id = linked
    client = product.sandbox.client
    ours = product.queue(instance_id, "Ready")
    wait_for(lambda: product.received(), PATIENCE, "ours is on the phone")
    wait_for(lambda: product.message(ours).wa_id, PATIENCE, "its id is known")
    said = client.send(PEER_NUMBER, OWN_NUMBER, "At sevn")
    gone = client.send(PEER_NUMBER, OWN_NUMBER, "Oops")
    client.react(PEER_NUMBER, OWN_NUMBER, str(product.message(ours).wa_id), "👍")
    client.edit(PEER_NUMBER, OWN_NUMBER, said, "At seven")
    client.delete(PEER_NUMBER, OWN_NUMBER, gone)

    def state() -> dict[str | None, tuple[str, bool, list[str]]]:
        with product.app.app_context():
            rows = db.session.scalars(select(Message).where(Message.instance_id == instance_id))
            return {
                row.wa_id: (row.body, bool(row.deleted_at), [one.emoji for one in row.reactions])
                for row in rows
            }

    expected = {
        product.message(ours).wa_id: ("Ready", False, ["👍"]),
        said: ("At seven", False, []),
        gone: ("", True, []),
    }
    wait_for(lambda: state() == expected, PATIENCE, "all of it is here, and nothing else")


def test_our_reactions_edits_and_deletions_are_on_the_phone_and_here(
    linked: tuple[Product, str],
) -> None:
    product, instance_id = linked
    client = product.sandbox.client
    asked = client.send(PEER_NUMBER, OWN_NUMBER, "When?")
    first, second = product.queue(instance_id, "At sevn"), product.queue(instance_id, "Oops")
    wait_for(
        lambda: all(product.message(one).wa_id for one in (first, second)),
        PATIENCE,
        "both are sent",
    )
    (question,) = [one for one in product.messages(instance_id) if one.wa_id == asked]
    with product.app.app_context(), transaction() as session:
        amending.react(session.get_one(Message, question.id), "👍", source="api")
        amending.edit(session.get_one(Message, first), "At seven", source="api")
        amending.remove(session.get_one(Message, second), source="api")

    wait_for(lambda: len(product.received()) == 5, PATIENCE, "all of it is on the phone")
    told = [(one["type"], one["text"], one["target"]) for one in product.received()[2:]]
    ids = [product.message(one).wa_id for one in (first, second)]
    assert told == [("reaction", "👍", asked), ("edit", "At seven", ids[0]), ("delete", "", ids[1])]

    def state() -> list[object]:
        with product.app.app_context():
            mine, gone = (db.session.get_one(Message, one) for one in (first, second))
            theirs = db.session.get_one(Message, question.id)
            reactions = [(one.emoji, one.from_me) for one in theirs.reactions]
            return [mine.body, gone.body, gone.deleted_at is not None, reactions]

    expected = ["At seven", "", True, [("👍", True)]]
    wait_for(lambda: state() == expected, PATIENCE, "and so it is here")


def test_session_is_back_when_its_host_was_killed(linked: tuple[Product, str]) -> None:
    product, instance_id = linked
    product.kill("sessions")
    product.start("sessions")
    message_id = product.queue(instance_id, "After the crash")

    wait_for(lambda: product.message(message_id).status == MessageStatus.DELIVERED, PATIENCE)
    product.wait_state(instance_id, InstanceState.CONNECTED)


def test_statistics_equal_the_networks_own_log(linked: tuple[Product, str]) -> None:
    product, instance_id = linked
    client = product.sandbox.client
    for number in range(3):
        product.queue(instance_id, f"Hello {number}")
    wait_for(lambda: len(product.received()) == 3, PATIENCE, "all of ours are there")
    client.read(PEER_NUMBER, OWN_NUMBER)
    for number in range(2):
        client.send(PEER_NUMBER, OWN_NUMBER, f"Hello yourself {number}")
    client.send(OWN_NUMBER, PEER_NUMBER, "From the phone")

    def counts() -> statistics.Counts:
        with product.app.app_context():
            owner_id = product.instance(instance_id).owner_id
            scope = statistics.Scope(owner_id, product.instance(instance_id))
            return statistics.report(scope, Period.WEEK, ZoneInfo("Europe/Moscow")).totals

    def in_the_log() -> tuple[int, int]:
        return len(product.received(PEER_NUMBER)), len(product.received(OWN_NUMBER))

    wait_for(lambda: in_the_log() == (4, 2), PATIENCE, "everything has arrived")
    wait_for(lambda: (counts().sent, counts().received) == (4, 2), PATIENCE, "it is counted")
    wait_for(lambda: counts().read >= 3, PATIENCE, "what was read is counted")
