"""Contacts to take away: what the list finds, as a file."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Response, stream_with_context
from flask_babel import gettext
from flask_login import login_required

from app.config import current_settings
from app.services import contact_exports
from app.ui.blueprint import bp
from app.ui.contacts import listing_of
from app.ui.instances import owned

_EXPORT = "/ui/instances/<instance_id>/contacts/export"


@bp.get(f"{_EXPORT}.csv")
@login_required
def export_csv(instance_id: str) -> Response:
    """For a spreadsheet."""
    instance = owned(instance_id)
    country = current_settings().default_country
    wish = listing_of(instance).wish
    pieces = contact_exports.as_csv(instance, wish, heads_of(), country=country)
    return file_of(pieces, "text/csv", "csv")


@bp.get(f"{_EXPORT}.vcf")
@login_required
def export_vcards(instance_id: str) -> Response:
    """For a phone or an address book."""
    instance = owned(instance_id)
    country = current_settings().default_country
    pieces = contact_exports.as_vcards(instance, listing_of(instance).wish, country=country)
    return file_of(pieces, "text/vcard", "vcf")


def heads_of() -> list[str]:
    """What the columns of a table of contacts are called."""
    return [
        gettext("Name"),
        gettext("Number"),
        gettext("Name in the phone's address book"),
        gettext("Name in WhatsApp"),
        gettext("Business"),
        gettext("Tags"),
        gettext("Note"),
        gettext("WhatsApp id"),
        gettext("Other numbers"),
    ]


def file_of(pieces: Iterator[str], kind: str, ending: str, *, name: str = "contacts") -> Response:
    """A file to be saved, as it is made."""
    response = Response(stream_with_context(pieces), content_type=f"{kind}; charset=utf-8")
    response.headers.set("Content-Disposition", "attachment", filename=f"{name}.{ending}")
    response.headers["Cache-Control"] = "no-store"
    return response
