"""Downloads profile pictures: small, not encrypted, and believed in nothing but their bytes."""

from __future__ import annotations

import structlog

from app.config import current_settings
from app.core.sniffing import mime_of
from app.jobs.media import way_of
from app.outgoing import media_host
from app.outgoing.media_host import HostTrouble
from app.services import profile_pictures
from app.services.profile_pictures import Errand
from app.storage import StorageUnreachable, storage_of
from app.transaction import again_when_beaten, transaction

log = structlog.get_logger(__name__)

MOST_BYTES = 200 * 1024
KINDS = frozenset({"image/jpeg", "image/png"})


def fetch(picture_id: str) -> None:
    """The job: brings one picture into the storage, if it is due. Who does it a second
    time at once finds it done."""
    with transaction():
        errand = profile_pictures.errand_of(picture_id)
    if errand is None:
        return
    try:
        key, mime = _bring(errand)
    except StorageUnreachable as error:
        log.warning(
            "picture.not_stored", picture_id=picture_id, error=str(error)
        )  # the sweep rings
    except (HostTrouble, OSError) as error:
        log.warning("picture.not_fetched", picture_id=picture_id, reason=str(error))
        with transaction():
            profile_pictures.failed(errand)
    else:
        if not _record(errand, key, mime):
            storage_of(current_settings()).delete(key)


def _bring(errand: Errand) -> tuple[str, str]:
    """The key under which it is kept, and what its bytes are. Raises HostTrouble, OSError,
    StorageUnreachable."""
    settings = current_settings()
    way = way_of(settings, errand.own_proxy)
    content = media_host.picture(errand.url, most=MOST_BYTES, way=way)
    mime = mime_of(content)
    if mime not in KINDS:
        raise HostTrouble("not_a_picture")
    with storage_of(settings).draft() as draft:
        draft.write(content)
        return draft.keep(), mime


@again_when_beaten
def _record(errand: Errand, key: str, mime: str) -> bool:
    with transaction():
        return profile_pictures.stored(errand, key=key, mime=mime)
