"""Links to files for programs that know no key: signed, for one file, and of use for a while."""

from __future__ import annotations

from itsdangerous import BadSignature, URLSafeTimedSerializer

from app.config import current_settings
from app.core.errors import NotFound
from app.core.texts import N_
from app.extensions import db
from app.models import Media

PATH = "/media"
_PURPOSE = "link to a file"


def link_to(media: Media) -> str:
    """The address of the file, for whoever is told it, over the next MEDIA_LINK_HOURS."""
    return f"{current_settings().public_address}{PATH}/{_signer().dumps(media.id)}"


def media_of(token: str) -> Media:
    """The file that a link leads to. Raises NotFound, the same for a link that was never made, one
    that is over, and one whose file was deleted."""
    try:
        media_id = _signer().loads(token, max_age=current_settings().media_link_hours * 3600)
    except BadSignature:
        media_id = None
    row = db.session.get(Media, media_id) if media_id else None
    if row is None:
        raise NotFound(N_("There is no such file, or the link is over."), code="media_not_found")
    return row


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_settings().effective_secret_key, salt=_PURPOSE)
