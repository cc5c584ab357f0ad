"""Files as rows: what a message tells of one, and what becomes of it."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.ctx import AppContext

from app.clock import utcnow
from app.config import Settings
from app.core.errors import Conflict
from app.core.media import FileFacts, MediaKind, MediaState, RemoteFile
from app.core.states import MessageStatus
from app.extensions import db
from app.jobs import media as jobs
from app.models import Message, User
from app.services import media, thumbnails
from app.services.message_payload import payload_of
from app.transaction import transaction
from tests import factories

REMOTE = RemoteFile("/v/x?a=1", b"k" * 32, b"h" * 32)


@pytest.fixture
def message(app_context: AppContext, bob: User) -> Message:
    instance = factories.instance(bob)
    return factories.message(factories.chat(factories.linked_account(instance)), kind="document")


def expected(message: Message, **facts: object) -> str:
    about = FileFacts(MediaKind.DOCUMENT, **facts)  # type: ignore[arg-type]
    with transaction() as session:
        row = session.get_one(Message, message.id)
        return media.expect(row, media.ArrivedFile(about, REMOTE), is_news=True).id


def test_what_the_sender_says_is_kept_within_bounds(message: Message) -> None:
    expected(message, file_name="../" + "a" * 10_000 + ".pdf", mime="x/" + "y" * 500)

    with transaction() as session:
        row = session.get_one(Message, message.id).media
        assert row is not None
        assert row.file_name.endswith("a.pdf")
        assert len(row.file_name.encode()) <= 200
        assert len(row.claimed_mime) == 100
        assert row.mime is None


def test_webhook_is_told_what_is_known_of_the_file(message: Message) -> None:
    expected(message, file_name="a.pdf", mime="application/pdf", size=5)

    with transaction() as session:
        told = payload_of(session.get_one(Message, message.id))

    link = told["media"].pop("url")
    assert link.startswith("http://127.0.0.1:8000/media/")
    assert told["type"] == "document"
    assert told["media"] == {
        "kind": "document",
        "mimeType": "application/pdf",
        "fileName": "a.pdf",
        "size": 5,
        "seconds": None,
        "width": None,
        "height": None,
        "animated": False,
    }


def test_text_has_no_file_in_its_webhook(app_context: AppContext, bob: User) -> None:
    text = factories.message(factories.chat(factories.linked_account(factories.instance(bob))))

    with transaction() as session:
        assert payload_of(session.get_one(Message, text.id))["media"] is None


def test_stored_file_cannot_be_fetched_again(message: Message) -> None:
    media_id = expected(message)
    with transaction() as session:
        errand = media.claim(media_id)
        assert errand is not None
        assert media.stored(errand, key="a" * 32, mime="x/y", size=1, sha256="0" * 64)
        row = session.get_one(media.Media, media_id, populate_existing=True)
        assert row.state == MediaState.STORED
        with pytest.raises(Conflict):
            media.ask_for(row)


def test_image_that_kills_its_worker_is_not_shrunk_for_ever(message: Message) -> None:
    media_id = expected(message)
    with transaction():
        errand = media.claim(media_id)
        assert errand is not None
        media.stored(errand, key="a" * 32, mime="image/png", size=1, sha256="0" * 64)
    for _ in range(thumbnails.TRIES):
        with transaction() as session:
            assert thumbnails.claim(media_id) is not None
            session.get_one(media.Media, media_id).thumbnail_due_at = message.created_at

    with transaction() as session:
        assert thumbnails.claim(media_id) is None
        assert session.get_one(media.Media, media_id).thumbnail_due_at is None


OLD = timedelta(days=31)


def aged(message: Message, *, remote: bool, **values: Any) -> str:
    """A file that has been here for a month; `remote`: it came from WhatsApp."""
    place = {"directPath": "/v/1?a=1", "mediaKey": "", "encSha256": ""} if remote else None
    with transaction() as session:
        one = session.get_one(Message, message.id)
        one.status = values.pop("status", MessageStatus.RECEIVED)
    row = factories.stored_media(message, b"x", created_at=utcnow() - OLD, remote=place, **values)
    return row.id


@pytest.mark.parametrize("days", [0, 32])
def test_files_stay_as_long_as_they_are_to(
    app: Flask, message: Message, settings: Settings, days: int
) -> None:
    app.config["SETTINGS"] = settings.model_copy(update={"media_keep_days": days})
    media_id = aged(message, remote=True)
    jobs.expire()
    assert look(media_id).state == MediaState.STORED


@pytest.mark.parametrize(("remote", "state"), [(True, "waiting"), (False, "expired")])
def test_a_file_that_is_too_old_is_let_go_and_its_message_stays(
    app: Flask, message: Message, settings: Settings, remote: bool, state: str
) -> None:
    app.config["SETTINGS"] = settings.model_copy(update={"media_keep_days": 30})
    media_id = aged(message, remote=remote)
    key = str(look(media_id).storage_key)
    os.utime(next(settings.media_dir.rglob(key)), (0, 0))

    jobs.expire()
    jobs.sweep_files()

    row = look(media_id)
    assert (row.state, row.due_at, row.storage_key) == (state, None, None)
    assert not list(settings.media_dir.rglob(key))
    assert db.session.get(Message, message.id) is not None
    if remote:
        with transaction():
            media.ask_for(row)
        assert look(media_id).failure is None


@pytest.mark.parametrize("status", ["queued", "sending", "failed", "unconfirmed"])
def test_a_file_that_may_still_have_to_be_sent_is_never_let_go(
    app: Flask, message: Message, settings: Settings, status: str
) -> None:
    app.config["SETTINGS"] = settings.model_copy(update={"media_keep_days": 30})
    media_id = aged(message, remote=False, status=status)
    jobs.expire()
    assert look(media_id).state == MediaState.STORED


def look(media_id: str) -> media.Media:
    db.session.rollback()
    return db.session.get_one(media.Media, media_id, populate_existing=True)
