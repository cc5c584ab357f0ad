"""Profile pictures on the pages: shown to the owner, wished for by looking, nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.clock import utcnow
from app.config import Settings
from app.extensions import db
from app.models import Chat, Instance, LinkedAccount, ProfilePicture
from app.services import groups, profile_pictures
from app.storage import storage_of
from app.transaction import transaction
from tests import factories
from tests.core.test_sniffing import picture
from tests.ui.browser import Browser, only, soup

JPEG = picture("JPEG")


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


def test_a_contact_has_the_picture_of_the_chat_and_the_others_are_wished_for(
    app: Flask, settings: Settings, bobs: Browser, account: LinkedAccount, chat: Chat
) -> None:
    put(app, settings, chat)
    with app.app_context():
        instance = db.session.get_one(Instance, account.instance_id)
        factories.contact(instance, name="Мария", phone=chat.phone, lid=chat.lid)
        factories.contact(instance, name="Яна", phone="79161110000")
    path = f"/ui/instances/{account.instance_id}/contacts/list?source=database"
    maria, jana = soup(bobs.fragment(path)).select("tr[data-row]")
    assert [str(one["src"]).split("?")[0] for one in maria.select(".avatar img")] == [
        path_of(chat, "/picture")
    ]
    assert not jana.select(".avatar img")
    with app.app_context():
        query = select(ProfilePicture).where(ProfilePicture.wanted_at.is_not(None))
        (wish,) = db.session.scalars(query)
        assert (wish.phone, wish.chat_id, wish.seen_in_id) == ("79161110000", None, None)


def test_a_picture_that_has_come_is_news_on_the_page_of_contacts(
    app: Flask, settings: Settings, bobs: Browser, account: LinkedAccount
) -> None:
    with app.app_context():
        instance = db.session.get_one(Instance, account.instance_id)
        factories.contact(instance, name="Яна", phone="79161110000")
    path = f"/ui/instances/{account.instance_id}/contacts/list?source=database"
    bobs.fragment(path)
    poll = str(only(bobs.fragment(path), "#contacts")["hx-get"])
    assert bobs.fragment(poll).status_code == 204
    with app.app_context(), transaction() as session:
        row = session.scalars(select(ProfilePicture)).one()
        profile_pictures.told(row.id, "1", "https://pictures.example/1", since=row.wanted_at)
        errand = profile_pictures.errand_of(row.id)
        assert errand is not None
        profile_pictures.stored(errand, key="k" * 32, mime="image/jpeg")
    image = only(bobs.fragment(poll), "tr[data-row] .avatar img")
    assert str(image["src"]).startswith(f"/ui/instances/{account.instance_id}/faces/")


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


@pytest.fixture
def group(app: Flask, account: LinkedAccount) -> Chat:
    """A group of 70 people."""
    with app.app_context():
        values = {"kind": "group", "group_id": "120363", "lid": None, "phone": None}
        group = factories.chat(account, name="Курьеры", last_text="…", **values)
        with transaction() as session:
            row = session.get_one(Chat, group.id)
            row.our_role, row.group_known_at = "member", utcnow()
            for number in range(70):
                groups.put(row, (f"7916{number:07}", f"9{number:05}"))
        db.session.refresh(group)
        return group


def put_face(app: Flask, settings: Settings, group: Chat, number: int) -> None:
    """Gives a member of the group a picture, of today."""
    with app.app_context():
        with storage_of(settings).draft() as draft:
            draft.write(JPEG)
            key = draft.keep()
        with transaction() as session:
            chat = session.get_one(Chat, group.id)
            account = session.get_one(LinkedAccount, chat.account_id)
            who = f"7916{number:07}", f"9{number:05}"
            profile_pictures.want_people(account, [who], seen_in=chat)
            (row,) = session.scalars(select(ProfilePicture).where(ProfilePicture.key.is_not(None)))
            row.storage_key, row.mime = key, "image/jpeg"
            row.fetched_at, row.wanted_at = utcnow(), None


def wanted_members(app: Flask) -> set[str | None]:
    with app.app_context():
        query = select(ProfilePicture.key).where(
            ProfilePicture.wanted_at.is_not(None), ProfilePicture.chat_id.is_(None)
        )
        return set(db.session.scalars(query))


def test_members_are_wished_for_when_somebody_scrolls_to_them(
    app: Flask, bobs: Browser, group: Chat
) -> None:
    panel = bobs.fragment(path_of(group, "/group"))
    reaches = soup(panel).select(".faces-reach")
    assert len(reaches) == 3
    assert wanted_members(app) == set()
    answer = bobs.fragment(str(reaches[1]["hx-get"]))
    assert len(wanted_members(app)) == 30
    assert only(answer, ".faces-reach")["hx-trigger"] == "every 3s"


def test_pictures_of_members_take_their_places_and_nothing_is_asked_once_all_are_known(
    app: Flask, settings: Settings, bobs: Browser, group: Chat
) -> None:
    put_face(app, settings, group, 0)
    panel = bobs.fragment(path_of(group, "/group"))
    assert only(panel, "#face-900000 img")
    answer = bobs.fragment(path_of(group, "/group/faces?key=900000"))
    image = only(answer, "#face-900000[hx-swap-oob] img")
    assert "hx-trigger" not in only(answer, ".faces-reach").attrs
    assert bobs.get(str(image["src"])).data == JPEG


def test_who_writes_in_a_group_is_shown_and_wished_for(
    app: Flask, settings: Settings, bobs: Browser, group: Chat
) -> None:
    put_face(app, settings, group, 3)
    with app.app_context():
        for number in (3, 4):
            factories.message(group, sender_phone=f"7916{number:07}", sender_lid=f"9{number:05}")
    page = bobs.get(path_of(group))
    faces = [bool(one.select("img")) for one in soup(page).select(".bubble-from .avatar")]
    assert faces == [True, False]
    assert wanted_members(app) == {"900004"}


def test_a_members_picture_is_its_owners_alone(
    app: Flask, settings: Settings, bobs: Browser, charlies: Browser, charlie: object, group: Chat
) -> None:
    put_face(app, settings, group, 0)
    address = str(only(bobs.fragment(path_of(group, "/group")), "#face-900000 img")["src"])
    assert charlies.get(address).status_code == 404
    with app.app_context():
        own = factories.instance(charlie, name="Own").id  # type: ignore[arg-type]
    assert charlies.get(address.replace(group.instance_id, own)).status_code == 404
