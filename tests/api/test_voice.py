"""Voice messages over the API: any audio, turned into what phones show as spoken."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from app.config import Settings
from app.extensions import db
from app.models import Instance, Media
from tests.api.conftest import Api
from tests.api.test_media import send
from tests.core.test_sniffing import picture
from tests.sounds import sound


def files_of(settings: Settings) -> list[Path]:
    return [path for path in settings.media_dir.rglob("*") if path.is_file()]


@pytest.mark.parametrize("form", ["wav", "mp3", "webm"])
def test_audio_is_turned_into_a_voice_message(
    app: Flask, api: Api, linked: Instance, form: str
) -> None:
    answer = send(api, linked, sound(form, 2), voice="true")

    message = answer.json["message"]
    assert (answer.status_code, message["type"], message["body"]) == (202, "voice", "")
    media = message["media"]
    assert (media["kind"], media["mimeType"], media["seconds"]) == ("voice", "audio/ogg", 2)
    with app.app_context():
        row = db.session.query(Media).one()
        assert row.waveform is not None
        assert len(row.waveform) == 64


def test_without_the_field_audio_stays_what_it_is(api: Api, linked: Instance) -> None:
    answer = send(api, linked, sound("mp3"), voice="false")

    assert answer.json["message"]["media"]["kind"] == "audio"


def test_the_same_key_with_the_same_recording_is_one_message(
    api: Api, linked: Instance, settings: Settings
) -> None:
    headers = {"Idempotency-Key": "spoken-1"}
    ids = {
        send(api, linked, sound("webm"), voice="1", headers=headers).json["message"]["id"]
        for _ in range(2)
    }

    assert len(ids) == 1
    assert len(files_of(settings)) == 1
    other = send(api, linked, sound("webm", 3), voice="1", headers=headers)
    assert (other.status_code, other.json["code"]) == (409, "idempotency_conflict")
    assert len(files_of(settings)) == 1


@pytest.mark.parametrize(
    ("content", "fields", "code", "field"),
    [
        (picture("PNG"), {}, "not_audio", "file"),
        (b"", {}, "file_empty", "file"),
        (b"x", {"caption": "listen"}, "caption_not_possible", "caption"),
        (b"x", {"voice": "perhaps"}, "validation_failed", "voice"),
    ],
)
def test_what_cannot_be_a_voice_message_is_refused_and_leaves_nothing(
    api: Api,
    linked: Instance,
    settings: Settings,
    content: bytes,
    fields: dict[str, str],
    code: str,
    field: str,
) -> None:
    answer = send(api, linked, content, **{"voice": "true", **fields})

    assert (answer.status_code, answer.json["code"], answer.json["field"]) == (422, code, field)
    assert files_of(settings) == []
