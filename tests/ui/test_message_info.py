"""How far a message of ours has come, on its page and in the dialog."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from app.clock import utcnow
from app.core.states import MessageStatus
from app.extensions import db
from app.models import Chat, GroupMember, LinkedAccount, Message
from app.models.message import OUTGOING
from app.services import receipts
from app.transaction import transaction
from tests import factories
from tests.ui.browser import Browser, only, soup

ANNA, BORIS, VERA = (f"7916000000{number}" for number in (1, 2, 3))


@pytest.fixture
def group(app: Flask, account: LinkedAccount) -> Chat:
    with app.app_context():
        values = {"kind": "group", "group_id": "120363", "lid": None, "phone": None}
        group = factories.chat(account, name="Курьеры", **values)
        for name, phone in (("Анна", ANNA), ("Борис", BORIS), ("Вера", VERA)):
            factories.whatsapp_contact(account, phone=phone, push_name=name)
            with transaction() as session:
                member = {"key": phone, "phone": phone, "role": "member"}
                session.add(GroupMember(chat_id=group.id, **member))
        db.session.refresh(group)
        return group


@pytest.fixture
def message(app: Flask, group: Chat) -> Message:
    with app.app_context():
        return factories.message(group, direction=OUTGOING, status="sent", wa_id="3EB0A")


def hear(app: Flask, message: Message, phone: str, status: MessageStatus) -> None:
    with app.app_context(), transaction() as session:
        account = session.get_one(LinkedAccount, message.account_id)
        at = utcnow() + timedelta(seconds=1)
        receipts.heard(account, ["3EB0A"], status, at, (phone, None))


def path_of(message: Message, rest: str = "info") -> str:
    chat = f"/ui/instances/{message.instance_id}/chat/{message.chat_id}"
    return f"{chat}/messages/{message.id}/{rest}"


def staged(answer: object) -> dict[str, list[str]]:
    return {
        str(stage["id"]): [" ".join(one.get_text().split()) for one in stage.select(".group-who")]
        for stage in soup(answer).select(".info-stage")
    }


def test_it_says_who_has_read_a_message_who_has_it_and_who_has_not(
    app: Flask, bobs: Browser, message: Message
) -> None:
    hear(app, message, ANNA, MessageStatus.DELIVERED)
    hear(app, message, VERA, MessageStatus.READ)
    assert staged(bobs.get(path_of(message))) == {
        "info-read": ["Вера"],
        "info-delivered": ["Анна"],
        "info-waiting": ["Борис"],
    }
    times = only(bobs.get(path_of(message)), "#info-read .info-times")
    assert [one.get_text().split(":")[0] for one in times.select("span")] == [
        "Прочитано",
        "Доставлено",
    ]


def test_it_is_offered_for_messages_of_ours_alone(
    app: Flask, bobs: Browser, group: Chat, message: Message
) -> None:
    with app.app_context():
        theirs = factories.message(group)
    assert only(bobs.get(path_of(message, "acts")), "#message-info")
    assert not soup(bobs.get(path_of(theirs, "acts"))).select("#message-info")
    assert bobs.get(path_of(theirs)).status_code == 404


def test_it_asks_again_while_it_is_open_and_is_answered_when_somebody_reads(
    app: Flask, bobs: Browser, message: Message
) -> None:
    hear(app, message, ANNA, MessageStatus.DELIVERED)
    poll = str(only(bobs.get(path_of(message)), "#info-people")["hx-get"])
    assert bobs.fragment(poll).status_code == 204
    hear(app, message, ANNA, MessageStatus.READ)
    assert staged(bobs.fragment(poll))["info-read"] == ["Анна"]


def test_a_chat_of_two_tells_its_times(app: Flask, bobs: Browser, account: LinkedAccount) -> None:
    with app.app_context():
        chat = factories.chat(account, name="Мария")
        values = {"direction": OUTGOING, "status": "delivered", "delivered_at": utcnow()}
        message = factories.message(chat, **values)
    assert staged(bobs.get(path_of(message))) == {"info-delivered": ["Мария"]}
