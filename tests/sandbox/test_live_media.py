"""Files through an unmodified engine, both ways: the bytes are the same at the other end."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from app.sandbox.media import samples
from app.sandbox.testing import Sandbox
from tests.sandbox.acts import ALICE, ECHO_JID, FRIEND, FRIEND_JID, received
from tests.sandbox.engine import Engine, EngineError
from tests.waiting import wait_for


def _arrived(network: Sandbox, number: str, message_id: str) -> dict[str, Any]:
    """What the phone of `number` says of the file of a message, once it has it."""
    return wait_for(
        lambda: next((m for m in network.client.media(number) if m["id"] == message_id), {}), 10
    )


def _told(engine: Engine, message_id: str) -> dict[str, Any]:
    """The engine's event of a message, once it has it."""
    return wait_for(lambda: next((m for m in engine.messages() if m["id"] == message_id), {}), 10)


def _answer_of(engine: Engine, jid: str) -> dict[str, Any]:
    """The first message the engine got from a contact, once it has it."""
    return wait_for(lambda: next((m for m in engine.messages() if m["sender_alt"] == jid), {}), 10)


def _downloaded(engine: Engine, message_id: str) -> bytes:
    into = engine.folder / message_id
    engine.do("download", id=message_id, into=str(into))
    return into.read_bytes()


def test_a_picture_of_the_engine_reaches_the_phone(
    network: Sandbox, engine: Engine, tmp_path: Path
) -> None:
    file = tmp_path / "hills.jpg"
    file.write_bytes(samples.picture())
    sent = engine.do("send_image", to=FRIEND_JID, file=str(file), caption="Холмы")["id"]
    told = _arrived(network, FRIEND, sent)
    assert (told["kind"], told["mime"], told["caption"]) == ("image", "image/jpeg", "Холмы")
    assert told["thumbnail_size"] > 0
    assert network.client.media_bytes(FRIEND, sent) == file.read_bytes()
    entry = received(network, FRIEND)[-1]
    assert (entry["type"], entry["text"], entry["media"]["size"]) == (
        *("imageMessage", "Холмы"),
        file.stat().st_size,
    )


def test_a_document_of_several_megabytes_reaches_the_phone(
    network: Sandbox, engine: Engine, tmp_path: Path
) -> None:
    file = tmp_path / "book.bin"
    file.write_bytes(os.urandom(5_000_001))
    details = {"filename": "Книга.bin", "mimetype": "application/x-book", "caption": "почитай"}
    sent = engine.do("send_document", to=FRIEND_JID, file=str(file), **details)["id"]
    told = _arrived(network, FRIEND, sent)
    assert (told["kind"], told["mime"]) == ("document", "application/x-book")
    assert (told["file_name"], told["caption"]) == ("Книга.bin", "почитай")
    assert network.client.media_bytes(FRIEND, sent) == file.read_bytes()


@pytest.mark.parametrize(
    ("kind", "content", "described", "field", "told"),
    [
        (
            *("image", samples.picture(), {"caption": "Вид"}, "imageMessage"),
            {"caption": "Вид", "width": 640, "height": 480, "mimetype": "image/jpeg"},
        ),
        (
            *("video", b"\0\0\0\x18ftypmp42" + bytes(9000), {"seconds": 7}, "videoMessage"),
            {"seconds": 7, "mimetype": "video/mp4"},
        ),
        (
            *("gif", b"\0\0\0\x18ftypmp42" + bytes(15), {"width": 320}, "videoMessage"),
            {"gifPlayback": True, "width": 320},
        ),
        (
            *("audio", b"ID3" + bytes(77), {"mime": "audio/mpeg"}, "audioMessage"),
            {"mimetype": "audio/mpeg"},
        ),
        (
            *("voice", samples.voice(2), {"seconds": 2}, "audioMessage"),
            {"PTT": True, "seconds": 2, "mimetype": "audio/ogg; codecs=opus"},
        ),
        (
            *("document", samples.document(), {"file_name": "Счёт.pdf"}, "documentMessage"),
            {"fileName": "Счёт.pdf", "mimetype": "application/octet-stream"},
        ),
        (
            *("document", samples.document(), {"caption": "и подпись"}, "documentMessage"),
            {"caption": "и подпись"},
        ),
        (
            *("sticker", b"RIFF\0\0\0\0WEBP", {"width": 512, "height": 512}, "stickerMessage"),
            {"width": 512, "mimetype": "image/webp"},
        ),
    ],
    ids=["image", "video", "gif", "audio", "voice", "document", "captioned", "sticker"],
)
def test_what_a_phone_sends_is_downloaded_by_the_engine(
    network: Sandbox,
    engine: Engine,
    kind: str,
    content: bytes,
    described: dict[str, Any],
    field: str,
    told: dict[str, Any],
) -> None:
    sent = network.client.send_media(FRIEND, ALICE, kind, content, **described)
    message = _told(engine, sent)["content"][field]
    assert {name: message[name] for name in told} == told
    assert int(message["fileLength"]) == len(content)
    assert _downloaded(engine, sent) == content


