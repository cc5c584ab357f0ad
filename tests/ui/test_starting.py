"""A chat with a new number: checked on WhatsApp where it can be."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.core.states import InstanceState
from app.extensions import db
from app.models import Chat, Instance, LinkedAccount
from app.services import number_checks
from app.transaction import transaction
from app.ui import starting
from tests import factories
from tests.ui.browser import Browser, only, words
from tests.waiting import wait_for

NUMBER = "79161234567"


@contextmanager
def a_host_that_answers(
    app: Flask, instance: Instance, *, registered: bool | None, lid: str | None = None
) -> Iterator[None]:
    """Answers the next question as a session host would."""

    def answer() -> None:
        with app.app_context():

            def question() -> bool:
                db.session.rollback()
                return number_checks.next_open(instance.id) is not None

            wait_for(question, what="somebody asks")
            check = number_checks.next_open(instance.id)
            assert check is not None and check.phone == NUMBER
            check_id = check.id
            with transaction():
                number_checks.answer(check_id, registered=registered, lid=lid)

    thread = threading.Thread(target=answer)
    thread.start()
    yield
    thread.join()


def count_chats(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(Chat)) or 0


def path_of(shop: Instance) -> str:
    return f"/ui/instances/{shop.id}/chat"


def test_a_number_that_is_on_whatsapp_opens_its_chat_under_both_its_names(
    app: Flask, bobs: Browser, shop: Instance, account: LinkedAccount
) -> None:
    with a_host_that_answers(app, shop, registered=True, lid="900000000001"):
        answer = bobs.post(path_of(shop), {"to": "8 916 123-45-67"})
    assert answer.status_code == 303
    assert "не проверено" not in bobs.get(answer.location).text
    with app.app_context():
        chat = db.session.scalars(select(Chat)).one()
        assert (chat.phone, chat.lid) == (NUMBER, "900000000001")


def test_a_number_that_is_not_on_whatsapp_is_named_beside_the_field(
    app: Flask, bobs: Browser, shop: Instance, account: LinkedAccount
) -> None:
    with a_host_that_answers(app, shop, registered=False):
        answer = bobs.post(path_of(shop), {"to": "+7 916 123-45-67"})
    assert answer.status_code == 422
    assert words(answer, "#to-error") == "Этого номера нет в WhatsApp."
    assert only(answer, "#to")["value"] == "+7 916 123-45-67"
    assert count_chats(app) == 0


@pytest.mark.parametrize("state", [InstanceState.CONNECTED, InstanceState.DISCONNECTED])
def test_a_number_that_cannot_be_checked_opens_its_chat_and_that_is_said(
    app: Flask,
    bobs: Browser,
    shop: Instance,
    account: LinkedAccount,
    state: InstanceState,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(starting, "PATIENCE", 0.05)
    with app.app_context(), transaction() as session:
        session.get_one(Instance, shop.id).state = state
    answer = bobs.post(path_of(shop), {"to": NUMBER})
    assert answer.status_code == 303
    assert "Есть ли этот номер в WhatsApp, не проверено." in bobs.get(answer.location).text


def test_somebody_known_is_not_asked_about(
    app: Flask, bobs: Browser, shop: Instance, account: LinkedAccount
) -> None:
    with app.app_context():
        chat = factories.chat(account, phone=NUMBER, lid="900000000001")
    answer = bobs.post(path_of(shop), {"to": NUMBER})
    assert answer.location == f"{path_of(shop)}/{chat.id}"
    assert "не проверено" not in bobs.get(answer.location).text
