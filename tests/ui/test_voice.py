"""Voice messages in the chat, without a browser: what is handed over, and how it is shown."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.extensions import db
from app.models import Chat, Instance, Message
from app.transaction import transaction
from tests import factories
from tests.sounds import sound
from tests.ui.browser import Browser, only, soup, words
from tests.ui.test_media import files_of, messages

KEY = "0123456789abcdef" * 2


@pytest.fixture
def chat(app: Flask, shop: Instance) -> Chat:
    with app.app_context():
        return factories.chat(factories.linked_account(shop))


def chat_path(chat: Chat) -> str:
    return f"/ui/instances/{chat.instance_id}/chat/{chat.id}"


def speak(browser: Browser, chat: Chat, content: bytes, **values: Any) -> TestResponse:
    given = {"file": (io.BytesIO(content), "voice"), "key": KEY, **values}
    return browser.act(f"{chat_path(chat)}/voice", given)


def test_a_recording_is_queued_as_a_voice_message(app: Flask, bobs: Browser, chat: Chat) -> None:
    assert speak(bobs, chat, sound("webm", 3)).status_code == 200

    (message,) = messages(app)
    assert (message.kind, message.body, message.source) == ("voice", "", "ui")
    assert message.media is not None
    assert (message.media.mime, message.media.seconds) == ("audio/ogg", 3)


def test_a_recording_that_is_handed_over_twice_is_one_message(
    app: Flask, bobs: Browser, chat: Chat, settings: Any
) -> None:
    for _ in range(2):
        assert speak(bobs, chat, sound("mp4")).status_code == 200

    assert len(messages(app)) == 1
    assert len(files_of(settings)) == 1


def test_a_voice_message_answers_another(app: Flask, bobs: Browser, chat: Chat) -> None:
    with app.app_context():
        original = factories.message(chat, wa_id="3EB0AA").id
    speak(bobs, chat, sound(), reply_to=original)

    spoken = next(one for one in messages(app) if one.kind == "voice")
    with app.app_context():
        assert db.session.merge(spoken).quote.wa_id == "3EB0AA"


def test_what_is_no_sound_is_told_in_words(
    app: Flask, bobs: Browser, chat: Chat, settings: Any
) -> None:
    answer = speak(bobs, chat, b"%PDF-1.7")

    assert answer.status_code == 422
    told = "Это не звуковой файл: голосовое сообщение из него не сделать."
    assert told in soup(answer).get_text()
    assert messages(app) == []
    assert files_of(settings) == []


def test_nobody_who_is_not_signed_in_speaks(
    app: Flask, anybody: Browser, chat: Chat, settings: Any
) -> None:
    assert speak(anybody, chat, sound()).status_code in {303, 401}
    assert not settings.media_dir.exists()


def test_a_voice_message_has_a_player_and_its_length(bobs: Browser, chat: Chat) -> None:
    speak(bobs, chat, sound("wav", 3))

    page = bobs.get(chat_path(chat))
    assert only(page, "audio.media-sound")["aria-label"] == "Голосовое сообщение"
    assert words(page, ".media-length") == "Длительность 0:03"
    assert str(only(page, ".media-wave path")["d"]).count("M") == 64


def test_a_voice_message_that_waits_shows_its_length(app: Flask, bobs: Browser, chat: Chat) -> None:
    with app.app_context():
        factories.media(factories.message(chat, kind="voice"), kind="voice", seconds=75)

    assert words(bobs.get(chat_path(chat)), ".media-length") == "Длительность 1:15"


def test_the_button_waits_for_the_script(bobs: Browser, chat: Chat) -> None:
    page = bobs.get(chat_path(chat))

    assert only(page, "#voice-open").has_attr("hidden")
    assert only(page, "#voice").has_attr("hidden")


def test_pages_may_use_the_microphone_and_nobody_else(bobs: Browser, chat: Chat) -> None:
    allowed = bobs.get(chat_path(chat)).headers["Permissions-Policy"]

    assert "microphone=(self)" in allowed
    assert "camera=()" in allowed


def test_a_resent_voice_message_keeps_its_waveform(app: Flask, bobs: Browser, chat: Chat) -> None:
    speak(bobs, chat, sound(fades=True))
    (message,) = messages(app)
    with app.app_context(), transaction() as session:
        session.get_one(Message, message.id).status = "unconfirmed"  # type: ignore[assignment]

    bobs.post(f"{chat_path(chat)}/messages/{message.id}/resend")

    first, second = messages(app)
    assert first.media is not None
    assert second.media is not None
    assert second.media.waveform == first.media.waveform != bytes(64)
