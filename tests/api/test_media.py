"""Files over the API: sent as a form, given out, fetched again."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask import Flask

from app.core.media import MediaState
from app.extensions import db
from app.models import Instance, Media, User
from app.services import accounts
from app.transaction import transaction
from tests import factories
from tests.api.conftest import Api
from tests.core.test_sniffing import picture


def form(content: bytes, name: str = "a.png", **fields: str) -> dict[str, Any]:
    return {
        "data": {"to": "+79161234567", "file": (io.BytesIO(content), name), **fields},
        "content_type": "multipart/form-data",
    }


def send(api: Api, instance: Instance, content: bytes, **fields: Any) -> Any:
    headers = fields.pop("headers", {})
    values = form(content, **fields)
    return api.call("POST", f"/api/instances/{instance.id}/send", headers=headers, **values)


@pytest.fixture
def key(app: Flask, bob: User) -> dict[str, str]:
    with app.app_context(), transaction():
        return {"X-API-Key": accounts.create_key(bob).key_encrypted}


def test_form_with_a_file_is_queued_as_a_message(api: Api, linked: Instance) -> None:
    answer = send(api, linked, picture("PNG"), caption="Чек")

    message = answer.json["message"]
    assert answer.status_code == 202
    assert (message["type"], message["body"], message["status"]) == ("image", "Чек", "queued")
    assert message["media"]["mimeType"] == "image/png"
    assert message["media"]["state"] == "stored"


def test_sent_file_is_given_back_byte_for_byte(
    app: Flask, api: Api, linked: Instance, key: dict[str, str]
) -> None:
    content = picture("JPEG")
    message_id = send(api, linked, content).json["message"]["id"]

    path = f"/api/instances/{linked.id}/messages/{message_id}/media"
    answer = app.test_client().get(path, headers=key)
    part = app.test_client().get(path, headers=key | {"Range": "bytes=2-5"})

    assert (answer.data, answer.mimetype) == (content, "image/jpeg")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert (part.status_code, part.data) == (206, content[2:6])


def test_same_key_with_the_same_file_is_one_message(api: Api, linked: Instance) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = send(api, linked, b"a file", headers=headers).json["message"]["id"]

    assert send(api, linked, b"a file", headers=headers).json["message"]["id"] == first
    refused = send(api, linked, b"another", headers=headers)
    assert (refused.status_code, refused.json["code"]) == (409, "idempotency_conflict")


def test_same_key_with_a_text_instead_of_the_file_is_refused(api: Api, linked: Instance) -> None:
    headers = {"Idempotency-Key": "k1"}
    send(api, linked, b"a file", headers=headers)

    body = {"to": "+79161234567", "text": "a text"}
    refused = api.post(f"/api/instances/{linked.id}/send", body, headers=headers)
    assert refused.json["code"] == "idempotency_conflict"


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"to": "nobody"}, "bad_phone", "to"),
        ({"caption": "x" * 1025}, "caption_too_long", "caption"),
        ({"colour": "red"}, "validation_failed", "colour"),
    ],
)
def test_wrong_field_of_a_form_is_named(
    api: Api, linked: Instance, fields: dict[str, str], code: str, field: str
) -> None:
    answer = send(api, linked, b"x", **fields)

    assert (answer.status_code, answer.json["code"], answer.json["field"]) == (422, code, field)


def test_form_without_a_file_is_refused(api: Api, linked: Instance) -> None:
    answer = api.call(
        "POST",
        f"/api/instances/{linked.id}/send",
        data={"to": "+79161234567"},
        content_type="multipart/form-data",
    )

    assert (answer.status_code, answer.json["code"]) == (422, "file_missing")


def test_audio_has_no_caption(api: Api, linked: Instance) -> None:
    sound = b"\xff\xfb\x90\x64" + bytes(413)

    answer = send(api, linked, sound, caption="listen")

    assert answer.json["code"] == "caption_not_possible"


def test_file_of_somebody_elses_message_is_not_there(
    app: Flask, api: Api, foreign: Instance
) -> None:
    with app.app_context():
        assert foreign.account is not None
        message = factories.message(factories.chat(foreign.account))
        factories.stored_media(message, b"secret")

    assert send(api, foreign, b"x").status_code == 404
    answer = api.get(f"/api/instances/{foreign.id}/messages/{message.id}/media")
    assert answer.status_code == 404


def test_file_that_failed_is_fetched_again(app: Flask, api: Api, linked: Instance) -> None:
    with app.app_context():
        account = db.session.get_one(Instance, linked.id).account
        assert account is not None
        message = factories.message(factories.chat(account), kind="image")
        media = factories.media(message, state=MediaState.FAILED, remote={"directPath": "/x"})
    path = f"/api/instances/{linked.id}/messages/{message.id}/media"

    early = api.get(path)
    answer = api.post(f"{path}/fetch")

    assert (early.status_code, early.json["code"]) == (409, "media_not_stored")
    assert answer.json["media"]["state"] == "waiting"
    with app.app_context():
        assert db.session.get_one(Media, media.id).due_at is not None
    assert api.post(f"{path}/fetch").status_code == 202


def test_text_has_no_file_to_get(app: Flask, api: Api, linked: Instance) -> None:
    with app.app_context():
        account = db.session.get_one(Instance, linked.id).account
        assert account is not None
        message = factories.message(factories.chat(account))

    answer = api.get(f"/api/instances/{linked.id}/messages/{message.id}/media")
    assert (answer.status_code, answer.json["code"]) == (404, "media_not_found")
