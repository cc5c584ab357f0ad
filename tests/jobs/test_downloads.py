"""Downloads side by side: a slow one holds up nobody, and none is lost with its process."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from flask import Flask

from app.core.media import MediaState
from app.jobs import downloads
from app.models import Message
from tests import factories
from tests.jobs.test_media import expect, host, look, message, settings  # noqa: F401 - fixtures
from tests.media_host import MediaHost, content_of
from tests.waiting import wait_for


@pytest.fixture
def held(host: MediaHost) -> Iterator[threading.Event]:  # noqa: F811
    """Every download stands still until this is set."""
    on = threading.Event()
    host.pause = lambda: on.wait(20) and None
    yield on
    on.set()


@pytest.fixture(autouse=True)
def lanes(app: Flask, app_context: object, held: threading.Event) -> Iterator[None]:
    yield
    held.set()
    downloads.stop()


def test_a_slow_download_holds_up_no_other_file(
    host: MediaHost,  # noqa: F811
    message: Message,  # noqa: F811
    held: threading.Event,
) -> None:
    slow = expect(message, host.keep(content_of(600_000)))
    downloads.fetch(slow)
    wait_for(lambda: host.asked, timeout=20)
    host.pause = lambda: None

    quick = expect(factories.message(message.chat, kind="image"), host.keep(b"quick"))
    downloads.fetch(quick)

    wait_for(lambda: look(quick).state == MediaState.STORED, timeout=20)
    assert look(slow).state == MediaState.FETCHING
    held.set()
    wait_for(lambda: look(slow).state == MediaState.STORED, timeout=20)


def test_a_process_that_ends_gives_its_downloads_back_at_once(
    host: MediaHost,  # noqa: F811
    message: Message,  # noqa: F811
    held: threading.Event,
) -> None:
    media_id = expect(message, host.keep(content_of(600_000)))
    downloads.fetch(media_id)
    wait_for(lambda: look(media_id).state == MediaState.FETCHING, timeout=20)
    wait_for(lambda: host.asked, timeout=20)

    threading.Timer(0.5, held.set).start()  # a piece comes while the process ends
    downloads.stop()

    row = look(media_id)
    assert (row.state, row.tries) == (MediaState.WAITING, 0)
    host.pause = lambda: None
    downloads.fetch(media_id)
    wait_for(lambda: look(media_id).state == MediaState.STORED, timeout=20)
