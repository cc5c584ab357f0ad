"""Passing messages on from the page, and people who are named in texts."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from app.clock import utcnow
from app.core.groups import MEMBER
from app.core.media import MediaState
from app.extensions import db
from app.models import Chat, LinkedAccount, Message
from app.models.message import OUTGOING
from app.services import chats, groups
from app.transaction import transaction
from tests import factories
from tests.ui.browser import Browser, filled_form, soup, words

ANNA = ("79161234567", "251556368777322")


@pytest.fixture
def maria(app: Flask, account: LinkedAccount) -> Chat:
    with app.app_context():
        return factories.chat(account, name="Мария", phone="79160000001")


@pytest.fixture
def ivan(app: Flask, account: LinkedAccount) -> Chat:
    with app.app_context():
        return factories.chat(account, name="Иван", phone="79160000002")


@pytest.fixture
def group(app: Flask, account: LinkedAccount) -> Chat:
    """A group with Anna in it."""
    with app.app_context(), transaction() as session:
        chat = chats.group(session.get_one(LinkedAccount, account.id), "120363", name="Курьеры")
        chat.our_role, chat.group_known_at = MEMBER, utcnow()
        groups.put(chat, ANNA)
        session.flush()
        session.expunge(chat)
        return chat


@pytest.fixture
def theirs(app: Flask, maria: Chat) -> Message:
    with app.app_context():
        return factories.message(maria, body="Ленина, 1", wa_id="3EB0")


def path_of(message: Message, act: str = "forward") -> str:
    chat = f"/ui/instances/{message.instance_id}/chat/{message.chat_id}"
    return f"{chat}/messages/{message.id}/{act}"


def sent(app: Flask) -> list[tuple[str, str, int]]:
    with app.app_context():
        rows = db.session.scalars(select(Message).where(Message.direction == OUTGOING))
        return [(row.chat_id, row.body, row.forwarded) for row in rows]


def test_a_message_is_passed_on_to_the_chosen_chats_once(
    app: Flask, bobs: Browser, theirs: Message, ivan: Chat, group: Chat
) -> None:
    page = bobs.get(path_of(theirs))
    form = filled_form(page, "#forward")
    for _ in range(2):
        bobs.post(path_of(theirs), form | {"to": [ivan.id, group.id]})
    assert sorted(sent(app)) == sorted([(ivan.id, "Ленина, 1", 1), (group.id, "Ленина, 1", 1)])
    shown = bobs.get(f"/ui/instances/{ivan.instance_id}/chat/{ivan.id}")
    assert "Переслано" in words(shown, ".bubble-forwarded")


def test_passing_on_leads_to_the_chat_it_went_to(
    bobs: Browser, theirs: Message, ivan: Chat
) -> None:
    answer = bobs.act(path_of(theirs), {"to": [ivan.id]})
    assert answer.headers["HX-Redirect"].endswith(f"/chat/{ivan.id}")


@pytest.mark.parametrize("chosen", [0, 6])
def test_none_or_too_many_chats_are_told_and_those_chosen_stay(
    app: Flask, bobs: Browser, theirs: Message, account: LinkedAccount, chosen: int
) -> None:
    with app.app_context():
        ids = [factories.chat(account, phone=f"7916111000{number}").id for number in range(chosen)]
    answer = bobs.act(path_of(theirs), {"to": ids})
    assert answer.status_code == 422
    assert "Выберите от 1 до 5 чатов" in answer.text
    assert len(soup(answer).select("input[name=to][checked]")) == chosen
    assert sent(app) == []


def test_what_is_not_here_cannot_be_passed_on(
    app: Flask, bobs: Browser, theirs: Message, ivan: Chat
) -> None:
    with app.app_context():
        factories.media(theirs, state=MediaState.WAITING)
    assert "Переслать" not in bobs.fragment(path_of(theirs, "acts")).text
    answer = bobs.act(path_of(theirs), {"to": [ivan.id]})
    assert answer.status_code == 409
    assert sent(app) == []


def test_chats_are_found_by_name_and_those_chosen_stay(
    bobs: Browser, theirs: Message, maria: Chat, ivan: Chat
) -> None:
    found = bobs.fragment(f"{path_of(theirs)}/chats?q=Иван&to={maria.id}")
    shown = {
        (box["value"], box.has_attr("checked")) for box in soup(found).select("input[name=to]")
    }
    assert shown == {(maria.id, True), (ivan.id, False)}


def test_somebody_elses_chat_is_not_offered_and_takes_nothing(
    app: Flask, bobs: Browser, theirs: Message, charlie
) -> None:
    with app.app_context():
        foreign = factories.chat(factories.linked_account(factories.instance(charlie)))
    assert foreign.id not in bobs.fragment(f"{path_of(theirs)}/chats?to={foreign.id}").text
    assert bobs.act(path_of(theirs), {"to": [foreign.id]}).status_code == 404
    assert sent(app) == []


def test_a_member_who_is_named_in_a_text_is_shown_by_name(
    app: Flask, bobs: Browser, group: Chat, account: LinkedAccount
) -> None:
    with app.app_context():
        factories.whatsapp_contact(account, phone=ANNA[0], lid=ANNA[1], push_name="Анна")
    chat = f"/ui/instances/{group.instance_id}/chat/{group.id}"
    bobs.post(f"{chat}/messages", {"text": f"@{ANNA[0]} и @79990001122, мяч ваш"})
    assert "@Анна и @79990001122, мяч ваш" in words(bobs.get(chat), ".bubble-text")
    with app.app_context():
        (message,) = db.session.scalars(select(Message))
        assert message.mentions == [list(ANNA)]


def test_nobody_is_named_in_a_chat_of_two(app: Flask, bobs: Browser, maria: Chat) -> None:
    chat = f"/ui/instances/{maria.instance_id}/chat/{maria.id}"
    bobs.post(f"{chat}/messages", {"text": f"@{maria.phone} привет"})
    with app.app_context():
        (message,) = db.session.scalars(select(Message))
        assert message.mentions is None
