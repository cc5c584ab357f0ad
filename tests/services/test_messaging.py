"""Messages: queued, sent, received, and how far each has come."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.clock import utcnow
from app.core.details import DETAILS, Card, Place, Poll, as_data, kind_of, said_in, text_of
from app.core.errors import Conflict, Invalid, NotFound
from app.core.states import MessageStatus
from app.extensions import db
from app.models import Chat, Delivery, Message
from app.services import arrivals, messaging, receipts
from app.services.quotes import ArrivedQuote
from app.transaction import transaction
from tests import factories


def queue(instance, **values) -> Message:
    values = {"to": "+79161234567", "text": "Hello", "source": "api", "country": "RU", **values}
    with transaction():
        return messaging.queue_text(instance, **values)


def sending(instance) -> Message:
    message = queue(instance)
    with transaction():
        assert messaging.claim(message)
    return message


def sent(instance, wa_id: str = "3EB0A") -> Message:
    message = sending(instance)
    with transaction():
        assert messaging.sent(message, wa_id, utcnow())
    return message


def events() -> list[tuple[str, dict]]:
    rows = db.session.scalars(select(Delivery).order_by(Delivery.id))
    return [(row.event, json.loads(row.body)["data"]) for row in rows]


def arrival(chat: Chat, **values) -> arrivals.Arrival:
    return arrivals.Arrival(
        **{
            "wa_id": "3EB0B",
            "chat": chat,
            "from_me": False,
            "kind": "text",
            "text": "Hi",
            "at": utcnow(),
            "sender_phone": chat.phone,
            "sender_lid": chat.lid,
            "sender_name": "Anna",
            **values,
        }
    )


def store(chat: Chat, **values) -> Message | None:
    with transaction():
        return arrivals.store(arrival(chat, **values))


def everything(instance) -> None:
    chosen = ["message_received", "message_sent", "message_status:delivered", "message_status:read"]
    factories.endpoint(instance, events=chosen)


def test_a_queued_message_waits_with_a_secret_of_its_own(linked):
    first, second = queue(linked), queue(linked)
    assert (first.status, first.direction, first.source) == ("queued", "out", "api")
    assert len(first.secret) == 32
    assert first.secret != second.secret


def test_a_queued_message_shows_in_its_chat_at_once(linked):
    message = queue(linked, text="See you")
    assert message.chat.last_text == "See you"
    assert message.chat.unread == 0


@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
def test_an_empty_message_is_refused(linked, text):
    with pytest.raises(Invalid) as caught:
        queue(linked, text=text)
    assert (caught.value.field, caught.value.code) == ("text", "text_missing")


def test_a_text_may_be_as_long_as_whatsapp_allows(linked):
    assert queue(linked, text="a" * messaging.TEXT_LIMIT)
    with pytest.raises(Invalid) as caught:
        queue(linked, text="a" * (messaging.TEXT_LIMIT + 1))
    assert caught.value.code == "text_too_long"


def test_a_bad_number_queues_nothing(linked):
    with pytest.raises(Invalid):
        queue(linked, to="nobody")
    assert db.session.scalars(select(Message)).all() == []
    assert db.session.scalars(select(Chat)).all() == []


def test_the_same_idempotency_key_gives_the_same_message(linked):
    first = queue(linked, idempotency_key="order-1")
    again = queue(linked, to="8 916 123-45-67", idempotency_key="order-1")
    assert again.id == first.id


@pytest.mark.parametrize("other", [{"text": "Other"}, {"to": "+79160000009"}])
def test_an_idempotency_key_stands_for_one_message_only(linked, other):
    queue(linked, idempotency_key="order-1")
    with pytest.raises(Conflict) as caught:
        queue(linked, idempotency_key="order-1", **other)
    assert caught.value.code == "idempotency_conflict"


def test_another_instance_may_use_the_same_key(linked, instance):
    factories.linked_account(instance)
    first = queue(linked, idempotency_key="order-1")
    assert queue(instance, idempotency_key="order-1").id != first.id


def test_the_queue_is_taken_in_order(linked, account):
    first = queue(linked)
    queue(linked)
    assert messaging.next_queued(linked.id, account.id).id == first.id


def test_a_message_is_claimed_once(linked):
    message = queue(linked)
    with transaction():
        assert messaging.claim(message)
        assert not messaging.claim(message)
    assert messaging.next_queued(linked.id, message.account_id) is None


def test_a_message_that_never_left_goes_back_to_the_queue(linked):
    message = sending(linked)
    assert [one.id for one in messaging.in_flight(message.account_id)] == [message.id]
    with transaction():
        assert messaging.put_back(message)
    assert message.status == "queued"


def test_message_sent_is_told_when_whatsapp_accepted_it(linked):
    everything(linked)
    message = sending(linked)
    assert events() == []
    with transaction():
        messaging.sent(message, "3EB0A", utcnow())
    [(event, data)] = events()
    assert event == "message_sent"
    assert (data["messageId"], data["whatsappId"]) == (message.id, "3EB0A")
    assert (data["from"], data["chatId"]) == (
        "79160000001@s.whatsapp.net",
        "79161234567@s.whatsapp.net",
    )
    assert (data["body"], data["source"], data["instanceId"]) == ("Hello", "api", linked.id)


def test_a_message_is_told_as_sent_only_once(linked):
    everything(linked)
    message = sent(linked)
    with transaction():
        assert not messaging.sent(message, "3EB0A", utcnow())
    assert len(events()) == 1


def test_a_refused_message_says_why(linked):
    message = sending(linked)
    with transaction():
        assert messaging.refused(message, "not_on_whatsapp")
    assert (message.status, message.failure) == ("failed", "not_on_whatsapp")


def test_an_unconfirmed_message_is_settled_by_a_receipt(linked, account):
    everything(linked)
    message = sending(linked)
    with transaction():
        messaging.unconfirmed(message, "3EB0A")
    with transaction():
        receipts.heard(account, ["3EB0A"], MessageStatus.DELIVERED, utcnow())
    assert message.status == "delivered"
    assert [event for event, _ in events()] == ["message_sent", "message_status"]


def unconfirmed(instance, wa_id: str | None = "3EB0A") -> Message:
    message = sending(instance)
    with transaction():
        assert messaging.unconfirmed(message, wa_id)
    return message


def resend(message: Message) -> Message:
    with transaction():
        return messaging.resend(message, source="ui")


def test_a_resent_message_is_a_new_one_and_the_old_one_says_so(linked):
    old = unconfirmed(linked)
    new = resend(old)
    assert (old.status, old.settled, old.resent_as_id) == ("unconfirmed", "resent", new.id)
    assert (new.status, new.body, new.chat_id) == ("queued", old.body, old.chat_id)
    assert new.secret != old.secret
    assert messaging.next_queued(linked.id, old.account_id).id == new.id


def test_a_dismissed_message_stays_and_asks_nothing_more(linked):
    message = unconfirmed(linked)
    with transaction():
        messaging.dismiss(message)
    assert (message.status, message.settled) == ("unconfirmed", "dismissed")
    assert messaging.next_queued(linked.id, message.account_id) is None


@pytest.mark.parametrize("settle", [messaging.dismiss, resend])
def test_an_unconfirmed_message_is_settled_once(linked, settle):
    message = unconfirmed(linked)
    resend(message)
    with pytest.raises(Conflict) as caught:
        settle(message)
    assert caught.value.code == "not_unconfirmed"


@pytest.mark.parametrize("settle", [messaging.dismiss, resend])
def test_a_message_that_arrived_meanwhile_is_neither_resent_nor_dismissed(linked, account, settle):
    message = unconfirmed(linked)
    with transaction():
        receipts.heard(account, ["3EB0A"], MessageStatus.DELIVERED, utcnow())
    with pytest.raises(Conflict):
        settle(message)
    assert message.settled is None


def test_a_receipt_counts_after_somebody_decided(linked, account):
    message = unconfirmed(linked)
    resend(message)
    with transaction():
        receipts.heard(account, ["3EB0A"], MessageStatus.DELIVERED, utcnow())
    assert (message.status, message.settled) == ("delivered", "resent")


def test_an_own_device_that_has_a_message_proves_that_it_was_sent(linked, account):
    everything(linked)
    message = unconfirmed(linked)
    with transaction():
        receipts.heard(account, ["3EB0A"], MessageStatus.SENT, utcnow())
    assert (message.status, message.delivered_at) == ("sent", None)
    assert message.sent_at is not None
    assert [event for event, _ in events()] == ["message_sent"]


def test_an_echo_of_an_unconfirmed_message_proves_that_it_was_sent(linked, account):
    everything(linked)
    message = unconfirmed(linked)
    assert store(message.chat, wa_id="3EB0A", from_me=True) is None
    assert message.status == "sent"
    assert [event for event, _ in events()] == ["message_sent"]


def test_an_echo_takes_nothing_back(linked, account):
    message = sent(linked)
    with transaction():
        receipts.heard(account, ["3EB0A"], MessageStatus.READ, utcnow())
    store(message.chat, wa_id="3EB0A", from_me=True)
    assert message.status == "read"


def test_a_failed_message_is_queued_again_under_a_new_secret(linked):
    message = sending(linked)
    secret = message.secret
    with transaction():
        messaging.refused(message, "server_error_463")
    with transaction():
        messaging.retry(message)
    assert (message.status, message.failure) == ("queued", None)
    assert message.secret != secret


def test_only_a_failed_message_is_tried_again(linked):
    message = unconfirmed(linked)
    with pytest.raises(Conflict) as caught, transaction():
        messaging.retry(message)
    assert caught.value.code == "not_failed"


@pytest.mark.parametrize("act", [resend, messaging.retry])
def test_nothing_is_sent_again_for_a_number_that_is_not_linked_any_more(linked, act):
    message = unconfirmed(linked)
    factories.linked_account(linked)
    db.session.expire_all()
    with pytest.raises(Conflict) as caught:
        act(message)
    assert caught.value.code == "other_account"
    assert message.settled is None


def test_receipts_lift_a_message_step_by_step(linked, account):
    everything(linked)
    message = sent(linked)
    for status in (MessageStatus.DELIVERED, MessageStatus.READ):
        with transaction():
            receipts.heard(account, ["3EB0A"], status, utcnow())
        assert message.status == status
    assert message.delivered_at is not None
    assert message.read_at is not None
    statuses = [data["status"] for event, data in events() if event == "message_status"]
    assert statuses == ["delivered", "read"]


def test_a_message_that_is_read_is_told_as_delivered_too(linked, account):
    everything(linked)
    sent(linked)
    with transaction():
        receipts.heard(account, ["3EB0A"], MessageStatus.READ, utcnow())
    statuses = [data["status"] for event, data in events() if event == "message_status"]
    assert statuses == ["delivered", "read"]


def test_a_message_is_never_sent_or_delivered_before_it_was_made(linked, account):
    message = sending(linked)
    whole_second = message.created_at.replace(microsecond=0)
    with transaction():
        messaging.sent(message, "3EB0A", whole_second - timedelta(seconds=1))
        receipts.heard(account, ["3EB0A"], MessageStatus.DELIVERED, whole_second)
    assert message.sent_at == message.created_at
    assert message.delivered_at == message.created_at


def test_a_late_receipt_takes_nothing_back(linked, account):
    message = sent(linked)
    for status in (MessageStatus.READ, MessageStatus.DELIVERED):
        with transaction():
            receipts.heard(account, ["3EB0A"], status, utcnow())
    assert message.status == "read"


def test_a_receipt_of_another_account_changes_nothing(linked, instance):
    other = factories.linked_account(instance)
    message = sent(linked)
    with transaction():
        receipts.heard(other, ["3EB0A"], MessageStatus.READ, utcnow())
    assert message.status == "sent"


def test_a_received_message_is_stored_counted_and_told(linked, chat):
    everything(linked)
    message = store(chat, text="Good day")
    assert (message.status, message.direction) == ("received", "in")
    assert (chat.unread, chat.last_text) == (1, "Good day")
    [(event, data)] = events()
    assert event == "message_received"
    assert (data["from"], data["fromLid"], data["pushName"]) == (
        "79161234567@s.whatsapp.net",
        "200000000001",
        "Anna",
    )
    assert (data["body"], data["type"], data["isGroup"]) == ("Good day", "text", False)


def test_a_message_that_comes_twice_is_stored_and_told_once(linked, chat):
    everything(linked)
    assert store(chat) is not None
    assert store(chat) is None
    assert len(events()) == 1
    assert chat.unread == 1


def test_a_message_written_on_the_phone_is_told_as_sent(linked, chat):
    everything(linked)
    message = store(chat, from_me=True)
    assert (message.direction, message.source, message.status) == ("out", "phone", "sent")
    [(event, data)] = events()
    assert (event, data["source"]) == ("message_sent", "phone")
    assert chat.unread == 0


def test_somebody_elses_message_is_not_found(linked, instance):
    message = queue(linked)
    assert messaging.get_for(linked, message.id).id == message.id
    for wrong in (instance, linked):
        with pytest.raises(NotFound):
            messaging.get_for(wrong, message.id if wrong is instance else "msg_nothing")


def test_an_answer_keeps_the_quoted_part_as_it_was(linked):
    asked = sent(linked, "3EB0ASKED")
    answer = queue(linked, text="At five", reply_to=asked.id)
    assert (answer.quote.wa_id, answer.quote.text) == ("3EB0ASKED", "Hello")
    assert (answer.quote.from_me, answer.quote.original_id) == (True, asked.id)


def test_what_is_not_sent_yet_or_stands_in_another_chat_cannot_be_answered(linked):
    waiting = queue(linked)
    with pytest.raises(Conflict, match="not been sent") as refused:
        queue(linked, reply_to=waiting.id)
    assert refused.value.code == "reply_to_not_sent"
    with pytest.raises(Invalid) as unknown:
        queue(linked, to="+79167654321", reply_to=sent(linked).id)
    assert (unknown.value.code, unknown.value.field) == ("reply_to_unknown", "replyTo")


def test_an_answer_that_came_is_told_with_what_it_answers(linked):
    everything(linked)
    asked = sent(linked, "3EB0ASKED")
    said = ArrivedQuote("3EB0ASKED", None, None, "text", "Hello")
    store(asked.chat, quote=said, text="At five")
    told = dict(events())["message_received"]
    assert told["quotedMessageId"] == asked.id
    assert told["quoted"] == {
        "messageId": asked.id,
        "whatsappId": "3EB0ASKED",
        "fromMe": True,
        "type": "text",
        "body": "Hello",
    }


@pytest.mark.parametrize(
    "said",
    [Place(1.5, -2.0, "Shop", "Square"), [Card("Anna", ("7916",))], Poll("?", ("a", "b"), 1)],
)
def test_a_place_contact_cards_and_a_poll_are_kept_and_told(linked, said):
    everything(linked)
    store(factories.chat(linked.account), said=said, kind=kind_of(said), text=text_of(said))
    kept = db.session.scalars(select(Message)).one()
    assert (kept.kind, said_in(kept.details)) == (kind_of(said), said)
    told = dict(events())["message_received"]
    assert {name: told[name] for name in DETAILS if told[name]} == as_data(said)