def test_an_echo_answers_a_file_with_the_same_file(
    network: Sandbox, engine: Engine, tmp_path: Path
) -> None:
    file = tmp_path / "hills.jpg"
    file.write_bytes(samples.picture())
    engine.do("send_image", to=ECHO_JID, file=str(file), caption="красиво?")
    echoed = _answer_of(engine, ECHO_JID)
    assert echoed["content"]["imageMessage"]["caption"] == "Эхо: красиво?"
    assert _downloaded(engine, echoed["id"]) == file.read_bytes()


@pytest.mark.parametrize(
    ("number", "field"),
    [
        ("15551000013", "imageMessage"),
        ("15551000014", "audioMessage"),
        ("15551000015", "documentMessage"),
    ],
    ids=["picture", "voice", "document"],
)
def test_a_contact_answers_with_its_kind_of_file(
    network: Sandbox, engine: Engine, number: str, field: str
) -> None:
    jid = f"{number}@s.whatsapp.net"
    engine.do("send", to=jid, text="покажи")
    answer = _answer_of(engine, jid)
    size = int(answer["content"][field]["fileLength"])
    assert size == len(_downloaded(engine, answer["id"])) > 0


def test_what_may_be_seen_once_is_kept_from_linked_devices(
    network: Sandbox, engine: Engine
) -> None:
    sent = network.client.send_media(FRIEND, ALICE, "image", b"once", view_once=True)
    assert _arrived(network, ALICE, sent)["view_once"] is True
    assert network.client.media_bytes(ALICE, sent) == b"once"
    shown = wait_for(lambda: [e for e in engine.events("Undecryptable") if e["id"] == sent], 10)
    assert [one["unavailable"] for one in shown] == [True]
    assert sent not in [m["id"] for m in engine.messages()]


def test_an_upload_that_is_refused_fails_with_its_status(
    network: Sandbox, engine: Engine, tmp_path: Path
) -> None:
    file = tmp_path / "file.bin"
    file.write_bytes(bytes(300_000))
    network.client.set_faults(number=ALICE, upload_failure=507)
    with pytest.raises(EngineError, match="upload failed with status code 507"):
        engine.do("send_document", to=FRIEND_JID, file=str(file))
    network.client.set_faults(number=ALICE, upload_failure=None, break_off_uploads=True)
    with pytest.raises(EngineError, match="failed to execute request"):
        engine.do("send_document", to=FRIEND_JID, file=str(file))
    network.client.reset_faults()
    _arrived(network, FRIEND, engine.do("send_document", to=FRIEND_JID, file=str(file))["id"])


def test_a_download_that_is_refused_fails_with_its_status(network: Sandbox, engine: Engine) -> None:
    sent = network.client.send_media(FRIEND, ALICE, "document", bytes(300_000))
    _told(engine, sent)
    network.client.set_faults(number=ALICE, download_failure=410)
    with pytest.raises(EngineError, match="410"):
        _downloaded(engine, sent)
    network.client.set_faults(number=ALICE, download_failure=None, break_off_downloads=True)
    with pytest.raises(EngineError, match="unexpected EOF"):
        _downloaded(engine, sent)
    network.client.reset_faults()
    assert _downloaded(engine, sent) == bytes(300_000)
