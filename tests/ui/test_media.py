"""Files on the pages: given out to their owner alone, and never as anything that could harm."""

from __future__ import annotations

import io
import os
import zipfile
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import time_machine
from flask import Flask

from app.clock import utcnow
from app.config import Settings
from app.core.media import MediaState
from app.extensions import db
from app.jobs.media import make_thumbnail
from app.models import Chat, Instance, Media, Message
from app.security.uploads import MOST_FILES
from app.services.media_links import link_to
from app.transaction import transaction
from tests import factories
from tests.core.test_pictures import bomb
from tests.core.test_sniffing import MP4, picture
from tests.ui.browser import Browser, soup, words

HTML = b"<!doctype html><script>alert(1)</script>"


@pytest.fixture
def chat(app: Flask, shop: Instance) -> Chat:
    with app.app_context():
        return factories.chat(factories.linked_account(shop))


def stored(app: Flask, chat: Chat, content: bytes, **values: object) -> Media:
    with app.app_context():
        return factories.stored_media(factories.message(chat, kind="image"), content, **values)


def path_of(media: Media, rest: str = "") -> str:
    return f"/ui/instances/{media.instance_id}/media/{media.id}{rest}"


def files_path(chat: Chat) -> str:
    return f"/ui/instances/{chat.instance_id}/chat/{chat.id}/files"


def files_of(settings: Settings) -> list[Path]:
    return [path for path in settings.media_dir.rglob("*") if path.is_file()]


def messages(app: Flask) -> list[Message]:
    with app.app_context():
        found = list(db.session.query(Message).order_by(Message.id))
        for message in found:
            assert message.media is None or message.media.id
        db.session.expunge_all()
        return found


def upload(content: bytes, name: str = "a.png") -> tuple[object, str]:
    return io.BytesIO(content), name


def test_owner_gets_the_bytes_with_headers_that_disarm_them(
    app: Flask, bobs: Browser, chat: Chat
) -> None:
    content = picture("PNG")
    media = stored(app, chat, content, file_name="Фото.png")

    answer = bobs.get(path_of(media))

    assert answer.data == content
    assert answer.mimetype == "image/png"
    headers = answer.headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert headers["Content-Disposition"].startswith("inline; filename=")
    assert headers["Content-Disposition"].endswith("filename*=UTF-8''%D0%A4%D0%BE%D1%82%D0%BE.png")
    assert headers["Cache-Control"].startswith("private")


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (HTML, "photo.png"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "photo.svg"),
        (b"%PDF-1.7 ...", "a.pdf"),
        (b"#!/bin/sh\nrm -rf /", "run.sh"),
    ],
)
def test_what_could_carry_a_script_is_saved_not_shown(
    app: Flask, bobs: Browser, chat: Chat, content: bytes, name: str
) -> None:
    answer = bobs.get(path_of(stored(app, chat, content, file_name=name)))

    headers = answer.headers
    assert headers["Content-Disposition"].startswith("attachment")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert answer.mimetype in {"application/octet-stream", "application/pdf", "text/x-shellscript"}


def test_image_is_saved_when_that_is_asked(app: Flask, bobs: Browser, chat: Chat) -> None:
    answer = bobs.get(path_of(stored(app, chat, picture("JPEG")), "?download=1"))

    assert answer.headers["Content-Disposition"].startswith('attachment; filename="image-')


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-9", 206, slice(0, 10)),
        ("bytes=100000-", 206, slice(100_000, None)),
        ("bytes=-5", 206, slice(-5, None)),
        ("bytes=5-2,7-9", 200, slice(None)),
        ("lines=1-2", 200, slice(None)),
    ],
)
def test_part_of_a_file_is_given(
    app: Flask, bobs: Browser, chat: Chat, asked: str, status: int, part: slice
) -> None:
    content = MP4 + os.urandom(150_000)
    media = stored(app, chat, content)

    answer = bobs.get(path_of(media), headers={"Range": asked})

    assert (answer.status_code, answer.data) == (status, content[part])


def test_part_that_is_not_there_is_refused(app: Flask, bobs: Browser, chat: Chat) -> None:
    media = stored(app, chat, b"short")

    assert bobs.get(path_of(media), headers={"Range": "bytes=9-"}).status_code == 416


def test_file_that_the_browser_has_is_not_sent_again(app: Flask, bobs: Browser, chat: Chat) -> None:
    media = stored(app, chat, picture("PNG"))
    etag = bobs.get(path_of(media)).headers["ETag"]

    again = bobs.get(path_of(media), headers={"If-None-Match": etag})

    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("rest", ["", "/thumbnail", "?download=1"])
