"""The clock's part in linking: attempts whose worker is gone.

The worker writes a link down right after the phone made it. One that was killed in between leaves
a device on the phone and its keys here: the keys tell, and the link is taken over.
"""

from __future__ import annotations

import structlog

from app.config import current_settings
from app.engine.base import Account
from app.models import Pairing
from app.models.pairing import PHONE_CODE
from app.services import pairings
from app.sessions import links
from app.transaction import transaction

log = structlog.get_logger(__name__)


def settle() -> None:
    """Takes over or ends every abandoned attempt; run by the clock every few seconds.

    Keys without a link are left to the sweep of key files: they are gone within the hour.
    """
    for pairing in pairings.abandoned():
        linked = _linked_account(pairing)
        with transaction():
            if pairing not in pairings.abandoned():
                continue  # its worker was only slow
            if linked is not None:
                log.warning("pairing.taken_over", pairing_id=pairing.id, jid=linked.jid)
                links.write_down(pairing, linked)
            else:
                pairings.give_up(pairing, reason="pairing_crashed" if pairing.started_at else None)


def _linked_account(pairing: Pairing) -> Account | None:
    if pairing.started_at is None:
        return None
    settings = current_settings()
    if settings.uses_postgres and pairing.method == PHONE_CODE:
        return links.made_by_phone_code(settings, pairing)
    return links.made_by(settings, pairing.key_store, pairing.code)
