"""Stored files as answers. They come from strangers: what a browser may do with one depends on what
its bytes are, never on what it is called, and no script in it ever runs."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from werkzeug.exceptions import RequestedRangeNotSatisfiable

from app.config import current_settings
from app.core.errors import Conflict, NotFound
from app.core.media import (
    UNKNOWN,
    MediaKind,
    MediaState,
    default_name,
    disposition,
    is_inline,
    served_as,
)
from app.core.pictures import THUMBNAIL_MIME
from app.core.texts import N_
from app.models import Media, ProfilePicture
from app.storage import FileMissing, storage_of

_MARK_LENGTH = 6
# "sandbox" alone would do; the rest is for browsers that show an image as a page around it.
_POLICY = "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'"
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, max-age=3600",
    "Accept-Ranges": "bytes",
}


class NotHere(Conflict):
    """The file is not in the storage, at least not yet."""

    code = "media_not_stored"
    message = N_("The file is not here: it was not fetched from WhatsApp yet, or cannot be.")


def file_of(row: Media, *, download: bool = False) -> Response:
    """The answer with a file, or the part of it that was asked for, streamed in pieces.

    Images, video and audio are shown in place, all else is saved; `download` saves those, too.
    Raises NotHere.
    """
    if row.state != MediaState.STORED or row.storage_key is None:
        raise NotHere
    mime = served_as(row.mime or UNKNOWN)
    inline = is_inline(mime) and not download
    headers = {"Content-Disposition": disposition(name_of(row), inline=inline)}
    return _answer(row.storage_key, mime, etag=row.sha256 or row.storage_key, **headers)


def thumbnail_of(row: Media) -> Response:
    """The answer with the small copy of an image. Raises NotFound where there is none."""
    if row.thumbnail_key is None:
        raise NotFound(N_("There is no such file."), code="media_not_found")
    return _answer(row.thumbnail_key, THUMBNAIL_MIME, etag=row.thumbnail_key)


def picture_of(row: ProfilePicture) -> Response:
    """The answer with a profile picture that is stored. Raises NotHere."""
    key = row.storage_key or ""
    return _answer(key, row.mime or UNKNOWN, etag=key)


def name_of(row: Media) -> str:
    """What the file is saved as."""
    mime = row.mime or row.claimed_mime
    mark = row.id[-_MARK_LENGTH:].lower()
    return row.file_name or default_name(MediaKind(row.kind), mime, mark)


def _answer(key: str, mime: str, *, etag: str, **headers: Any) -> Response:
    response = Response(mimetype=mime, headers={**_HEADERS, **headers})
    response.set_etag(etag)
    if request.if_none_match.contains_weak(etag):
        response.status_code = 304
        return response
    storage = storage_of(current_settings())
    try:
        size = storage.size(key)
        start, stop, response.status_code = _asked_part(size, etag)
        if request.method != "HEAD":  # nobody would close what is not read
            response.response = storage.open(key, start=start, length=stop - start)
    except FileMissing:
        raise NotHere from None
    response.content_length = stop - start
    if response.status_code == 206:
        response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    return response


def _asked_part(size: int, etag: str) -> tuple[int, int, int]:
    """From where to where, and the status. Several parts at once are answered with the whole, as
    RFC 9110 (14.2) allows. Raises RequestedRangeNotSatisfiable."""
    asked = request.range
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1 or not size:
        return 0, size, 200
    condition = request.if_range
    if (condition.etag or condition.date) and condition.etag != etag:
        return 0, size, 200
    part = asked.range_for_length(size)
    if part is None:
        raise RequestedRangeNotSatisfiable(size)
    return part[0], part[1], 206
