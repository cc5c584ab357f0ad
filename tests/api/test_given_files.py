"""Files in a JSON body: fetched from an address, or written as base64."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from flask import Flask

from app.outgoing import files
from tests.core.test_sniffing import picture
from tests.receiver import Reply, running_receiver

IMAGE = picture("PNG")


@pytest.fixture
def settings(settings):
    """With the addresses of this machine allowed, where the receiver is."""
    return settings.model_copy(update={"webhook_private_addresses": True, "max_upload_mb": 1})


@pytest.fixture
def shop():
    """A web server that has the file."""
    with running_receiver() as receiver:
        receiver.otherwise = Reply(body=IMAGE, headers={"Content-Type": "text/html"})
        yield receiver


def send(api, instance, file, **more):
    body = {"to": "+79161234567", "file": file, **more}
    return api.post(f"/api/instances/{instance.id}/send", body)


def refusal(answer) -> tuple[int, str, str | None]:
    problem = answer.get_json(force=True)
    return answer.status_code, problem["code"], problem.get("field")


def kept(app: Flask) -> list[Path]:
    """All that lies in the storage, drafts included."""
    return [path for path in app.config["SETTINGS"].media_dir.rglob("*") if path.is_file()]


def test_a_file_is_fetched_from_its_address(api, linked, shop):
    answer = send(api, linked, {"url": f"{shop.url}/a/pic%20ture.png?x=1"}, caption="Чек")
    assert answer.status_code == 202
    message = answer.json["message"]
    assert (message["type"], message["body"]) == ("image", "Чек")
    assert (message["media"]["size"], message["media"]["mimeType"]) == (len(IMAGE), "image/png")
    sent = shop.requests[0]
    assert (sent.method, sent.path) == ("GET", "/hook/a/pic%20ture.png?x=1")
    assert "X-Api-Key" not in sent.headers


def test_a_file_is_read_from_base64(app, api, linked):
    text = base64.b64encode(IMAGE).decode()
    for data in (text, f"data:image/png;base64,{text}", text[:8] + "\n" + text[8:]):
        answer = send(api, linked, {"data": data, "name": "a.png"}, type="document")
        message = answer.json["message"]
        assert (answer.status_code, message["type"]) == (202, "document")
        assert message["media"]["fileName"] == "a.png"
        path = f"/api/instances/{linked.id}/messages/{message['id']}/media"
        answer = app.test_client().get(path, headers={"X-API-Key": api._key})
        assert answer.data == IMAGE


def test_a_large_file_as_base64_fits_into_the_body(api, linked):
    content = base64.b64encode(IMAGE + bytes(3 * 1024 * 1024)).decode()
    assert send(api, linked, {"data": content}).status_code == 202


def test_the_same_key_with_the_same_file_is_the_same_message(api, linked, shop):
    def ids():
        return [
            api.post(
                f"/api/instances/{linked.id}/send",
                {"to": "+79161234567", "file": {"url": shop.url}},
                headers={"Idempotency-Key": "invoice"},
            )
            for _ in range(2)
        ]

    first, second = ids()
    assert first.json["message"]["id"] == second.json["message"]["id"]
    shop.otherwise = Reply(body=picture("JPEG"))
    assert refusal(ids()[0])[:2] == (409, "idempotency_conflict")


@pytest.mark.parametrize(
    ("file", "code", "field"),
    [
        ({}, "url_or_data", "file"),
        ({"url": "https://a.example/", "data": "AAAA"}, "url_or_data", "file"),
        ({"data": "no base64!"}, "bad_base64", "file.data"),
        ({"data": ""}, "file_empty", "file"),
        ({"data": "aGVsbG8="}, "not_a_gif", "file"),
        ({"url": "file:///etc/passwd"}, "bad_url", "file.url"),
        ({"url": "http://bob:secret@a.example/"}, "bad_url", "file.url"),
        ({"url": "http://a.example:99999/"}, "bad_url", "file.url"),
        ({"url": "http://169.254.169.254/latest/meta-data"}, "address_refused", "file.url"),
        ({"url": "http://[::ffff:169.254.169.254]/"}, "address_refused", "file.url"),
        ({"url": "http://127.0.0.1:1/"}, "file_not_fetched", "file.url"),
    ],
)
def test_what_cannot_be_a_file_is_refused(app, api, linked, file, code, field):
    assert refusal(send(api, linked, file, type="gif")) == (422, code, field)
    assert kept(app) == []


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=404),
        Reply(hang_up=True),
        Reply(status=302, headers={"Location": "http://169.254.169.254/"}),
        Reply(status=302, headers={"Location": "/again"}),
        Reply(status=302, headers={"Location": "file:///etc/passwd"}),
    ],
)
def test_what_the_address_answers_badly_is_refused(app, api, linked, shop, reply):
    shop.otherwise = reply
    answer = send(api, linked, {"url": shop.url})
    assert refusal(answer)[0] == 422
    assert kept(app) == []


@pytest.mark.parametrize("reply", [Reply(endless=True), Reply(body=bytes(1024 * 1024 + 1))])
def test_a_file_that_is_too_large_is_read_no_further(app, api, linked, shop, reply):
    shop.otherwise = reply
    assert refusal(send(api, linked, {"url": shop.url}))[:2] == (413, "file_too_large")
    assert kept(app) == []


def test_a_file_that_comes_too_slowly_is_given_up(api, linked, shop, monkeypatch):
    monkeypatch.setattr(files, "SECONDS", 0.3)
    shop.otherwise = Reply(trickle=0.05)
    answer = send(api, linked, {"url": shop.url})
    assert refusal(answer)[1] == "file_not_fetched"
    assert "timeout" in answer.json["detail"]


def test_nothing_is_fetched_for_an_instance_that_was_never_linked(api, instance, shop):
    assert refusal(send(api, instance, {"url": shop.url}))[:2] == (409, "not_linked")
    assert shop.requests == []


def test_a_file_and_a_text_are_too_much(api, linked):
    assert refusal(send(api, linked, {"data": "AAAA"}, text="Hi"))[1] == "several_contents"