def test_nobody_else_gets_a_file(
    app: Flask, charlies: Browser, anybody: Browser, chat: Chat, rest: str
) -> None:
    media = stored(app, chat, picture("PNG"))

    assert charlies.get(path_of(media, rest)).status_code == 404
    assert anybody.get(path_of(media, rest)).status_code == 303


def test_file_of_another_instance_is_not_found_under_ones_own(
    app: Flask, charlies: Browser, charlie: object, chat: Chat
) -> None:
    media = stored(app, chat, picture("PNG"))
    with app.app_context():
        own = factories.instance(charlie)  # type: ignore[arg-type]

    assert charlies.get(f"/ui/instances/{own.id}/media/{media.id}").status_code == 404


def test_file_that_is_not_here_says_so(app: Flask, bobs: Browser, chat: Chat) -> None:
    with app.app_context():
        media = factories.media(factories.message(chat))

    assert bobs.get(path_of(media)).status_code == 409


def test_asking_again_brings_a_failed_file_back_to_the_queue(
    app: Flask, bobs: Browser, chat: Chat
) -> None:
    with app.app_context():
        media = factories.media(
            factories.message(chat), state=MediaState.FAILED, remote={"directPath": "/x"}
        )

    answer = bobs.post(path_of(media, "/fetch"))

    assert answer.status_code == 303
    with app.app_context():
        row = db.session.get_one(Media, media.id)
        assert (row.state, row.due_at is not None) == (MediaState.WAITING, True)


def test_files_are_queued_each_as_its_message_in_order(
    app: Flask, bobs: Browser, chat: Chat, settings: Settings
) -> None:
    given = [upload(picture("PNG")), upload(b"%PDF-1.7", "Счёт.pdf"), upload(MP4, "b.mp4")]

    answer = bobs.post(files_path(chat), {"file": given, "caption": "Смотрите"})

    assert answer.status_code == 303
    sent = messages(app)
    assert [message.kind for message in sent] == ["image", "document", "video"]
    assert [message.body for message in sent] == ["Смотрите", "", ""]
    assert [one.media.file_name for one in sent if one.media] == ["a.png", "Счёт.pdf", "b.mp4"]
    assert len(files_of(settings)) == 3


def test_caption_of_audio_follows_as_a_text(app: Flask, bobs: Browser, chat: Chat) -> None:
    sound = b"\xff\xfb\x90\x64" + bytes(413)

    bobs.post(files_path(chat), {"file": [upload(sound, "a.mp3")], "caption": "Слушайте"})

    assert [(one.kind, one.body) for one in messages(app)] == [
        ("audio", ""),
        ("text", "Слушайте"),
    ]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("<script>alert(1)</script>.png", "script_.png"),
        ("invoice\u202egnp.exe", "invoicegnp.exe"),
        ("x" * 10_000 + ".png", "x" * 196 + ".png"),
    ],
)
def test_hostile_name_is_made_harmless(
    app: Flask, bobs: Browser, chat: Chat, name: str, kept: str
) -> None:
    bobs.post(files_path(chat), {"file": [upload(picture("PNG"), name)]})

    (message,) = messages(app)
    assert message.media is not None
    assert message.media.file_name == kept


def test_html_that_calls_itself_an_image_goes_as_a_document(
    app: Flask, bobs: Browser, chat: Chat
) -> None:
    bobs.post(files_path(chat), {"file": [upload(HTML, "photo.png")]})

    (message,) = messages(app)
    assert message.media is not None
    assert (message.kind, message.media.mime) == ("document", "text/html")


def test_an_archive_that_would_fill_the_disk_is_passed_on_as_it_is(
    app: Flask, bobs: Browser, chat: Chat, settings: Settings
) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.txt", bytes(100_000_000))
    bobs.post(files_path(chat), {"file": [upload(out.getvalue(), "report.docx")]})

    (message,) = messages(app)
    assert message.media is not None
    assert (message.kind, message.media.thumbnail_due_at) == ("document", None)
    (kept,) = files_of(settings)
    assert kept.read_bytes() == out.getvalue()
    assert bobs.get(path_of(message.media)).data == out.getvalue()


@pytest.mark.parametrize(
    ("given", "caption", "sentence"),
    [
        ([], "", "Выберите файл."),
        ([upload(b"", "empty.txt")], "", "Файл пуст."),
        ([upload(b"x", "a.txt")], "я" * 1025, "Подпись может быть не длиннее 1024 символов."),
    ],
)
def test_what_cannot_be_sent_is_told_and_leaves_nothing(
    app: Flask,
    bobs: Browser,
    chat: Chat,
    settings: Settings,
    given: list[object],
    caption: str,
    sentence: str,
) -> None:
    answer = bobs.post(files_path(chat), {"file": given, "caption": caption})

    assert answer.status_code == 422
    assert sentence in soup(answer).get_text()
    assert caption in answer.text
    assert messages(app) == []
    assert files_of(settings) == []


