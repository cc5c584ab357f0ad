"""What an open conversation does besides showing messages: it reads them, and says who types."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import select

from app.clock import utcnow
from app.core.chat_states import Composing
from app.core.reading import ReadReceipts
from app.extensions import db
from app.models import Chat, Instance, LinkedAccount, ReadMark
from app.services import chat_states, chats
from app.transaction import transaction
from tests import factories
from tests.ui.browser import Browser, soup, words
from tests.ui.test_conversation import maria, path_of, poll_of  # noqa: F401 - a fixture


def test_what_is_read_here_is_told_where_that_is_wanted_by_opening_and_by_polls(
    app: Flask,
    bobs: Browser,
    maria: Chat,  # noqa: F811
) -> None:
    def arrives(wa_id: str) -> None:
        with app.app_context():
            message_id = factories.message(maria, wa_id=wa_id).id
            with transaction() as session:
                chats.touch(session.get_one(Chat, maria.id), text="Hi", at=utcnow(), unread=1)
            told.append(message_id)

    def marks() -> list[str]:
        with app.app_context():
            return sorted(db.session.scalars(select(ReadMark.message_id)))

    told: list[str] = []
    arrives("A1")
    page = bobs.get(path_of(maria))
    assert marks() == []
    with app.app_context(), transaction() as session:
        session.get_one(Instance, maria.instance_id).read_receipts = ReadReceipts.OPENING
    told.clear()
    arrives("A2")
    poll = poll_of(bobs.fragment(poll_of(page)))
    assert marks() == sorted(told)
    arrives("A3")
    bobs.fragment(poll)
    assert marks() == sorted(told)


def test_the_head_says_who_types_and_polls_bring_it(
    app: Flask,
    bobs: Browser,
    maria: Chat,  # noqa: F811
) -> None:
    page = bobs.get(path_of(maria))
    assert not soup(page).select(".composing")
    with app.app_context(), transaction():
        account = db.session.get_one(LinkedAccount, maria.account_id)
        chat_states.heard(account, Composing.AUDIO, utcnow(), phone=maria.phone)
    answer = bobs.fragment(poll_of(page))
    assert words(answer, "#conversation-title .composing") == "записывает голосовое…"
