"""The chat page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from app.clock import utcnow
from app.core.states import InstanceState, MessageStatus
from app.extensions import db
from app.models import Chat, Instance, LinkedAccount, Message
from app.models.message import OUTGOING
from app.services import arrivals, chats, instances
from app.transaction import transaction
from tests import factories
from tests.ui.browser import Browser, only, soup, words


@pytest.fixture
def maria(app: Flask, account: LinkedAccount) -> Chat:
    """A chat with Maria."""
    with app.app_context():
        return factories.chat(account, name="Мария", phone="79167654321")


def path_of(chat: Chat, rest: str = "") -> str:
    return f"/ui/instances/{chat.instance_id}/chat/{chat.id}{rest}"


def add(app: Flask, chat: Chat, **values: Any) -> Message:
    with app.app_context():
        return factories.message(chat, **values)


def bodies(answer: Any) -> list[str]:
    return [found.get_text() for found in soup(answer).select("[data-place] .bubble-text")]


def test_an_instance_that_was_never_linked_says_to_link_a_phone_first(
    bobs: Browser, shop: Instance
) -> None:
    answer = bobs.get(f"/ui/instances/{shop.id}/chat")
    assert "Сначала подключите к этому инстансу телефон" in words(answer)
    assert only(answer, "a.primary")["href"] == f"/ui/instances/{shop.id}"


def test_the_list_shows_who_waits(app: Flask, bobs: Browser, account: LinkedAccount) -> None:
    with app.app_context():
        factories.chat(account, name="Пётр", last_text="Добрый день", unread=3)
        factories.chat(account, name="", phone="79167654321")
    text = words(bobs.get(f"/ui/instances/{account.instance_id}/chat"), "#chats")
    for part in ("Пётр", "Добрый день", "3 непрочитанных", "+7 916 765-43-21"):
        assert part in text


def test_a_number_that_was_typed_opens_its_chat(app: Flask, bobs: Browser, maria: Chat) -> None:
    path = f"/ui/instances/{maria.instance_id}/chat"
    answer = bobs.post(path, {"to": "8 916 765-43-21"})
    assert answer.status_code == 303
    assert "+7 916 765-43-21" in words(bobs.get(answer.location), ".conversation-head")


def test_a_number_that_is_none_is_named_beside_the_field_and_stays(
    bobs: Browser, account: LinkedAccount
) -> None:
    answer = bobs.post(f"/ui/instances/{account.instance_id}/chat", {"to": "Мария"})
    assert answer.status_code == 422
    assert "Это не номер телефона" in words(answer, "#to-error")
    assert only(answer, "#to")["value"] == "Мария"


def test_opening_a_chat_shows_its_history_and_marks_it_read(
    app: Flask, bobs: Browser, maria: Chat, shop: Instance
) -> None:
    with app.app_context(), transaction() as session:
        session.get_one(Chat, maria.id).unread = 2
    add(app, maria, body="Первое", shown_at=utcnow() - timedelta(minutes=2))
    add(app, maria, body="Второе\nв две строки", shown_at=utcnow() - timedelta(minutes=1))
    assert bodies(bobs.get(path_of(maria))) == ["Первое", "Второе\nв две строки"]
    with app.app_context():
        assert chats.get_for(shop, maria.id).unread == 0


def test_a_text_of_another_person_is_never_markup(app: Flask, bobs: Browser, maria: Chat) -> None:
    add(app, maria, body="<script>alert(1)</script>")
    answer = bobs.get(path_of(maria))
    assert bodies(answer) == ["<script>alert(1)</script>"]


def test_sending_answers_with_the_conversation_and_the_queued_message(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    answer = bobs.act(path_of(maria, "/messages"), {"text": "Здравствуйте"})
    assert answer.status_code == 200
    assert bodies(answer) == ["Здравствуйте"]
    assert words(answer, ".ticks .visually-hidden") == "В очереди"
    assert bobs.fragment(str(only(answer, "#news")["hx-get"])).status_code == 204


def test_sending_without_scripts_comes_back_to_the_conversation(bobs: Browser, maria: Chat) -> None:
    answer = bobs.post(path_of(maria, "/messages"), {"text": "Здравствуйте"})
    assert (answer.status_code, answer.location) == (303, path_of(maria))
    assert bodies(bobs.get(path_of(maria))) == ["Здравствуйте"]


def test_an_empty_message_is_an_alert_for_htmx(bobs: Browser, maria: Chat) -> None:
    answer = bobs.act(path_of(maria, "/messages"), {"text": "  "})
    assert answer.status_code == 422
    assert answer.headers["HX-Retarget"] == "#alerts"
    assert words(answer, "[role=alert]") == "Сначала напишите что-нибудь."


def test_a_message_that_is_too_long_stays_in_the_field_without_scripts(
    bobs: Browser, maria: Chat
) -> None:
    text = "я" * 70_000
    answer = bobs.post(path_of(maria, "/messages"), {"text": text})
    assert answer.status_code == 422
    assert "не длиннее" in words(answer, "#text-error")
    assert only(answer, "#text").get_text().strip() == text


def test_a_reply_comes_with_the_next_poll_and_nothing_before_it(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    poll = str(only(bobs.get(path_of(maria)), "#news")["hx-get"])
    assert bobs.fragment(poll).status_code == 204
    with app.app_context(), transaction() as session:
        arrivals.store(arrival(session.get_one(Chat, maria.id), "Добрый день"))
    answer = bobs.fragment(poll)
    assert bodies(answer) == ["Добрый день"]


def arrival(chat: Chat, text: str) -> arrivals.Arrival:
    return arrivals.Arrival(
        wa_id="3EB0AAAA",
        chat=chat,
        from_me=False,
        kind="text",
        text=text,
        at=utcnow(),
        sender_phone=chat.phone,
        sender_lid=chat.lid,
        sender_name="Мария",
    )


@pytest.mark.parametrize("status", [s for s in MessageStatus if s is not MessageStatus.RECEIVED])
def test_every_status_has_an_accessible_name(
    app: Flask, bobs: Browser, maria: Chat, status: MessageStatus
) -> None:
    add(app, maria, direction=OUTGOING, status=status, failure="not_on_whatsapp")
    expected = {
        "queued": "В очереди",
        "sending": "Отправляется",
        "sent": "Отправлено",
        "delivered": "Доставлено",
        "read": "Прочитано",
        "played": "Прослушано",
        "failed": "Не отправлено: этого номера нет в WhatsApp",
        "unconfirmed": "Возможно, доставлено: связь прервалась до ответа WhatsApp",
        "cancelled": "Отменено",
        "expired": "Срок истёк",
    }
    assert (
        words(bobs.get(path_of(maria)), "[data-place] .ticks .visually-hidden") == expected[status]
    )


@pytest.mark.parametrize(
    ("failure", "why"),
    [
        ("not_on_whatsapp", "этого номера нет в WhatsApp"),
        (
            "server_error_463",
            "этот номер пока не может начать этот чат: подождите, пока вам напишут, или один день",
        ),
        (
            "server_error_403",
            "WhatsApp ограничил эту учётную запись: откройте WhatsApp на телефоне",
        ),
        ("server_error_479", "WhatsApp отклонил сообщение (код 479)"),
        ("something_new", "сообщение не удалось отправить"),
    ],
)
def test_a_failed_message_says_why_for_everybody_to_see(
    app: Flask, bobs: Browser, maria: Chat, failure: str, why: str
) -> None:
    add(app, maria, direction=OUTGOING, status="failed", failure=failure)
    assert words(bobs.get(path_of(maria)), ".bubble-why") == f"Не отправлено: {why}"


def unconfirmed(app: Flask, chat: Chat, text: str = "Дошло?") -> Message:
    return add(app, chat, direction=OUTGOING, status="unconfirmed", body=text, source="ui")


def stored(app: Flask, message: Message) -> Message:
    with app.app_context():
        return db.session.get_one(Message, message.id)


def test_an_unconfirmed_message_explains_itself_and_offers_two_ways(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    message = unconfirmed(app, maria)
    answer = bobs.get(path_of(maria))
    assert words(answer, ".bubble-why") == (
        "Возможно, доставлено: связь прервалась до ответа WhatsApp"
    )
    assert words(answer, f"#resend-{message.id}") == "Отправить ещё раз"
    assert words(answer, f"#dismiss-{message.id}") == "Оставить как есть"
    assert only(answer, "[data-place] .ticks use")["href"].endswith("#help-circle")


@pytest.mark.parametrize("scripts", [True, False])
def test_sending_again_adds_a_message_and_the_old_one_says_so(
    app: Flask, bobs: Browser, maria: Chat, scripts: bool
) -> None:
    first, second = unconfirmed(app, maria, "Один"), unconfirmed(app, maria, "Два")
    submit = bobs.act if scripts else bobs.post
    answer = submit(act_of(bobs.get(path_of(maria)), f"#resend-{second.id}"))
    if not scripts:
        assert (answer.status_code, answer.location) == (303, path_of(maria))
        answer = bobs.get(path_of(maria))
    assert bodies(bobs.get(path_of(maria))) == ["Один", "Два", "Два"]
    assert words(answer, f"#bubble-{second.id} .bubble-settled") == (
        "Отправлено ещё раз новым сообщением"
    )
    assert not soup(answer).select(f"#resend-{second.id}, #dismiss-{second.id}")
    assert soup(answer).select(f"#resend-{first.id}")
    assert stored(app, first).settled is None


def act_of(answer: Any, button: str) -> str:
    """Where the form around a button goes."""
    form = only(answer, f"form:has({button})")
    assert form["action"] == form["hx-post"]
    return str(form["action"])


@pytest.mark.parametrize("scripts", [True, False])
def test_a_message_that_is_left_as_it_is_asks_no_more(
    app: Flask, bobs: Browser, maria: Chat, scripts: bool
) -> None:
    message = unconfirmed(app, maria)
    submit = bobs.act if scripts else bobs.post
    submit(act_of(bobs.get(path_of(maria)), f"#dismiss-{message.id}"))
    answer = bobs.get(path_of(maria))
    assert words(answer, ".bubble-settled") == "Оставлено как есть"
    assert not soup(answer).select(".bubble-acts")
    assert bodies(answer) == ["Дошло?"]


@pytest.mark.parametrize("scripts", [True, False])
def test_a_failed_message_is_tried_again_where_it_stands(
    app: Flask, bobs: Browser, maria: Chat, scripts: bool
) -> None:
    message = add(app, maria, direction=OUTGOING, status="failed", failure="not_on_whatsapp")
    submit = bobs.act if scripts else bobs.post
    submit(act_of(bobs.get(path_of(maria)), f"#retry-{message.id}"))
    answer = bobs.get(path_of(maria))
    assert words(answer, "[data-place] .ticks .visually-hidden") == "В очереди"
    assert not soup(answer).select(".bubble-acts, .bubble-why")


def test_a_message_that_arrived_meanwhile_is_told_where_the_person_acted(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    message = unconfirmed(app, maria)
    path = act_of(bobs.get(path_of(maria)), f"#resend-{message.id}")
    with app.app_context(), transaction() as session:
        session.get_one(Message, message.id).status = MessageStatus.DELIVERED
    answer = bobs.act(path)
    assert answer.status_code == 409
    assert words(answer, "[role=alert]") == "Это сообщение уже не ждёт подтверждения."
    assert bodies(bobs.get(path_of(maria))) == ["Дошло?"]


def test_a_message_of_an_earlier_number_offers_nothing(
    app: Flask, bobs: Browser, maria: Chat, shop: Instance
) -> None:
    unconfirmed(app, maria)
    with app.app_context():
        factories.linked_account(shop)
    assert not soup(bobs.get(path_of(maria))).select(".bubble-acts")


@pytest.mark.parametrize("act", ["resend", "dismiss", "retry"])
def test_nobody_settles_messages_of_somebody_else(
    app: Flask, charlies: Browser, maria: Chat, act: str
) -> None:
    message = unconfirmed(app, maria)
    answer = charlies.act(path_of(maria, f"/messages/{message.id}/{act}"))
    assert answer.status_code == 404
    assert stored(app, message).settled is None


def test_a_disconnected_instance_keeps_the_composer_and_says_that_messages_wait(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    poll = str(only(bobs.get(path_of(maria)), "#news")["hx-get"])
    with app.app_context(), transaction() as session:
        instance = session.get_one(Instance, maria.instance_id)
        instances.move(instance, InstanceState.DISCONNECTED, reason="connection_lost")
    answer = bobs.fragment(poll)
    assert "Сообщения ждут в очереди" in words(answer, ".waiting")
    assert only(bobs.get(path_of(maria)), "form#composer")


def test_a_chat_of_an_earlier_number_can_be_read_but_not_written_to(
    app: Flask, bobs: Browser, maria: Chat, shop: Instance
) -> None:
    add(app, maria, body="Раньше")
    with app.app_context():
        factories.linked_account(shop)
    page = bobs.get(path_of(maria))
    assert bodies(page) == ["Раньше"]
    assert not soup(page).select("form#composer")
    assert bobs.act(path_of(maria, "/messages"), {"text": "Hi"}).status_code == 409


def test_a_chat_of_another_instance_is_not_found(app: Flask, bobs: Browser, maria: Chat) -> None:
    assert bobs.get(f"/ui/instances/ins_other/chat/{maria.id}").status_code == 404
