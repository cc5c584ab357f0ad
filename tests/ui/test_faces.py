"""Profile pictures on the pages: shown to the owner, wished for by looking, nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.clock import utcnow
from app.config import Settings
from app.core.states import InstanceState
from app.extensions import db
from app.models import Chat, Instance, LinkedAccount, ProfilePicture
from app.storage import storage_of
from app.transaction import transaction
from tests import factories
from tests.core.test_sniffing import picture
from tests.ui.browser import Browser, only, soup

JPEG = picture("JPEG")


@pytest.fixture
def account(app: Flask, shop: Instance) -> LinkedAccount:
    with app.app_context():
        with transaction() as session:
            session.get_one(Instance, shop.id).state = InstanceState.CONNECTED
        return factories.linked_account(shop)


@pytest.fixture
def chat(app: Flask, account: LinkedAccount) -> Chat:
    with app.app_context():
        return factories.chat(account, name="Мария", last_text="привет")


def put(app: Flask, settings: Settings, chat: Chat) -> None:
    """Gives the chat a picture, of today."""
    with app.app_context():
        with storage_of(settings).draft() as draft:
            draft.write(JPEG)
            key = draft.keep()
        with transaction() as session:
            session.add(
                ProfilePicture(
                    id=chat.id,
                    chat_id=chat.id,
                    account_id=chat.account_id,
                    instance_id=chat.instance_id,
                    storage_key=key,
                    mime="image/jpeg",
                    fetched_at=utcnow(),
                )
            )


def path_of(chat: Chat, rest: str = "") -> str:
    return f"/ui/instances/{chat.instance_id}/chat/{chat.id}{rest}"


def wanted(app: Flask) -> set[str]:
    with app.app_context():
        query = select(ProfilePicture.chat_id).where(ProfilePicture.wanted_at.is_not(None))
        return set(db.session.scalars(query))


def test_a_stored_picture_is_shown_in_the_list_and_the_head_and_given_to_its_owner(
    app: Flask, settings: Settings, bobs: Browser, chat: Chat
) -> None:
    put(app, settings, chat)
    page = bobs.get(path_of(chat))
    images = soup(page).select(".avatar img")
    assert [str(one["loading"]) for one in images] == ["lazy", "lazy"]
    assert only(page, ".conversation-head .avatar").get_text() == "М"  # below it
    answer = bobs.get(str(images[0]["src"]))
    assert (answer.data, answer.mimetype) == (JPEG, "image/jpeg")
    assert answer.headers["Cache-Control"] == "private, max-age=3600"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_somebody_elses_picture_is_not_there(
    app: Flask, settings: Settings, charlies: Browser, anybody: Browser, charlie: object, chat: Chat
) -> None:
    put(app, settings, chat)
    assert charlies.get(path_of(chat, "/picture")).status_code == 404
    assert anybody.get(path_of(chat, "/picture")).status_code == 303
    with app.app_context():
        own = factories.instance(charlie, name="Own").id  # type: ignore[arg-type]
    through_own = path_of(chat, "/picture").replace(chat.instance_id, own)
    assert charlies.get(through_own).status_code == 404


def test_who_has_no_picture_is_shown_by_initials(bobs: Browser, chat: Chat) -> None:
    page = bobs.get(path_of(chat))
    assert not soup(page).select(".avatar img")
    assert bobs.get(path_of(chat, "/picture")).status_code == 404


def test_looking_wishes_for_what_is_shown_and_unknown_and_writes_nothing_else(
    app: Flask, settings: Settings, bobs: Browser, account: LinkedAccount, chat: Chat
) -> None:
    with app.app_context():
        other = factories.chat(account, name="Олег", last_text="да")
    put(app, settings, other)
    bobs.get(f"/ui/instances/{account.instance_id}/chat")
    assert wanted(app) == {chat.id}
    with app.app_context():
        first = db.session.get_one(ProfilePicture, chat.id).wanted_at
    bobs.get(f"/ui/instances/{account.instance_id}/chat")
    with app.app_context():
        assert db.session.get_one(ProfilePicture, chat.id).wanted_at == first


def test_an_old_picture_is_wished_for_anew_and_shown_meanwhile(
    app: Flask, settings: Settings, bobs: Browser, chat: Chat
) -> None:
    put(app, settings, chat)
    with app.app_context(), transaction() as session:
        session.get_one(ProfilePicture, chat.id).fetched_at = utcnow() - timedelta(days=2)
    page = bobs.get(path_of(chat))
    assert soup(page).select(".avatar img")
    assert wanted(app) == {chat.id}


def test_chats_further_down_are_wished_for_when_they_are_shown(
    app: Flask, bobs: Browser, account: LinkedAccount
) -> None:
    with app.app_context():
        for number in range(40):
            at = utcnow() - timedelta(minutes=number)
            factories.chat(account, name=f"Чат {number}", last_text="…", last_at=at)
    page = bobs.get(f"/ui/instances/{account.instance_id}/chat")
    assert len(wanted(app)) == 30
    bobs.fragment(str(only(page, ".more-lines .more-reach")["hx-get"]))
    assert len(wanted(app)) == 40


class TestSwitchedOff:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"profile_pictures": False})

    def test_pictures_are_neither_wished_for_nor_shown(
        self, app: Flask, settings: Settings, bobs: Browser, account: LinkedAccount, chat: Chat
    ) -> None:
        with app.app_context():
            other = factories.chat(account, name="Олег", last_text="да")
        put(app, settings, other)
        page = bobs.get(path_of(chat))
        assert not soup(page).select(".avatar img")
        assert wanted(app) == set()
