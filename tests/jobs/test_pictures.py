"""Downloading profile pictures from the test network: believed in nothing but their bytes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from app.clock import utcnow
from app.config import Settings
from app.extensions import db
from app.jobs import media as media_jobs
from app.jobs import pictures
from app.models import Chat, ProfilePicture, User
from app.outgoing.media_host import HostTrouble, Way, picture
from app.sandbox.testing import Sandbox
from app.services import profile_pictures
from app.storage import storage_of
from app.transaction import transaction
from tests import factories
from tests.core.test_sniffing import picture as drawn
from tests.sandbox.acts import ALICE

JPEG = drawn("JPEG")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"sandbox": True})


@pytest.fixture
def sandbox(settings: Settings) -> Iterator[Sandbox]:
    with Sandbox(settings.sandbox_dir) as running:
        yield running


@pytest.fixture
def chat(app_context: object, bob: User) -> Chat:
    return factories.chat(factories.linked_account(factories.instance(bob)))


def tell(sandbox: Sandbox, chat: Chat, content: bytes) -> None:
    """The account has this picture, and WhatsApp has told where it is."""
    picture_id = sandbox.client.set_picture(ALICE, content)
    with transaction():
        profile_pictures.want(chat.instance_id, [chat.id])
        profile_pictures.told(chat.id, str(picture_id), sandbox.client.picture_url(ALICE))


def look(chat: Chat) -> ProfilePicture:
    db.session.rollback()
    return db.session.get_one(ProfilePicture, chat.id, populate_existing=True)


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_picture_is_brought_into_the_storage(
    settings: Settings, sandbox: Sandbox, chat: Chat, form: str
) -> None:
    tell(sandbox, chat, drawn(form))
    pictures.fetch(chat.id)
    row = look(chat)
    assert (row.mime, row.url) == (f"image/{form.lower()}", None)
    assert storage_of(settings).read(str(row.storage_key)) == drawn(form)
    pictures.fetch(chat.id)  # rung twice
    assert look(chat).storage_key == row.storage_key


@pytest.mark.parametrize("content", [b"<svg/>", drawn("GIF"), JPEG + bytes(pictures.MOST_BYTES)])
def test_what_is_no_small_picture_is_not_kept(
    settings: Settings, sandbox: Sandbox, chat: Chat, content: bytes
) -> None:
    tell(sandbox, chat, content)
    pictures.fetch(chat.id)
    assert (look(chat).storage_key, look(chat).url) == (None, None)
    assert list(storage_of(settings).entries()) == []


def test_a_picture_that_is_gone_is_given_up_and_the_former_stays(
    sandbox: Sandbox, chat: Chat
) -> None:
    tell(sandbox, chat, JPEG)
    pictures.fetch(chat.id)
    key = look(chat).storage_key
    with transaction():
        profile_pictures.told(chat.id, "another", sandbox.client.picture_url(ALICE))
    sandbox.client.set_picture(ALICE, b"")
    pictures.fetch(chat.id)
    assert (look(chat).storage_key, look(chat).url) == (key, None)


def test_a_download_that_got_lost_is_rung_for_again(
    sandbox: Sandbox, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[tuple[str, ...]] = []
    monkeypatch.setattr("app.bell.enqueue", lambda *call, **_: rung.append(call))
    tell(sandbox, chat, JPEG)
    rung.clear()
    media_jobs.sweep()
    assert rung == []
    with transaction() as session:
        session.get_one(ProfilePicture, chat.id).fetched_at = utcnow() - timedelta(minutes=2)
    media_jobs.sweep()
    assert rung == [("media", "app.jobs.downloads.fetch_picture", chat.id)]


@pytest.mark.parametrize(
    "url",
    [
        "http://pps.whatsapp.net/v/1",
        "https://pps.whatsapp.net.evil.example/v/1",
        "https://evilwhatsapp.net/v/1",
        "https://user@pps.whatsapp.net/v/1",
        "https://pps.whatsapp.net:8443/v/1",
        "https://169.254.169.254/latest",
        "https://pps.whatsapp.net//evil.example/1",
        "https://[pps.whatsapp.net/v/1",
        "https://pps.whatsapp.net/v/1\r\nHost: x",
        "",
    ],
)
def test_no_other_place_is_ever_asked(url: str) -> None:
    with pytest.raises(HostTrouble) as refused:
        picture(url, most=100, way=Way("http://127.0.0.1:1"))
    assert refused.value.slug == "bad_path"
