"""Files of every kind through the real engine and the test network: byte for byte, both ways."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from app.clock import utcnow
from app.config import Settings
from app.core.media import MediaKind, MediaState
from app.core.states import MessageStatus
from app.extensions import db
from app.models import Instance, Media, Message
from app.services import chats, uploads
from app.services.media import NewFile
from app.storage import storage_of
from app.transaction import transaction
from tests.bucket import KEYS, running_bucket
from tests.core.test_pictures import image
from tests.core.test_sniffing import MP4, OGG
from tests.media_host import content_of
from tests.moving import moving
from tests.sessions.live.conftest import OWN_NUMBER, PATIENCE, PEER_NUMBER, Product
from tests.sounds import sound
from tests.waiting import wait_for

SENT_KINDS = (MediaKind.IMAGE, MediaKind.VIDEO, MediaKind.AUDIO, MediaKind.DOCUMENT)
SPOKEN_SECONDS = 3
CONTENTS = {
    MediaKind.IMAGE: image("JPEG", (900, 600)),
    MediaKind.VIDEO: MP4 + os.urandom(300_000),
    MediaKind.GIF: MP4 + os.urandom(50_000),
    MediaKind.AUDIO: b"\xff\xfb\x90\x64" + bytes(40_000),
    MediaKind.VOICE: OGG + os.urandom(20_000),
    MediaKind.DOCUMENT: b"%PDF-1.7" + os.urandom(3_000_001),
    MediaKind.STICKER: image("WEBP", (512, 512)),
}


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Iterator[Settings]:
    """Files are kept in a folder, or in a bucket where a test asks for one."""
    if getattr(request, "param", "folder") == "folder":
        yield settings
        return
    with running_bucket() as url:
        place = {"media_s3_url": url, "media_s3_access_key": KEYS[0]}
        yield settings.model_copy(update={**place, "media_s3_secret_key": KEYS[1]})


@pytest.fixture
def with_jobs(linked: tuple[Product, str]) -> tuple[Product, str]:
    """A connected instance, and somebody who fetches files."""
    linked[0].start("webhooks", "jobs")
    return linked


def media_of(product: Product, instance_id: str) -> dict[str, Media]:
    """All files, by the WhatsApp id of their messages."""
    with product.app.app_context():
        query = select(Message.wa_id, Media).join(Media, Media.message_id == Message.id)
        found = {str(wa_id): media for wa_id, media in db.session.execute(query)}
        db.session.expunge_all()
        return found


def stored_bytes(product: Product, media: Media) -> bytes:
    return storage_of(product.settings).read(str(media.storage_key))


def queue_file(product: Product, instance_id: str, content: bytes, kind: MediaKind) -> str:
    with product.app.app_context():
        with storage_of(product.settings).draft() as draft:
            draft.write(content)
            facts = uploads.facts_of(draft, f"файл.{kind}")
            assert facts.kind is kind
            file = NewFile(facts, draft.keep())
        with transaction() as session:
            instance = session.get_one(Instance, instance_id)
            chat = chats.with_address(instance, PEER_NUMBER, country="RU")
            caption = f"caption of {kind}" if kind in uploads.CAPTIONED else ""
            return uploads.queue_file_in(instance, chat, file, caption=caption, source="ui").id


def queue_made(product: Product, instance_id: str, content: bytes, wanted: MediaKind) -> str:
    storage = storage_of(product.settings)
    with product.app.app_context():
        draft = storage.draft()
        draft.write(content)
        file = uploads.new_file(draft, "a", storage, wanted)
        with transaction() as session:
            instance = session.get_one(Instance, instance_id)
            chat = chats.with_address(instance, PEER_NUMBER, country="RU")
            return uploads.queue_file_in(instance, chat, file, caption="", source="ui").id


def test_what_is_made_of_files_arrives_as_a_voice_message_a_gif_and_stickers(
    with_jobs: tuple[Product, str],
) -> None:
    product, instance_id = with_jobs
    client = product.sandbox.client
    given = [
        (MediaKind.VOICE, sound("webm", SPOKEN_SECONDS, fades=True)),
        (MediaKind.GIF, moving("GIF", 8)),
        (MediaKind.STICKER, moving("GIF", 4)),
        (MediaKind.STICKER, image("PNG", (300, 200))),
    ]

    sent = [queue_made(product, instance_id, content, kind) for kind, content in given]

    wait_for(lambda: len(client.media(PEER_NUMBER)) == len(given), PATIENCE, "the phone has all")
    told = client.media(PEER_NUMBER)
    found = media_of(product, instance_id)
    ours = [found[str(product.message(one).wa_id)] for one in sent]
    for one, row in zip(told, ours, strict=True):
        assert client.media_bytes(PEER_NUMBER, str(one["id"])) == stored_bytes(product, row)
    voice, gif, dancing, still = told
    assert (voice["kind"], voice["mime"]) == ("voice", "audio/ogg; codecs=opus")
    assert voice["seconds"] == ours[0].seconds == SPOKEN_SECONDS
    assert bytes(voice["waveform"]) == ours[0].waveform
    assert max(voice["waveform"]) == 100
    assert (gif["kind"], gif["mime"], gif["seconds"]) == ("gif", "video/mp4", 2)
    assert (gif["width"], gif["height"], gif["thumbnail_size"] > 0) == (120, 80, True)
    for sticker, moves in ((dancing, True), (still, False)):
        assert (sticker["kind"], sticker["mime"]) == ("sticker", "image/webp")
        assert (sticker["width"], sticker["height"], sticker["animated"]) == (512, 512, moves)


@pytest.mark.parametrize("settings", ["folder", "bucket"], indirect=True)
def test_files_of_every_kind_arrive_byte_for_byte(with_jobs: tuple[Product, str]) -> None:
    product, instance_id = with_jobs
    client = product.sandbox.client
    ids = {
        client.send_media(
            PEER_NUMBER, OWN_NUMBER, kind, content, file_name="a.pdf", animated=True
        ): kind
        for kind, content in CONTENTS.items()
    }

    def all_stored() -> bool:
        found = media_of(product, instance_id)
        return ids.keys() <= found.keys() and all(found[one].is_stored for one in ids)

    wait_for(all_stored, PATIENCE, "every file is stored")
    found = media_of(product, instance_id)
    for wa_id, kind in ids.items():
        assert found[wa_id].kind == kind
        assert stored_bytes(product, found[wa_id]) == CONTENTS[kind]
        assert found[wa_id].animated == (kind is MediaKind.STICKER)
    photo = next(wa_id for wa_id, kind in ids.items() if kind is MediaKind.IMAGE)
    wait_for(lambda: media_of(product, instance_id)[photo].thumbnail_key, PATIENCE, "a thumbnail")

    sent = [queue_file(product, instance_id, CONTENTS[kind], kind) for kind in SENT_KINDS]
    _arrive_on_the_phone(product, sent)


def _arrive_on_the_phone(product: Product, sent: list[str]) -> None:
    client = product.sandbox.client
    for message_id in sent:
        wait_for(
            lambda message_id=message_id: product.message(message_id).wa_id, PATIENCE, "it is sent"
        )
    wait_for(lambda: len(client.media(PEER_NUMBER)) == len(sent), PATIENCE, "the phone has all")
    for message_id, kind in zip(sent, SENT_KINDS, strict=True):
        wa_id = str(product.message(message_id).wa_id)
        assert client.media_bytes(PEER_NUMBER, wa_id) == CONTENTS[kind]
    told = client.media(PEER_NUMBER)
    assert [one["kind"] for one in told] == [kind.value for kind in SENT_KINDS]
    assert told[0]["caption"] == "caption of image"
    assert (told[3]["file_name"], told[3]["caption"]) == ("файл.document", "caption of document")


def test_host_killed_in_the_middle_of_an_upload_sends_the_file_once(
    linked: tuple[Product, str], tmp_path: Path
) -> None:
    product, instance_id = linked
    content = b"%PDF-1.7" + content_of(20_000_000)
    message_id = queue_file(product, instance_id, content, MediaKind.DOCUMENT)
    wait_for(
        lambda: product.message(message_id).status == MessageStatus.SENDING, PATIENCE, "sending"
    )
    product.kill("sessions")
    assert product.message(message_id).status == MessageStatus.SENDING

    product.start("sessions")

    client = product.sandbox.client
    wait_for(lambda: client.media(PEER_NUMBER), PATIENCE, "it has arrived")
    wait_for(
        lambda: (
            product.message(message_id).status not in {MessageStatus.QUEUED, MessageStatus.SENDING}
        ),
        PATIENCE,
        "it is settled",
    )
    (told,) = client.media(PEER_NUMBER)
    client.save_media(PEER_NUMBER, str(told["id"]), tmp_path / "file")
    arrived = hashlib.sha256((tmp_path / "file").read_bytes()).digest()
    assert arrived == hashlib.sha256(content).digest()


def test_worker_killed_in_the_middle_of_a_download_brings_the_file_whole(
    with_jobs: tuple[Product, str],
) -> None:
    product, instance_id = with_jobs
    client, drafts = product.sandbox.client, product.settings.data_dir / "media"
    content = b"%PDF-1.7" + content_of(50_000_000)
    client.set_faults(OWN_NUMBER, media_kb_per_second=5_000)
    wa_id = client.send_media(PEER_NUMBER, OWN_NUMBER, "document", content, file_name="a.pdf")
    wait_for(
        lambda: any(one.stat().st_size > 5_000_000 for one in _files_in(drafts)),
        PATIENCE,
        "a good part of it is here",
    )
    assert media_of(product, instance_id)[wa_id].state == MediaState.FETCHING
    product.kill("jobs")
    client.reset_faults()
    assert not media_of(product, instance_id)[wa_id].is_stored

    _let_the_claim_lapse(product, wa_id)
    product.start("jobs")

    wait_for(lambda: media_of(product, instance_id)[wa_id].is_stored, PATIENCE, "it is stored")
    (media,) = media_of(product, instance_id).values()
    assert hashlib.sha256(stored_bytes(product, media)).digest() == hashlib.sha256(content).digest()
    with product.app.app_context():
        storage_of(product.settings).drop_drafts(utcnow())
    assert [one.name for one in _files_in(drafts)] == [Path(str(media.storage_key)).name]


def _files_in(folder: Path) -> list[Path]:
    return [one for one in folder.rglob("*") if one.is_file()]


def _let_the_claim_lapse(product: Product, wa_id: str) -> None:
    """As if the worker had said nothing for a minute; somebody else is told of it by the clock."""
    with product.app.app_context(), transaction() as session:
        query = select(Media).join(Message, Message.id == Media.message_id)
        row = session.scalars(query.where(Message.wa_id == wa_id)).one()
        row.due_at = utcnow()
