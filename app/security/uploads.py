"""Requests that bring files: streamed into the storage as they come, and bounded.

werkzeug would put a file into memory or into the system's folder of temporary files, which is
memory on many machines; here its parts go straight to where they stay.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, cast

from flask import Flask, Request, request
from flask_login import current_user
from werkzeug.datastructures import FileStorage

from app.config import current_settings
from app.core.errors import AppError, Invalid, Unauthorized
from app.core.media import MIB, MediaKind
from app.core.texts import N_
from app.models import ContactImport, Message
from app.services import contact_files, uploads
from app.services.file_rows import Plan
from app.services.given_files import Opened
from app.services.media import NewFile
from app.storage import Draft, storage_of
from app.transaction import again_when_beaten, transaction

MOST_FILES = 30
"""Files of one request: a phone lets people choose as many."""
_PAGES = frozenset({"ui.send_files", "ui.send_voice", "ui.bring_contacts"})
_CONTACTS = frozenset({"ui.bring_contacts", "api.import_contacts"})
_ENDPOINTS = _PAGES | _CONTACTS | {"api.send_message"}
_MULTIPART = "multipart/form-data"
_FIELDS = 512 * 1024
"""Bytes of all that is not a file. werkzeug counts what it has read of a file and not passed on
against the same limit, and reads 64 KB at a time: much less would refuse files."""


_WRITTEN = 10 * MIB
"""Bytes of a body that may have a file written in it, as base64: it is in memory as a whole."""


class StreamedRequest(Request):
    """A request whose files go to the storage, where it is one that may bring some."""

    @property
    def may_bring_files(self) -> bool:
        """Whether its address is one that takes files, and it says that it has some."""
        return self.endpoint in _ENDPOINTS and self.mimetype == _MULTIPART

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        if self.may_bring_files:
            return cast(IO[bytes], storage_of(current_settings()).draft())
        return super()._get_file_stream(
            total_content_length, content_type, filename, content_length
        )


def register(app: Flask) -> None:
    """Lets `app` take files."""
    app.request_class = StreamedRequest
    app.before_request(_prepare)


def _prepare() -> None:
    """Before anything of the body is read: nobody who is not signed in fills the disk, and what is
    announced as too large is not read at all. Raises Unauthorized, FileTooLarge."""
    if not isinstance(request, StreamedRequest) or not request.may_bring_files:
        if request.endpoint == "api.send_message":
            request.max_content_length = max(_WRITTEN, current_settings().max_request_kb * 1024)
        return
    if request.endpoint in _PAGES and not current_user.is_authenticated:
        raise Unauthorized
    limit = current_settings().max_upload_mb * MIB
    if request.endpoint in _CONTACTS:
        limit = contact_files.MOST_BYTES
    request.max_content_length = limit + _FIELDS
    request.max_form_memory_size = _FIELDS
    request.max_form_parts = MOST_FILES + 10
    if (request.content_length or 0) > request.max_content_length:
        raise uploads.FileTooLarge(limit)


def send(
    given: FileStorage | None,
    queue: Callable[[NewFile], Message],
    *,
    wanted: MediaKind | None = None,
) -> Message:
    """The message that `queue` makes of an uploaded file, or of what it is turned into to be sent
    as `wanted`, committed; where it makes none, or gives one of an earlier request, nothing of the
    file is left. Raises Invalid (file), FileTooLarge, Unavailable, and what `queue` raises."""
    if given is None or not (given.filename or ""):
        raise Invalid(N_("Choose a file."), field="file", code="file_missing")
    return send_opened(Opened(cast(Draft, given.stream), given.filename or ""), queue, wanted)


def send_opened(
    given: Opened, queue: Callable[[NewFile], Message], wanted: MediaKind | None
) -> Message:
    """The same of a file that is here already and not stored yet."""
    storage = storage_of(current_settings())
    try:
        file = uploads.new_file(given.draft, given.name, storage, wanted)
    finally:
        given.draft.close()  # of what was not kept nothing is left
    try:
        message = _committed(queue, file)
    except AppError:
        storage.delete(file.key)
        raise
    row = message.media
    if row is None or file.key not in {row.storage_key, row.source_key}:
        storage.delete(file.key)
    return message


def bring_contacts(
    given: FileStorage | None, use: Callable[[str, str, Plan], ContactImport]
) -> ContactImport:
    """The import that `use` makes of an uploaded file (key, name, how it seems to be written),
    committed; where it makes none, nothing of the file is left. Raises Invalid (file),
    FileTooLarge, and what `use` raises."""
    if given is None or not (given.filename or ""):
        raise Invalid(N_("Choose a file."), field="file", code="file_missing")
    key, name = contact_files.keep(cast(Draft, given.stream), given.filename or "")
    try:
        plan = contact_files.guess(key)
        with transaction():
            return use(key, name, plan)
    except AppError:
        storage_of(current_settings()).delete(key)
        raise


@again_when_beaten
def _committed(queue: Callable[[NewFile], Message], file: NewFile) -> Message:
    with transaction():
        return queue(file)
