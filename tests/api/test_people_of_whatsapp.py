"""Who is on WhatsApp, and profile pictures."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from sqlalchemy import select

from app.api import people
from app.core.sniffing import mime_of
from app.models import Chat, NumberCheck, ProfilePicture
from app.services import number_checks
from app.storage import storage_of
from app.transaction import transaction
from tests import factories
from tests.core.test_sniffing import picture


@contextmanager
def whatsapp_knows(app: Flask, known: dict[str, str]) -> Iterator[None]:
    """In place of a session's host: answers every question."""
    over = threading.Event()

    def answer() -> None:
        while not over.wait(0.02):
            with app.app_context(), transaction() as session:
                open_ones = select(NumberCheck).where(NumberCheck.answered_at.is_(None))
                for check in session.scalars(open_ones).all():
                    lid = known.get(check.phone)
                    number_checks.answer(check.id, registered=lid is not None, lid=lid)

    host = threading.Thread(target=answer)
    host.start()
    yield
    over.set()
    host.join()


def check(api, instance, *phones):
    return api.post(f"/api/instances/{instance.id}/contacts/check", {"phones": list(phones)})


def test_whatsapp_is_asked_about_numbers(app, api, linked):
    with whatsapp_knows(app, {"79161234567": "123456789012345"}):
        answer = check(api, linked, "8 916 123-45-67", "+7 916 765-43-21", "+79161234567")
    assert answer.status_code == 200
    first, second, third = answer.json["items"]
    assert (first["phone"], first["exists"]) == ("79161234567", True)
    assert (first["lid"], first["chatId"]) == ("123456789012345@lid", "79161234567@s.whatsapp.net")
    assert (second["exists"], second["lid"]) == (False, None)
    assert third == first


def test_a_silent_whatsapp_says_neither(api, linked, monkeypatch):
    monkeypatch.setattr(people, "PATIENCE", 0)
    assert check(api, linked, "+79161234567").json["items"][0]["exists"] is None


def test_only_a_connected_instance_can_ask(api, instance):
    answer = check(api, instance, "+79161234567")
    assert (answer.status_code, answer.json["code"]) == (409, "not_connected")


@pytest.mark.parametrize("phones", [[], ["no number"], ["+79161234567"] * 21])
def test_what_is_no_list_of_numbers_is_refused(api, linked, phones):
    answer = check(api, linked, *phones)
    assert (answer.status_code, answer.json["field"]) == (422, "phones")


@pytest.fixture
def chat(app: Flask, linked) -> Chat:
    """A chat of the linked instance."""
    with app.app_context():
        return factories.chat(linked.account, phone="79161234567")


def test_a_picture_is_wished_for_and_given(app, api, linked, chat):
    path = f"/api/instances/{linked.id}/chats/79161234567/photo"
    answer = api.get(path)
    assert (answer.status_code, answer.get_json(force=True)["code"]) == (404, "media_not_found")
    content = picture("JPEG")
    with app.app_context(), transaction() as session:
        row = session.get_one(ProfilePicture, chat.id)
        assert row.wanted_at is not None
        with storage_of(app.config["SETTINGS"]).draft() as draft:
            draft.write(content)
            row.storage_key, row.mime = draft.keep(), mime_of(content)
    answer = app.test_client().get(path, headers={"X-API-Key": api._key})
    assert (answer.data, answer.mimetype) == (content, "image/jpeg")
    same = {"X-API-Key": api._key, "If-None-Match": answer.headers["ETag"]}
    assert app.test_client().get(path, headers=same).status_code == 304


def test_a_chat_there_is_not_has_no_picture(api, linked):
    answer = api.get(f"/api/instances/{linked.id}/chats/79160000000/photo")
    assert answer.get_json(force=True)["code"] == "chat_not_found"
