"""Erasing all that is known of one contact: nothing of them is left, nothing of others is lost."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from app.config import current_settings
from app.core.events import Event
from app.extensions import db
from app.models import (
    Activity,
    Chat,
    Contact,
    GroupMember,
    Instance,
    LinkedAccount,
    Media,
    Message,
    PollVote,
    RefusedRow,
    User,
)
from app.models.chat import GROUP
from app.services import activity, erasures, event_feed, forwarding, outbox
from app.storage import storage_of
from app.transaction import transaction
from tests import factories
from tests.ui.browser import Browser, words

MARIA, LID, NAME = "79161234567", "8001234567", "Мария Тайная"


@pytest.fixture
def account(app: Flask, shop: Instance) -> LinkedAccount:
    """The phone that is linked to the shop."""
    with app.app_context():
        return factories.linked_account(shop)


def current(shop: Instance) -> Instance:
    """The shop as it is now, with its account."""
    return db.session.get_one(Instance, shop.id)


@pytest.fixture
def maria(app: Flask, shop: Instance, account: LinkedAccount) -> Contact:
    """Somebody who left traces everywhere."""
    with app.app_context():
        factories.whatsapp_contact(account, phone=MARIA, lid=LID, book_name=NAME)
        chat = factories.chat(account, phone=MARIA, lid=LID, name=NAME, last_text="Секрет")
        for number in range(3):
            message = factories.message(chat, body=f"Секрет {number}", sender_phone=MARIA)
        factories.stored_media(message, b"secret file")
        group = factories.chat(
            account,
            kind=GROUP,
            group_id="123-456",
            phone=None,
            lid=None,
            last_text="Секрет в группе",
        )
        factories.message(group, body="Чужое", sender_phone="15550001111")
        factories.message(group, body="Секрет в группе", sender_lid=LID, sender_name=NAME)
        asked = factories.message(group, body="Кто?", sender_phone="15550001111")
        note = {"note": {"by": [None, "900"], "people": [[MARIA, LID]]}}
        factories.message(
            group, kind="group_added", body=NAME, direction="sys", details=note, sender_phone=None
        )
        factories.message(group, body="@Мария", sender_phone="15550001111", mentions=[[None, LID]])
        with transaction() as session:
            session.add(GroupMember(chat_id=group.id, key=LID, phone=MARIA, lid=LID, role="member"))
            session.add(
                PollVote(
                    message_id=asked.id,
                    author=LID,
                    phone=MARIA,
                    lid=LID,
                    name=NAME,
                    chosen=["Да"],
                    voted_at=asked.created_at,
                )
            )
            event_feed.want(session.get_one(Instance, shop.id))
        with transaction():
            told = {"from": f"{MARIA}@s.whatsapp.net"}
            outbox.emit(shop.id, Event.MESSAGE_RECEIVED, told)
        factories.call(current(shop), "CALL1", caller_phone=MARIA, caller_lid=LID)
        hook = factories.endpoint(shop)
        factories.delivery(hook, body=f'{{"from": "{MARIA}@s.whatsapp.net"}}'.encode())
        factories.delivery(hook, body=b'{"from": "15550001111@s.whatsapp.net"}')
        job = factories.contact_import(account, state="done")
        with transaction() as session:
            activity.record(
                "call:voice:received",
                instance=session.get_one(Instance, shop.id),
                caller="+7 916 123-45-67",
                call="CALL1",
            )
            session.add(
                RefusedRow(
                    import_id=job.id,
                    position=0,
                    row=2,
                    name="x",
                    phone="8 916 123-45-67",
                    tags="",
                    note="n",
                    problem="note_too_long",
                )
            )
        return factories.contact(shop, phone=MARIA, name=NAME, note="Секрет")


@pytest.fixture
def path(shop: Instance, maria: Contact) -> str:
    return f"/ui/instances/{shop.id}/contacts/{maria.id}/erase"


def everything(app: Flask) -> str:
    """All rows of all tables, as text."""
    with app.app_context():
        return "\n".join(
            f"{table.name} {tuple(row)}"
            for table in db.metadata.sorted_tables
            for row in db.session.execute(select(table))
        )


def test_the_question_names_what_is_lost_and_then_asks_for_the_number(
    app: Flask, bobs: Browser, path: str
) -> None:
    first = words(bobs.fragment(path), "#erase-contact")
    for part in (NAME, "1 чат", "4 сообщения", "1 файл"):
        assert part in first
    second = bobs.fragment(f"{path}?sure=1")
    assert "Введите номер" in words(second, "#erase-contact")
    wrong = bobs.act(path, {"number": "+7 916 000-00-00"})
    assert wrong.status_code == 422
    assert "Это не номер этого контакта" in words(wrong, "#erase-number-error")
    assert NAME in everything(app)


def test_nothing_of_the_person_is_left_and_nothing_of_others_is_lost(
    app: Flask, bobs: Browser, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasures, "BATCH", 2)
    before = everything(app)
    assert all(trace in before for trace in (MARIA, LID, NAME, "Секрет"))
    answer = bobs.act(path, {"number": "8 (916) 123-45-67"})
    assert answer.headers["HX-Trigger-After-Swap"] == "answered, contacts-changed"
    left = everything(app)
    for trace in (MARIA, LID, NAME, "Секрет", "916 123-45-67", "секрет"):
        assert trace not in left, trace
    with app.app_context():
        assert list(storage_of(current_settings()).entries()) == []
        bodies = {message.body for message in db.session.query(Message)}
        assert bodies == {"Чужое", "Кто?", "@Мария"}
        (group,) = db.session.query(Chat)
        assert group.last_text in bodies
        assert "15550001111@s.whatsapp.net" in left
        (line,) = db.session.query(Activity).filter(Activity.kind == "contacts:person:erased")
        assert line.detail == {}


def test_the_same_number_of_somebody_else_is_not_touched(
    app: Flask, bobs: Browser, charlie: User, path: str
) -> None:
    with app.app_context():
        theirs = factories.instance(charlie)
        account = factories.linked_account(theirs)
        factories.message(factories.chat(account, phone=MARIA, lid=LID), body="Чужой чат")
        factories.contact(theirs, phone=MARIA, name="У Чарли")
    bobs.post(path, {"number": MARIA})
    left = everything(app)
    assert "Чужой чат" in left
    assert "У Чарли" in left


def test_a_file_that_was_passed_on_stays_with_whom_it_was_passed_on_to(
    app: Flask, shop: Instance, bobs: Browser, path: str, account: LinkedAccount
) -> None:
    with app.app_context():
        file = db.session.scalars(select(Media)).one()
        ivan = factories.chat(account, phone="79990001122", lid="555", name="Иван")
        with transaction() as session:
            message = session.get_one(Message, file.message_id)
            forwarding.forward(message, [session.merge(ivan)], source="ui")
    bobs.post(path, {"number": MARIA})
    with app.app_context():
        left = db.session.scalars(select(Media)).one()
        assert storage_of(current_settings()).read(str(left.storage_key)) == b"secret file"
