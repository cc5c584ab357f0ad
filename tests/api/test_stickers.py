"""Stickers and GIFs over the API, made of files of people's own."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask import Flask
from PIL import Image

from app.config import Settings
from app.core.media import MediaState
from app.extensions import db
from app.jobs import making
from app.models import Instance, Media
from app.storage import storage_of
from tests.api.conftest import Api
from tests.api.test_media import send
from tests.api.test_voice import files_of
from tests.core.test_sniffing import picture
from tests.moving import film_of, moving
from tests.sounds import sound


def still_gif() -> bytes:
    out = io.BytesIO()
    Image.new("P", (90, 60)).save(out, "GIF")
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "animated"), [(picture("PNG"), False), (moving(), True), (moving("WEBP"), True)]
)
def test_a_picture_is_turned_into_a_sticker(
    app: Flask, api: Api, linked: Instance, settings: Settings, content: bytes, animated: bool
) -> None:
    answer = send(api, linked, content, type="sticker")

    message = answer.json["message"]
    assert (answer.status_code, message["type"], message["body"]) == (202, "sticker", "")
    media = message["media"]
    assert (media["mimeType"], media["width"], media["height"]) == ("image/webp", 512, 512)
    assert (media["animated"], media["state"], media["fileName"]) == (animated, "stored", "a.webp")
    with app.app_context():
        row = db.session.query(Media).one()
        stored = storage_of(settings).read(str(row.storage_key))
    assert Image.open(io.BytesIO(stored)).format == "WEBP"


@pytest.mark.parametrize(
    ("content", "fields"),
    [(moving(), {}), (moving(), {"type": "gif"}), (film_of(), {"type": "gif"})],
)
def test_what_moves_is_queued_as_a_gif_that_is_made_by_a_job(
    app: Flask, api: Api, linked: Instance, content: bytes, fields: dict[str, str]
) -> None:
    answer = send(api, linked, content, caption="look", **fields)

    message = answer.json["message"]
    assert (answer.status_code, message["type"], message["body"]) == (202, "gif", "look")
    assert (message["media"]["state"], message["status"]) == ("making", "queued")
    with app.app_context():
        making.make(db.session.query(Media).one().id)
    path = f"/api/instances/{linked.id}/messages/{message['id']}"
    media = api.call("GET", path).json["media"]
    assert (media["state"], media["mimeType"]) == ("stored", "video/mp4")
    assert media["seconds"] >= 1


def test_a_gif_that_stands_still_goes_as_it_is(api: Api, linked: Instance) -> None:
    media = send(api, linked, still_gif()).json["message"]["media"]

    assert (media["kind"], media["mimeType"]) == ("document", "image/gif")


def test_anything_can_go_as_a_document(api: Api, linked: Instance) -> None:
    kinds = {
        send(api, linked, content, type="document").json["message"]["media"]["kind"]
        for content in (moving(), picture("JPEG"), film_of())
    }

    assert kinds == {"document"}


def test_the_type_voice_is_the_field_voice(api: Api, linked: Instance) -> None:
    assert send(api, linked, sound(), type="voice").json["message"]["type"] == "voice"


@pytest.mark.parametrize("kind", ["sticker", "gif"])
def test_the_same_key_with_the_same_file_is_one_message(
    app: Flask, api: Api, linked: Instance, settings: Settings, kind: str
) -> None:
    def ask(content: bytes, how: str = kind) -> Any:
        return send(api, linked, content, type=how, headers={"Idempotency-Key": "k1"})

    first = ask(moving()).json["message"]["id"]
    assert ask(moving()).json["message"]["id"] == first
    with app.app_context():
        if kind == "gif":
            making.make(db.session.query(Media).one().id)
        state = db.session.query(Media).one().state
    assert state == MediaState.STORED
    assert ask(moving()).json["message"]["id"] == first
    kept = len(files_of(settings))
    for other in (ask(moving("GIF", 9)), ask(moving(), "document")):
        assert (other.status_code, other.json["code"]) == (409, "idempotency_conflict")
    assert len(files_of(settings)) == kept == (2 if kind == "gif" else 1)


@pytest.mark.parametrize(
    ("content", "fields", "code", "field"),
    [
        (b"<html><script>alert(1)</script>", {"type": "sticker"}, "not_a_picture", "file"),
        (b"", {"type": "sticker"}, "file_empty", "file"),
        (moving("GIF", 6, milliseconds=3000), {"type": "sticker"}, "sticker_too_long", "file"),
        (picture("PNG"), {"type": "sticker", "caption": "a"}, "caption_not_possible", "caption"),
        (b"", {"type": "gif"}, "file_empty", "file"),
        (still_gif(), {"type": "gif"}, "not_a_gif", "file"),
        (picture("PNG"), {"type": "gif"}, "not_a_gif", "file"),
        (picture("PNG"), {"type": "painting"}, "validation_failed", "type"),
    ],
)
def test_what_cannot_be_one_is_refused_in_words_and_leaves_nothing(
    api: Api,
    linked: Instance,
    settings: Settings,
    content: bytes,
    fields: dict[str, str],
    code: str,
    field: str,
) -> None:
    answer = send(api, linked, content, **fields)

    assert (answer.status_code, answer.json["code"], answer.json["field"]) == (422, code, field)
    assert answer.json["detail"]
    assert files_of(settings) == []
