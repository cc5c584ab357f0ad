"""Blocking on the pages: asked about first, done by the session, undone where one would write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.clock import utcnow
from app.extensions import db
from app.models import Chat, GroupWish, Instance, LinkedAccount, Message
from app.models.chat import GROUP
from app.services import group_wishes, wish_waiting
from app.transaction import transaction
from tests import factories
from tests.ui.browser import Browser, only, soup, words


@pytest.fixture
def chat(app: Flask, account: LinkedAccount) -> Chat:
    with app.app_context():
        return factories.chat(account, name="Мария", last_text="привет")


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[tuple[str, Any]]]:
    """In place of a session's host: answers every wish at once. What was wished stands in the list
    that comes back."""

    def answer(failure: str | None = None) -> list[tuple[str, Any]]:
        wished: list[tuple[str, Any]] = []

        def done(*_: object, **__: object) -> None:
            with transaction() as session:
                for wish in session.scalars(
                    select(GroupWish).where(GroupWish.answered_at.is_(None))
                ):
                    wished.append((wish.act, wish.people))
                    group_wishes.answer(wish.id, failure=failure)
            db.session.expire_all()

        monkeypatch.setattr(wish_waiting, "wait_for", done)
        return wished

    return answer


def path_of(chat: Chat, rest: str = "") -> str:
    return f"/ui/instances/{chat.instance_id}/chat/{chat.id}{rest}"


def set_blocked(app: Flask, chat: Chat) -> None:
    with app.app_context(), transaction() as session:
        session.get_one(Chat, chat.id).blocked_at = utcnow()


def test_somebody_is_blocked_after_a_question(
    bobs: Browser, chat: Chat, answered: Callable[..., list[tuple[str, Any]]]
) -> None:
    wished = answered()
    asked = bobs.get(str(only(bobs.get(path_of(chat)), "#block")["href"]))
    assert "Заблокировать «Мария»?" in words(asked, "#block-person")
    assert wished == []
    answer = bobs.post(str(only(asked, "#block-person")["action"]))
    assert (answer.status_code, answer.location) == (303, path_of(chat))
    assert wished == [("block", [f"{chat.lid}@lid"])]


def test_a_refusal_is_said_where_it_was_asked_for(
    bobs: Browser, chat: Chat, answered: Callable[..., list[tuple[str, Any]]]
) -> None:
    answered("not_connected")
    answer = bobs.post(path_of(chat, "/block"))
    assert answer.status_code == 409
    assert "Связь с WhatsApp прервалась" in words(answer, "#block-person [role=alert]")


def test_a_blocked_chat_has_a_button_in_place_of_the_field(
    app: Flask, bobs: Browser, chat: Chat, answered: Callable[..., list[tuple[str, Any]]]
) -> None:
    wished = answered()
    assert soup(bobs.get(path_of(chat))).select("textarea")
    set_blocked(app, chat)
    page = bobs.get(path_of(chat))
    assert not soup(page).select("textarea, #block")
    assert "Вы заблокировали этого человека." in words(page, "form.blocked")
    answer = bobs.post(str(only(page, "form.blocked")["action"]))
    assert (answer.status_code, answer.location) == (303, path_of(chat))
    assert wished == [("unblock", [f"{chat.lid}@lid"])]


def test_what_is_sent_from_a_page_that_is_still_open_is_refused(
    app: Flask, bobs: Browser, chat: Chat
) -> None:
    set_blocked(app, chat)
    answer = bobs.post(path_of(chat, "/messages"), {"text": "эй"})
    assert answer.status_code == 409
    with app.app_context():
        assert db.session.scalars(select(Message)).all() == []


def test_groups_are_not_blocked(app: Flask, bobs: Browser, account: LinkedAccount) -> None:
    with app.app_context():
        group = factories.chat(account, kind=GROUP, group_id="1203630", phone=None, lid=None)
    assert not soup(bobs.get(path_of(group))).select("#block")
    assert bobs.get(path_of(group, "/block")).status_code == 404
    assert bobs.post(path_of(group, "/block")).status_code == 404
    assert bobs.post(path_of(group, "/unblock")).status_code == 404


def test_contacts_say_who_is_blocked_and_offer_to_block(
    app: Flask, bobs: Browser, shop: Instance, chat: Chat
) -> None:
    with app.app_context():
        contact = factories.contact(shop, phone=chat.phone, name="Мария")
    path = f"/ui/instances/{shop.id}/contacts?source=database"
    link = only(bobs.get(path), f"#block-{contact.id}")
    assert str(link["href"]) == path_of(chat, "/block")
    set_blocked(app, chat)
    page = bobs.get(path)
    assert "Заблокирован" in words(page, "#contacts")
    assert not soup(page).select(f"#block-{contact.id}")


def test_somebody_elses_people_are_not_blocked(app: Flask, charlies: Browser, chat: Chat) -> None:
    for act in ("/block", "/unblock"):
        assert charlies.post(path_of(chat, act)).status_code == 404
    with app.app_context():
        assert db.session.scalars(select(GroupWish)).all() == []
