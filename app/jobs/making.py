"""Makes the GIFs that go out of what people uploaded."""

from __future__ import annotations

from typing import BinaryIO

import structlog

from app.config import current_settings
from app.conversion.gif import MIME, Gif, NoGif, gif_of
from app.conversion.program import Busy
from app.core import pictures
from app.core.media import LIMITS, FileFacts, MediaKind, renamed
from app.core.pictures import NoPicture
from app.services import making, messaging
from app.services.making import GIVEN_UP, Source
from app.services.media import NewFile
from app.storage import FileMissing, StorageUnreachable, storage_of
from app.transaction import again_when_beaten, transaction

log = structlog.get_logger(__name__)

_TOO_LARGE = "gif_too_large"


def make(media_id: str) -> None:
    """The job: makes one GIF. Nothing counts before all of it is stored; one that is killed is
    begun anew by the sweep, three times."""
    with transaction():
        source = making.claim(media_id)
    if source is None:
        return
    try:
        if source.is_worn:
            raise NoGif(GIVEN_UP)
        gif = _convert(source)
        if len(gif.content) > LIMITS[MediaKind.GIF]:
            raise NoGif(_TOO_LARGE)
        _keep(source, gif)
    except (NoGif, FileMissing) as error:
        _give_up(source, getattr(error, "slug", "file_missing"))
    except (Busy, StorageUnreachable, OSError) as error:
        log.warning("gif.later", media_id=media_id, reason=repr(error))
        with transaction():
            making.put_back(source, untried=not isinstance(error, Busy))


def _convert(source: Source) -> Gif:
    """The upload as a real file, for the program that reads it. Raises as gif_of, FileMissing,
    StorageUnreachable, OSError."""
    storage = storage_of(current_settings())
    with storage.draft() as copy:
        for piece in storage.open(source.key):
            copy.write(piece)
        film: BinaryIO = copy.whole()
        return gif_of(film)


def _keep(source: Source, gif: Gif) -> None:
    """Stores it with its small copies; what it was made of goes. Where that fails midway, the
    sweep removes what no row knows."""
    storage = storage_of(current_settings())
    try:
        small = pictures.shrink(gif.still)
    except NoPicture as error:
        raise NoGif(GIVEN_UP) from error
    with storage.draft() as draft, storage.draft() as thumbnail:
        draft.write(gif.content)
        thumbnail.write(small.thumbnail)
        facts = FileFacts(
            kind=MediaKind.GIF,
            file_name=renamed(source.file_name, ".mp4"),
            mime=MIME,
            size=draft.size,
            sha256=draft.sha256,
            width=gif.width,
            height=gif.height,
            seconds=gif.seconds,
        )
        thumbnail_key, key = thumbnail.keep(), draft.keep()
    known = _record(source, NewFile(facts, key, small.preview), thumbnail_key)
    for loose in [source.key] if known else [key, thumbnail_key]:
        storage.delete(loose)


@again_when_beaten
def _record(source: Source, file: NewFile, thumbnail_key: str) -> bool:
    with transaction():
        return making.made(source, file, thumbnail_key=thumbnail_key)


def _give_up(source: Source, slug: str) -> None:
    log.info("gif.not_made", media_id=source.media_id, reason=slug)
    with transaction():
        message = making.failed(source, slug)
        if message is not None:
            messaging.refused(message, slug)
