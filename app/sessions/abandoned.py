"""The clock's part in linking: attempts whose worker is gone.

The worker writes a link down right after the phone made it. One that was killed in between leaves
a device on the phone and its keys here: the keys tell, and the link is taken over.
"""

from __future__ import annotations

import structlog

from app.config import current_settings
from app.engine import keystore
from app.engine.base import Account
from app.engine.errors import EngineError
from app.models import Pairing
from app.services import pairings
from app.sessions import key_files
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
                _take_over(pairing, linked)
            else:
                pairings.give_up(pairing, reason="pairing_crashed" if pairing.started_at else None)


def _linked_account(pairing: Pairing) -> Account | None:
    if pairing.started_at is None:
        return None
    store = key_files.store_of(current_settings(), pairing.key_store)
    try:
        return keystore.linked_account(store, pairing.code)
    except EngineError as error:
        log.error("pairing.keys_unreadable", pairing_id=pairing.id, error=str(error))
        return None


def _take_over(pairing: Pairing, linked: Account) -> None:
    log.warning("pairing.taken_over", pairing_id=pairing.id, jid=linked.jid)
    user, _, device = linked.jid.partition("@")[0].partition(":")
    pairings.finish(
        pairing,
        phone=user,
        lid=linked.address.lid.partition("@")[0] if linked.address.lid else None,
        device=int(device or 0),
        push_name=linked.push_name,
    )
