"""Files that programs name by an address or write into their request: brought into the storage."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from urllib.parse import urlsplit

from app.config import current_settings
from app.core.errors import Invalid, Unavailable
from app.core.media import MIB
from app.core.texts import N_
from app.extensions import db
from app.outgoing import files
from app.services.uploads import FileTooLarge
from app.storage import Draft, storage_of
from app.waiting import Places

URL_LENGTH = 2000
_FETCHING = Places(share=3, least=1)
"""Of requests that wait for a file to come from elsewhere."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that is not stored yet, and what it is called."""

    draft: Draft
    name: str


class Busy(Unavailable):
    """As many files are being fetched as the server has threads for."""

    code = "too_many_fetches"
    message = N_("This server fetches enough other files just now. Try again in a moment.")


def from_address(url: str) -> tuple[Draft, str]:
    """The file at `url` and its name there, not stored yet. Raises Invalid (file.url),
    FileTooLarge, Unavailable."""
    url = _checked(url)
    settings = current_settings()
    most = settings.max_upload_mb * MIB
    db.session.rollback()  # nobody waits inside a transaction
    with _FETCHING.one() as granted:
        if not granted:
            raise Busy
        draft = storage_of(settings).draft()
        try:
            allowed = settings.webhook_private_addresses
            return draft, files.fetch(url, draft.write, most=most, private_allowed=allowed)
        except BaseException as error:
            draft.close()
            if isinstance(error, files.TooLarge):
                raise FileTooLarge(most) from None
            if isinstance(error, files.CannotFetch):
                raise _refusal(error.slug) from None
            raise


def from_text(data: str) -> Draft:
    """The file that is written in `data` as base64, also as a data: URL, not stored yet. Raises
    Invalid (file.data)."""
    text = data.partition(",")[2] if data.startswith("data:") else data
    try:
        content = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        message = N_("This is not base64.")
        raise Invalid(message, field="file.data", code="bad_base64") from None
    draft = storage_of(current_settings()).draft()
    draft.write(content)
    return draft


def _checked(url: str) -> str:
    url = url.strip()
    try:
        parts = urlsplit(url)
        known = parts.scheme.lower() in {"http", "https"} and bool(parts.hostname)
        known = known and (parts.port is None or parts.port > 0)
    except ValueError:
        known = False
    if not known or len(url) > URL_LENGTH or "@" in parts.netloc or not url.isprintable():
        message = N_("Write the full web address of the file, without a user name in it.")
        raise Invalid(message, field="file.url", code="bad_url")
    return url


def _refusal(slug: str) -> Invalid:
    if slug == "address_refused":
        message = N_("Files are never fetched from this address.")
        return Invalid(message, field="file.url", code="address_refused")
    message = N_("The file could not be fetched from its address: %(why)s.")
    return Invalid(message, field="file.url", code="file_not_fetched", why=slug)
