"""Fetches files of received messages, makes thumbnails, and removes what no message knows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

import structlog

from app.clock import utcnow
from app.config import Settings, current_settings
from app.core import pictures
from app.core.media import LIMITS, MediaKind
from app.core.media_crypto import Decryption, NotGenuine, host_name_of
from app.core.pictures import NoPicture
from app.core.sniffing import mime_of
from app.engine.process import SandboxState, SandboxStateError
from app.outgoing import media_host
from app.outgoing.media_host import Gone, HostTrouble, Way
from app.services import contact_files, making, media, profile_pictures, thumbnails
from app.services.media import Errand
from app.services.thumbnails import Original
from app.sessions import network
from app.storage import Draft, Entry, FileMissing, StorageUnreachable, storage_of
from app.transaction import again_when_beaten, transaction

log = structlog.get_logger(__name__)

ABANDONED_AFTER = timedelta(hours=1)
"""A file that no row knows may be one whose row is just being written."""
_RENEW_SECONDS = 15.0
_LOOSE_BYTES = 64 * 1024  # more than was announced is not read beyond this
_BATCH = 500


class _ClaimLost(Exception):
    """Somebody else fetches this file, or it was deleted."""


class _Stopped(Exception):
    """This process is to end. `errand`: with its claim as it is then."""

    def __init__(self, errand: Errand):
        super().__init__(errand.media_id)
        self.errand = errand


def fetch(media_id: str, *, stopping: Callable[[], bool] = lambda: False) -> None:
    """Brings one file that is due from WhatsApp into the storage.

    Nothing of it counts before all of it is here and proven to be what was sent; a fetch that is
    killed is begun anew by the sweep, one that is `stopping` by whoever is free.
    """
    with transaction():
        errand = media.claim(media_id)
    if errand is None:
        return
    try:
        with storage_of(current_settings()).draft() as draft:
            errand = _bring(errand, draft, stopping)
            _keep(errand, draft)
    except _ClaimLost:
        log.info("media.claim_lost", media_id=media_id)
    except _Stopped as stopped:
        _put_back(stopped.errand)
    except Gone:
        _settle(errand, "gone")
    except HostTrouble as error:
        _settle(errand, error.slug)
    except NotGenuine as error:
        _settle(errand, "not_genuine", permanent=True, detail=str(error))
    except StorageUnreachable as error:
        _settle(errand, StorageUnreachable.code, detail=str(error.__cause__))
    except OSError as error:
        _settle(errand, "no_room", detail=str(error))


def make_thumbnail(media_id: str) -> None:
    """The job: makes the small copies of one image. An image that kills the process is tried
    three times."""
    with transaction():
        original = thumbnails.claim(media_id)
    if original is not None:
        _shrink(original)


def sweep() -> None:
    """Rings for what is due and nobody works on. Run by the clock."""
    with transaction():
        media.ring_for_due()
        thumbnails.ring_for_due()
        making.ring_for_due()
        profile_pictures.ring_for_due()


def expire() -> None:
    """Lets go of files that are older than they are to become. Run by the clock."""
    while True:
        with transaction():
            count = media.expire()
        if not count:
            return
        log.info("media.kept_no_longer", count=count)


def sweep_files() -> int:
    """Removes files that no row knows any more, of deleted instances above all, and half-written
    ones; how many there were. Run by the clock."""
    storage = storage_of(current_settings())
    oldest = utcnow() - ABANDONED_AFTER
    removed = storage.drop_drafts(oldest)
    for some in _batches(entry for entry in storage.entries() if entry.modified_at < oldest):
        with transaction():
            keys = [entry.key for entry in some]
            used = media.keys_in_use(keys) | contact_files.keys_in_use(keys)
        for entry in some:
            if entry.key not in used:
                storage.delete(entry.key)
                removed += 1
    if removed:
        log.info("media.swept", count=removed)
    return removed


def _bring(errand: Errand, draft: Draft, stopping: Callable[[], bool]) -> Errand:
    """Downloads and decrypts into `draft`; the errand with its claim as it is then."""
    decryption = Decryption(errand.remote.media_key, errand.kind)
    most = _most(errand)
    renewed = time.monotonic()
    with media_host.download(
        errand.remote.direct_path,
        encrypted_sha256=errand.remote.encrypted_sha256,
        kind=host_name_of(errand.kind),
        way=way_of(current_settings(), errand.own_proxy),
    ) as pieces:
        for piece in pieces:
            draft.write(decryption.update(piece))
            if draft.size > most:
                raise NotGenuine("longer than announced")
            if stopping():
                raise _Stopped(errand)
            if time.monotonic() - renewed > _RENEW_SECONDS:
                errand, renewed = _renewed(errand), time.monotonic()
    draft.write(decryption.finish(errand.remote.encrypted_sha256))
    if errand.sha256 and draft.sha256 != errand.sha256:
        raise NotGenuine("plain hash")
    return errand


def _most(errand: Errand) -> int:
    limit = LIMITS[MediaKind.DOCUMENT]
    return min(errand.size + _LOOSE_BYTES, limit) if errand.size else limit


def way_of(settings: Settings, own_proxy: str | None) -> Way:
    """The instance's way to WhatsApp. On the test network its authority is named for this request
    alone: no other connection of this process is to believe it. Raises HostTrouble."""
    try:
        route = network.route_of(settings, own_proxy)
        state = SandboxState.read(settings.sandbox_state) if settings.sandbox else None
    except SandboxStateError:
        raise HostTrouble("connection_lost") from None
    private = route.typed.private_allowed if route.typed else True
    return Way(route.proxy, private, state.ca_file if state else None)


def _renewed(errand: Errand) -> Errand:
    until = utcnow() + media.CLAIM_LASTS
    with transaction():
        if not media.renew(errand, until):
            raise _ClaimLost
    return replace(errand, until=until)


def _keep(errand: Errand, draft: Draft) -> None:
    size, sha256, mime = draft.size, draft.sha256, mime_of(draft.head)
    key = draft.keep()
    if not _record(errand, key=key, mime=mime, size=size, sha256=sha256):
        storage_of(current_settings()).delete(key)
        raise _ClaimLost
    log.info("media.stored", media_id=errand.media_id, size=size, mime=mime)


@again_when_beaten
def _record(errand: Errand, *, key: str, mime: str, size: int, sha256: str) -> bool:
    with transaction():
        known = media.stored(errand, key=key, mime=mime, size=size, sha256=sha256)
        if known and mime.startswith("image/"):
            thumbnails.ring(errand.media_id)
        return known


def _settle(errand: Errand, slug: str, *, permanent: bool = False, detail: str = "") -> None:
    log.warning("media.not_fetched", media_id=errand.media_id, reason=slug, detail=detail)
    with transaction():
        if slug == "gone":
            media.gone(errand)
        else:
            media.failed(errand, slug, permanent=permanent)


def _put_back(errand: Errand) -> None:
    with transaction():
        media.put_back(errand)


def _shrink(original: Original) -> None:
    storage = storage_of(current_settings())
    try:
        if original.size > pictures.MOST_BYTES:
            raise NoPicture("too large")
        small = pictures.shrink(storage.read(original.storage_key))
    except (NoPicture, FileMissing) as error:
        log.info("media.no_thumbnail", media_id=original.media_id, reason=str(error))
        with transaction():
            thumbnails.impossible(original)
        return
    with storage.draft() as draft:
        draft.write(small.thumbnail)
        key = draft.keep()
    facts = {"width": small.width, "height": small.height, "preview": small.preview}
    with transaction():
        wanted = thumbnails.made(original, key=key, **facts)  # type: ignore[arg-type]
    if not wanted:
        storage.delete(key)


def _batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    some: list[Entry] = []
    for entry in entries:
        some.append(entry)
        if len(some) == _BATCH:
            yield some
            some = []
    if some:
        yield some
