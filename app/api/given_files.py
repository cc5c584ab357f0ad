"""Files in a JSON body: by their address, or written as base64."""

from __future__ import annotations

from pydantic import Field

from app.api.bodies import Body
from app.core.errors import Invalid
from app.core.texts import N_
from app.services import given_files


class FileGiven(Body):
    """A file: either its address, or its bytes."""

    url: str | None = Field(
        default=None,
        description="Where it is fetched from, within 25 seconds (http or https).",
        examples=["https://shop.example/invoice-1042.pdf"],
    )
    data: str | None = Field(default=None, description="Its bytes in base64, up to 7 MB of them.")
    name: str | None = Field(
        default=None, max_length=255, description="What it is called; else as in the address."
    )


def opened(given: FileGiven) -> given_files.Opened:
    """The file, not stored yet. Raises Invalid (file), FileTooLarge, Unavailable."""
    if (given.url is None) == (given.data is None):
        message = N_("Send either the url of the file or its data.")
        raise Invalid(message, field="file", code="url_or_data")
    if given.data is not None:
        return given_files.Opened(given_files.from_text(given.data), given.name or "")
    draft, name = given_files.from_address(given.url or "")
    return given_files.Opened(draft, given.name or name)