def test_nobody_who_is_not_signed_in_fills_the_disk(
    app: Flask, anybody: Browser, chat: Chat, settings: Settings
) -> None:
    answer = anybody.post(files_path(chat), {"file": [upload(b"x" * 100_000)]})

    assert answer.status_code == 303
    assert not settings.media_dir.exists()


def test_upload_without_the_pages_token_leaves_nothing(
    app: Flask, bobs: Browser, chat: Chat, settings: Settings
) -> None:
    answer = bobs.client.post(files_path(chat), data={"file": [upload(b"x")]})

    assert answer.status_code == 419
    assert files_of(settings) == []


def test_too_many_files_at_once_are_refused(
    app: Flask, bobs: Browser, chat: Chat, settings: Settings
) -> None:
    many = [upload(b"x") for _ in range(MOST_FILES + 20)]

    answer = bobs.post(files_path(chat), {"file": many})

    assert answer.status_code == 413
    assert messages(app) == []


def test_same_key_sends_a_file_once(
    app: Flask, bobs: Browser, chat: Chat, settings: Settings
) -> None:
    key = "0" * 32
    for _ in range(2):
        answer = bobs.act(files_path(chat), {"file": [upload(b"x", "a.txt")], "key": key})
        assert answer.status_code == 200, answer.text

    assert len(messages(app)) == 1
    assert len(files_of(settings)) == 1


class TestSmallLimit:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        """A server that takes one MiB."""
        return settings.model_copy(update={"max_upload_mb": 1})

    def test_file_over_the_limit_is_refused_with_the_limit(
        self, app: Flask, bobs: Browser, chat: Chat, settings: Settings
    ) -> None:
        content = b"x" * (2 * 1024 * 1024)

        answer = bobs.act(files_path(chat), {"file": [upload(content, "a.bin")]})
        answer.request.environ["wsgi.input"].close()  # the client's own temporary file

        assert answer.status_code == 413
        assert "Файл может быть не больше 1 МБ." in soup(answer).get_text()
        assert not settings.media_dir.exists()


def test_resent_file_is_the_same_file(
    app: Flask, bobs: Browser, chat: Chat, settings: Settings
) -> None:
    bobs.post(files_path(chat), {"file": [upload(picture("PNG"))], "caption": "Раз"})
    (message,) = messages(app)
    with app.app_context(), transaction() as session:
        session.get_one(Message, message.id).status = "unconfirmed"  # type: ignore[assignment]

    bobs.post(f"/ui/instances/{chat.instance_id}/chat/{chat.id}/messages/{message.id}/resend")

    first, second = messages(app)
    assert first.media is not None
    assert second.media is not None
    assert second.media.storage_key == first.media.storage_key
    assert (second.kind, second.body) == ("image", "Раз")
    assert len(files_of(settings)) == 1


def linked(media: Media) -> str:
    """The path of the link that a webhook is told."""
    return urlsplit(link_to(media)).path


def test_whoever_has_the_link_of_a_webhook_gets_the_file_for_three_days(
    app: Flask, anybody: Browser, chat: Chat
) -> None:
    with app.app_context():
        media = factories.stored_media(factories.message(chat), HTML)
        path = linked(media)

    answer = anybody.get(path)
    assert (answer.status_code, answer.data) == (200, HTML)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    with time_machine.travel(utcnow() + timedelta(hours=71)):
        assert anybody.get(path).status_code == 200
    with time_machine.travel(utcnow() + timedelta(hours=73)):
        assert anybody.get(path).status_code == 404
    assert anybody.get(f"{path}x").status_code == 404
    assert anybody.get(f"/media/{media.id}").status_code == 404
    with app.app_context(), transaction() as session:
        session.delete(session.get_one(Message, media.message_id))
    assert anybody.get(path).status_code == 404


def test_the_link_of_a_file_on_its_way_says_when_to_ask_again(
    app: Flask, anybody: Browser, chat: Chat
) -> None:
    with app.app_context():
        media = factories.media(factories.message(chat), due_at=utcnow())
        path = linked(media)

    answer = anybody.get(path)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    with app.app_context(), transaction() as session:
        session.get_one(Media, media.id).due_at = None
    assert anybody.get(path).status_code == 409


def test_an_image_that_is_too_large_to_be_unpacked_says_so(
    app: Flask, bobs: Browser, chat: Chat
) -> None:
    media = stored(app, chat, bomb(9_000, 9_000), thumbnail_due_at=utcnow())
    with app.app_context():
        make_thumbnail(media.id)

    page = bobs.get(f"/ui/instances/{chat.instance_id}/chat/{chat.id}")
    told = "Без миниатюры: изображение повреждено или слишком велико в распакованном виде"
    assert words(page, ".media .media-state") == told
    assert not soup(page).select(".media img")
